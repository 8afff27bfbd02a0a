"""The accounts file: valid content, and errors that do not repeat secrets."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aiozbilling import ConfigurationError
from aiozbilling.exchange.credentials import bearer, key_pair, reveal
from aiozbilling.fleet import read_accounts
from aiozbilling.fleet.accounts import Account, selected
from aiozbilling.fleet.references import Reference

GOOD = """
[[account]]
label = "eu"
api_key = "env:EU_KEY"
secret_key = "file:eu.secret"
tags = { team = "storage" }

[[account]]
label = "cu"
system = "b3os"
organization = "org_1"
token = "keyring:billing/cu"

[[account]]
label = "saas"
system = "metered"
base_url = "https://billing.example.com"
token = "vault_of_tests.keys:token"
"""
CANARY = "CaNaRy1+aa/bb+cc/Dd=="


def written(folder: Path, text: str) -> Path:
    path = folder / "accounts.toml"
    path.write_text(text)
    return path


def one(**settings: str) -> str:
    pairs = {"label": '"eu"', "api_key": '"env:A"', "secret_key": '"env:B"'} | settings
    return "[[account]]\n" + "\n".join(f"{name} = {value}" for name, value in pairs.items() if value)


def test_a_file_is_read(tmp_path):
    """Accounts come in the file's order with their references, tags and systems."""
    eu, cu, saas = read_accounts(written(tmp_path, GOOD))
    assert (eu.label, eu.system, eu.tags) == ("eu", "aioz", {"team": "storage"})
    assert {name: str(reference) for name, reference in eu.secrets.items()} == {
        "api_key": "env:EU_KEY",
        "secret_key": "file:eu.secret",
    }
    assert (cu.system, cu.organization) == ("b3os", "org_1")
    assert (saas.system, saas.base_url) == ("metered", "https://billing.example.com")


@pytest.mark.parametrize(
    "literal", [CANARY, f"env:{CANARY}", f"literal:{CANARY}", "", f"keyring:{CANARY}".replace("/", "")]
)
def test_a_literal_secret_is_refused_and_not_repeated(tmp_path, literal):
    """A secret in the file is an error, whose message contains no part of it."""
    with pytest.raises(ConfigurationError, match="not the secret itself") as caught:
        read_accounts(written(tmp_path, one(api_key=f'"{literal}"')))
    assert CANARY[:6] not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[account]", "line 1, column 10: not valid TOML"),
        ("x = 1", "unknown setting 'x'"),
        ("[account]\nlabel='a'", "two brackets"),
        ("", "no \\[\\[account"),
        (one(label='"../up"'), "begin with a letter"),
        (one(label='"007"'), "begin with a letter"),
        (one(label='"NaN"'), "label 'NaN' is not allowed"),
        (one(label='"con"'), "label 'con' is not allowed"),
        (one(label='"a."'), "begin with a letter"),
        (one(label='"' + "a" * 65 + '"'), "at most 64 letters"),
        (one(label=""), "account 1: set label"),
        (one(label="7"), "label must be a text"),
        (one(system='"aws"'), "aioz, b3os or metered"),
        (one(secret_key=""), "api_key and secret_key, or token, and no other secret"),
        (one(token='"env:C"'), "api_key and secret_key, or token, and no other secret"),
        (one(apikey='"x"'), "unknown setting 'apikey'"),
        (one(tags='"x"'), "tags must be texts"),
        (one(base_url="1"), "'base_url' must be a text"),
        (one(organization='"org_1"'), "unknown setting 'organization'"),
        (one() + "\n" + one(), "label 'eu'"),
        (one() + "\n" + one(label='"EU"', api_key='"env:C"'), "label 'EU' and 'eu', which some file systems"),
        (one() + "\n" + one(label='"us"'), "'eu' and 'us' have the same key"),
    ],
)
def test_mistakes_are_named(tmp_path, text, says):
    """Each mistake has a message that names it."""
    with pytest.raises(ConfigurationError, match=says):
        read_accounts(written(tmp_path, text))


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + GOOD.encode(), GOOD.replace("\n", "\r\n").encode()])
def test_files_of_windows_are_read(tmp_path, content):
    """A byte order mark and lines that end with CR LF are not errors."""
    (tmp_path / "accounts.toml").write_bytes(content)
    assert [account.label for account in read_accounts(tmp_path / "accounts.toml")] == ["eu", "cu", "saas"]


def test_a_file_in_another_encoding_is_named(tmp_path):
    """A file that is not UTF-8 is an error that says so."""
    (tmp_path / "accounts.toml").write_bytes(GOOD.encode("utf-16"))
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        read_accounts(tmp_path / "accounts.toml")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no endless file")
def test_an_endless_file_is_refused():
    """A device without an end is refused after 64 MiB."""
    with pytest.raises(ConfigurationError, match="more than 64 MiB"):
        read_accounts("/dev/full")


def test_a_missing_file_is_an_error(tmp_path):
    """A missing file is a ConfigurationError."""
    with pytest.raises(ConfigurationError, match="can't read"):
        read_accounts(tmp_path / "none.toml")


def test_secrets_are_resolved(tmp_path, monkeypatch):
    """Secrets are read from variables, files next to the accounts file, keyrings and functions."""
    import keyring
    from keyring.backend import KeyringBackend

    class Ring(KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            return "in-keyring" if (service, username) == ("billing", "cu") else None

        def set_password(self, service, username, password): ...

    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    (tmp_path / "vault_of_tests").mkdir()
    (tmp_path / "vault_of_tests/__init__.py").write_text("")
    (tmp_path / "vault_of_tests/keys.py").write_text("def token(label):\n    return f'token-of-{label}'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("EU_KEY", "in-environment")
    (tmp_path / "eu.secret").write_text("in-file\n")
    try:
        eu, cu, saas = read_accounts(written(tmp_path, GOOD))
        secrets = eu.resolve()
        tokens = [cu.resolve()["token"], saas.resolve()["token"]]
    finally:
        keyring.set_keyring(before)
        sys.modules.pop("vault_of_tests.keys", None)
    signed = reveal(key_pair(**secrets))
    assert (signed["pinning_api_key"], signed["pinning_secret_key"]) == ("in-environment", "in-file")
    assert [reveal(bearer(token))["Authorization"] for token in tokens] == ["Bearer in-keyring", "Bearer token-of-saas"]
    assert "in-file" not in repr(secrets)


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("env:NOT_SET_HERE", "set the environment variable NOT_SET_HERE"),
        ("file:none.key", "can't read the secret"),
        ("file:~no-such-user/none.key", "can't read the secret"),
        ("no.such.module:key", "could not be imported"),
        ("os.path:no_such_function", "could not be imported"),
        ("os.path:getsize", "failed for account 'eu'"),
    ],
)
def test_a_missing_secret_is_named(tmp_path, reference, says):
    """The error names the account, the setting and the reference."""
    (account,) = read_accounts(written(tmp_path, one(api_key=f'"{reference}"')))
    with pytest.raises(ConfigurationError, match=f"account 'eu', api_key: .*{says}"):
        account.resolve()


@pytest.mark.skipif(sys.platform == "win32", reason="needs an endless device")
def test_an_endless_device_is_no_secret():
    """Not more than a few KiB of a file are read."""
    account = Account(label="eu", secrets={"token": Reference.parse("file:/dev/zero", "token")})
    with pytest.raises(ConfigurationError, match="account 'eu', token: /dev/zero contains no secret"):
        account.resolve()


def test_a_byte_order_mark_is_no_part_of_a_secret(tmp_path):
    """Editors of Windows write one at the beginning of a file, and a line break at its end."""
    (tmp_path / "eu.key").write_bytes(b"\xef\xbb\xbfin-file\r\n")
    account = Account(label="eu", secrets={"token": Reference.parse("file:eu.key", "token")}, folder=tmp_path)
    assert reveal(bearer(account.resolve()["token"]))["Authorization"] == "Bearer in-file"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"CaNaRy with blanks", "has a blank"),
        (b"\xff\xfeCaNaRy", "not ASCII"),
        (b"'CaNaRy'", "in quotes"),
    ],
)
def test_an_invalid_secret_is_named_by_its_reference(tmp_path, content, says):
    """The error names the account and the file, not an environment variable, and repeats no part of the secret."""
    (tmp_path / "eu.key").write_bytes(content)
    (account,) = read_accounts(written(tmp_path, one(api_key='"file:eu.key"')))
    with pytest.raises(ConfigurationError, match=f"account 'eu', api_key: file:eu.key .*{says}") as caught:
        account.resolve()
    assert "CaNaRy" not in str(caught.value)


def test_the_error_of_a_function_is_not_repeated(tmp_path, monkeypatch):
    """An exception of a function may hold a secret, so its message is left out."""
    (tmp_path / "leaking_vault").mkdir()
    (tmp_path / "leaking_vault/keys.py").write_text(f"def key(label):\n    raise RuntimeError('{CANARY}')\n")
    monkeypatch.syspath_prepend(tmp_path)
    (account,) = read_accounts(written(tmp_path, one(api_key='"leaking_vault.keys:key"')))
    with pytest.raises(ConfigurationError, match="RuntimeError") as caught:
        account.resolve()
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_patterns_select(tmp_path):
    """Patterns are those of a shell; without one, all accounts are selected."""
    accounts = read_accounts(written(tmp_path, GOOD))
    assert [account.label for account in selected(accounts, ["e*", "saas"])] == ["eu", "saas"]
    assert selected(accounts, "saas") == accounts[2:]
    assert selected(accounts, ()) == accounts
