"""The accounts file: the accounts, their systems, and where their secrets are."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.fleet.references import Reference, resolved

__all__ = ["Account", "Accounts", "System", "accounts_of", "read_accounts", "selected"]

System: TypeAlias = Literal["aioz", "b3os", "metered"]
SECRETS: dict[str, tuple[tuple[str, ...], ...]] = {
    "aioz": (("api_key", "secret_key"), ("token",)),
    "b3os": (("token",),),
    "metered": (("token",),),
}
_SETTINGS = {"aioz": ("base_url",), "b3os": ("base_url", "organization"), "metered": ("base_url",)}
_LARGEST = 64 << 20  # bytes of an accounts file, enough for 300,000 accounts
_PLACE = re.compile(r"at line (\d+), column (\d+)")
_SECRET_NAMES = ("api_key", "secret_key", "token")
# A label is part of a folder name, `account=…`. Readers of datasets guess its type, so it must not look like a number.
_LABEL = re.compile(r"[A-Za-z](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?", re.ASCII)
_LONGEST_LABEL = 64
_TAKEN_NAMES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
_TAKEN_NAMES |= {"nan", "inf", "infinity", "null", "none", "true", "false", "now", "today", "epoch", "yesterday"}


@attrs.frozen(kw_only=True)
class Account:
    """One account of a fleet. It contains references to secrets, not the secrets.

    Attributes:
        label: your name for the account, and the name of its folder: letters, digits, ``.``, ``_`` and ``-``, beginning
            with a letter.
        system: ``"aioz"``, ``"b3os"`` or ``"metered"``.
        secrets: references by name: ``api_key`` and ``secret_key``, or ``token``, for aioz; ``token`` for the others.
        base_url: URL of the server. None means the one in the environment (``AIOZ_PIN_BASE_URL``, ``B3OS_SERVER_URL``)
            or the default of the system.
        organization: id of the B3OS organization, or None.
        tags: your own texts, such as ``{"team": "storage"}``.
        folder: folder for relative paths of secrets.
    """

    label: str
    system: System = "aioz"
    secrets: Mapping[str, Reference] = attrs.field(factory=dict)
    base_url: str | None = None
    organization: str | None = None
    tags: Mapping[str, str] = attrs.field(factory=dict)
    folder: Path = attrs.field(default=Path())

    def resolve(self) -> dict[str, Any]:
        """Read the secrets and return a `Secret` for each name in `secrets`. It blocks.

        Raises:
            ConfigurationError: a secret is missing or invalid.
        """
        found = {}
        for name, reference in self.secrets.items():
            try:
                found[name] = resolved(reference, self.folder, self.label)
            except ConfigurationError as error:
                raise ConfigurationError(f"account {self.label!r}, {name}: {error}") from None
        return found


Accounts: TypeAlias = "str | PathLike[str] | Sequence[Account]"


def accounts_of(accounts: Accounts) -> tuple[Account, ...]:
    """Return the accounts of a file, or those of a sequence unchanged.

    Raises:
        ConfigurationError: the file can't be read, or two accounts have the same label.
    """
    if isinstance(accounts, str | PathLike):
        return read_accounts(accounts)
    found = tuple(accounts)
    _refuse_repeated(found)
    return found


def read_accounts(path: str | PathLike[str]) -> tuple[Account, ...]:
    """Read an accounts file (TOML), in its order. The secrets themselves are not read.

    Raises:
        ConfigurationError: the file is missing, is not TOML or contains a secret, or an account is invalid.
    """
    file = Path(path)
    content = _content(file)
    if unknown := sorted(content.keys() - {"account"}):
        raise ConfigurationError(f"{file}: unknown setting {unknown[0]!r}; accounts are tables [[account]]")
    tables = content.get("account", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(f"{file}: accounts are tables [[account]], with two brackets")
    found = tuple(_account(table, file.absolute().parent, number) for number, table in enumerate(tables, 1))
    if not found:
        raise ConfigurationError(f"{file} has no [[account]]")
    _refuse_repeated(found)
    return found


def selected(accounts: Iterable[Account], patterns: Sequence[str]) -> tuple[Account, ...]:
    """Return the accounts whose label matches one of the patterns, such as ``"eu-*"``; all if there is no pattern.

    Raises:
        ConfigurationError: no label matches a pattern.
    """
    accounts = tuple(accounts)
    patterns = (patterns,) if isinstance(patterns, str) else patterns  # not one pattern for each of its letters
    for pattern in patterns:
        if not any(fnmatchcase(account.label, pattern) for account in accounts):
            raise ConfigurationError(f"no account has a label that matches {pattern!r}")
    if not patterns:
        return accounts
    return tuple(one for one in accounts if any(fnmatchcase(one.label, pattern) for pattern in patterns))


def _content(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            read = opened.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"can't read {file}: {error.strerror}") from error
    if len(read) > _LARGEST:
        raise ConfigurationError(f"{file} is not an accounts file: it has more than {_LARGEST >> 20} MiB")
    try:
        return tomllib.loads(read.decode("utf-8-sig").replace("\r\n", "\n"))  # editors of Windows write a mark first
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} is not UTF-8 text: save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))  # the rest of the message may hold a part of a secret
        where = f", line {place[1]}, column {place[2]}" if place else ""
        raise ConfigurationError(f"{file}{where}: not valid TOML: check the quotes and brackets") from None


def _label(label: object, number: int) -> str:
    if not isinstance(label, str):
        raise ConfigurationError(f"account {number}: label must be a text")
    if len(label) > _LONGEST_LABEL or not _LABEL.fullmatch(label):
        raise ConfigurationError(
            f"account {number}: label {label[: _LONGEST_LABEL + 1]!r} must consist of at most {_LONGEST_LABEL} letters"
            " (a to z), digits, '.', '_' and '-', begin with a letter, and not end with '.'"
        )
    if label.lower() in _TAKEN_NAMES:
        raise ConfigurationError(
            f"account {number}: label {label!r} is not allowed, because some systems or readers give it a meaning"
        )
    return label


def _account(table: dict[str, Any], folder: Path, number: int) -> Account:
    if "label" not in table:
        raise ConfigurationError(f"account {number}: set label")
    label = _label(table["label"], number)
    system = table.get("system", "aioz")
    if system not in get_args(System):
        raise ConfigurationError(f"account {label!r}: system must be aioz, b3os or metered")
    allowed = {"label", "system", "tags", *_SECRET_NAMES, *_SETTINGS[system]}
    if unknown := sorted(table.keys() - allowed):
        raise ConfigurationError(f"account {label!r}: unknown setting {unknown[0]!r}")
    secrets = {
        name: Reference.parse(table[name], f"account {label!r}: {name}") for name in _SECRET_NAMES if name in table
    }
    if tuple(secrets) not in SECRETS[system]:
        ways = ", or ".join(" and ".join(way) for way in SECRETS[system])
        raise ConfigurationError(f"account {label!r}: set {ways}, and no other secret")
    settings = {name: _text(table[name], label, name) for name in _SETTINGS[system] if name in table}
    if system == "metered" and "base_url" not in settings:
        raise ConfigurationError(
            f"account {label!r}: set 'base_url', because every deployment of this system has its own"
        )
    if system == "b3os" and "organization" not in settings:
        raise ConfigurationError(f"account {label!r}: set organization")
    return Account(
        label=label, system=system, secrets=secrets, tags=_tags(table.get("tags", {}), label), folder=folder, **settings
    )


def _text(value: object, label: str, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"account {label!r}: {name!r} must be a text")
    return value


def _tags(tags: object, label: str) -> dict[str, str]:
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise ConfigurationError(f'account {label!r}: tags must be texts, such as {{ team = "storage" }}')
    return dict(tags)


def _refuse_repeated(accounts: Sequence[Account]) -> None:
    labels: dict[str, str] = {}
    secrets: dict[tuple[object, ...], str] = {}
    for account in accounts:
        if same := labels.get(account.label.lower()):
            differ = "" if same == account.label else f" and {same!r}, which some file systems take for the same name"
            raise ConfigurationError(f"two accounts have the label {account.label!r}{differ}")
        labels[account.label.lower()] = account.label
        # A function gets the label as its argument, so several accounts may share it.
        places = tuple(map(str, account.secrets.values()))
        fixed = all(reference.kind in ("env", "file", "keyring") for reference in account.secrets.values())
        where = (account.system, account.base_url, account.organization, account.folder)
        other = secrets.setdefault((*where, places), account.label)
        if fixed and other != account.label:
            raise ConfigurationError(f"accounts {other!r} and {account.label!r} have the same key")
