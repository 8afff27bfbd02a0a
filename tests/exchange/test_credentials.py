"""Secrets are never shown, and are masked in texts from a server in every encoding."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiozbilling import ConfigurationError, Secret
from aiozbilling.exchange.credentials import (
    Credentials,
    bearer,
    concealed,
    key_pair,
    keyed_fingerprint,
    reveal,
    scrubbed,
)

KEY = "pn+zT/0a9+/Q=="
TOKEN = "b3sk_a\"b'c\\d%e&f<g>h~!#$^*(){}[]|;:,.?`@="
_TEXTS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=4, max_size=60)
SECRETS = _TEXTS.filter(lambda text: Secret(text).problem is None)  # a client refuses one in quotes


def pair(key: str = KEY, secret: str = TOKEN):
    """Return the credentials of a key pair."""
    return key_pair(Secret(key), Secret(secret))


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>40}".format, "%s".__mod__, "{:x>9}".format, ascii])
def test_a_secret_shows_nothing(show):
    """No conversion of a secret to text shows it, alone or inside credentials."""
    assert "***" in show(Secret(KEY))
    assert KEY not in show(Secret(KEY))
    assert KEY[:4] not in repr(pair()) + str(pair()) + repr(pair().headers)


def test_a_secret_has_no_dict_and_equals_only_itself():
    """A secret has no `__dict__`, and comparisons reveal nothing about its text."""
    assert not hasattr(Secret(KEY), "__dict__")
    assert Secret(KEY) != Secret(KEY)
    assert Secret(KEY) != KEY


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_not_pickled(protocol):
    """Pickling a secret or an object with one is an error, with every protocol, and the message does not show it."""
    for thing in (Secret(KEY), pair(), [Secret(KEY)]):
        with pytest.raises(TypeError, match="can.t be pickled") as caught:
            pickle.dumps(thing, protocol)
        assert KEY not in str(caught.value)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_secret_is_not_copied(copied):
    """Neither copy nor deepcopy copies a secret."""
    with pytest.raises(TypeError, match="can.t be pickled or copied"):
        copied(Secret(KEY))
    with pytest.raises(TypeError, match="can.t be pickled or copied"):
        copy.deepcopy(pair())


def test_credentials_sign_with_their_headers():
    """The headers in clear text are exactly those that the providers document."""
    accepted = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
    assert reveal(pair()) == {"pinning_api_key": KEY, "pinning_secret_key": TOKEN, **accepted}
    assert reveal(bearer(Secret(TOKEN))) == {"Authorization": f"Bearer {TOKEN}", **accepted}


def test_revealed_headers_are_masked_in_a_repr():
    """A traceback shows the dict of headers masked, although the headers are sent in clear text."""
    revealed = reveal(pair())
    assert KEY not in repr(revealed)
    assert revealed["pinning_api_key"].encode() == KEY.encode()


def test_fingerprints_distinguish_accounts_and_reveal_nothing():
    """Equal credentials have equal fingerprints, different ones have different fingerprints without their text."""

    def fingerprint(credentials: Credentials, host: str = "host", key: bytes = b"key") -> str:
        return keyed_fingerprint(credentials, host, key)

    assert fingerprint(pair()) == fingerprint(pair())
    others = {
        fingerprint(pair()),
        fingerprint(pair(TOKEN, KEY)),
        fingerprint(pair(KEY + "a", TOKEN)),
        fingerprint(bearer(Secret(KEY))),
        fingerprint(pair(), host="other"),
        fingerprint(pair(), key=b"other"),
    }
    assert len(others) == 6
    assert KEY not in fingerprint(pair())


BAD = {
    "empty": "",
    "blank": "abc def",
    "newline": "abcdef\n",
    "tab": "\tabcdef",
    "nul": "abc\0def",
    "header injection": "abc\r\nX-Evil: 1",
    "delete": "abc\x7f",
    "latin": "abcdéf",
    "fullwidth": "ａｂｃｄ",
    "surrogate": "abc\udcff",
    "no-break space": "abc\xa0def",
    "double quotes": '"abcdef"',
    "single quotes": "'abcdef'",
    "bytes": b"abcdef",
    "number": 123456,
    "list": ["abcdef"],
    "none": None,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_texts_invalid_in_a_header_are_refused_without_showing_them(text):
    """The error of an invalid credential has its name and the reason, but no part of its text."""
    with pytest.raises(ConfigurationError) as caught:
        bearer(concealed(text), variable="B3OS_API_KEY")
    message = str(caught.value) + repr(caught.value)
    assert "token (environment variable B3OS_API_KEY)" in message
    for part in ("abc", "def", "123456", "ａｂ", "Evil"):
        assert part not in message
    for position in (0, 1):
        keys = [Secret(KEY), Secret(KEY)]
        keys[position] = Secret(text)
        with pytest.raises(ConfigurationError, match=("api_key", "secret_key")[position]):
            key_pair(*keys)


def test_a_token_with_its_scheme_is_explained():
    """The error of a token that was copied with the word "Bearer" says so."""
    with pytest.raises(ConfigurationError, match='token begins with "Bearer ", which is no part of it'):
        bearer(Secret("Bearer abcdef"))


def test_texts_valid_in_a_header_are_accepted():
    """A credential may contain every visible ASCII character."""
    assert Secret("".join(map(chr, range(0x21, 0x7F)))).problem is None


def json_slashed(text: str) -> str:
    """Escape for JSON as PHP does."""
    return json.dumps(text)[1:-1].replace("/", "\\/")


def json_numbered(text: str) -> str:
    """Escape all characters except letters and digits for JSON, as .NET does."""
    return "".join(character if character.isalnum() else f"\\u{ord(character):04X}" for character in text)


def html_numbered(text: str) -> str:
    """Escape for HTML by numbers, as Go does with "+"."""
    return "".join(character if character.isalnum() else f"&#{ord(character)};" for character in text)


ECHOES = {
    "raw": str,
    "quoted": lambda text: quote(text, safe=""),
    "quoted but slashes": quote,
    "quoted but slashes and signs": lambda text: quote(text, safe="/+="),
    "quoted but plus": lambda text: quote(text, safe="+"),
    "quoted small": lambda text: "".join(c if c.isalnum() else f"%{ord(c):02x}" for c in text),
    "quoted plus": quote_plus,
    "quoted twice": lambda text: quote(quote(text, safe=""), safe=""),
    "plus decoded as blank": lambda text: text.replace("+", " "),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "JSON with slashes": json_slashed,
    "JSON with numbers": json_numbered,
    "HTML": html.escape,
    "HTML with numbers": html_numbered,
    "HTML with hex": lambda text: "".join(c if c.isalnum() else f"&#x{ord(c):X};" for c in text),
    "repr": lambda text: repr(text)[1:-1],
    "repr in repr": lambda text: repr(repr(text)[1:-1])[1:-1],
    "capitals": str.upper,
    "small": str.lower,
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@given(secret=SECRETS | st.binary(min_size=8, max_size=48).map(base64.b64encode).map(bytes.decode))
def test_every_encoding_of_an_echo_is_masked(echo, secret):
    """However a server escapes a secret, it is masked, and the words around it stay."""
    text = f"неверный ключ «{echo(secret)}»."  # no ASCII letters, which a generated secret could contain too
    assert scrubbed(text, bearer(Secret(secret))) == "неверный ключ «***»."


def test_both_keys_are_masked_everywhere():
    """Every occurrence of each key of a pair is masked."""
    text = f"{KEY},{TOKEN};{TOKEN}{KEY}{KEY}"
    assert scrubbed(text, pair()) == "***,***;*********"


def test_a_key_inside_the_other_is_masked_completely():
    """If one secret begins with the other one, it is masked completely, in any order."""
    longer = KEY + "REST"
    for first, second in ((KEY, longer), (longer, KEY)):
        assert "REST" not in scrubbed(f"bad: {longer}", pair(first, second))


@pytest.mark.parametrize("part", [slice(12), slice(8), slice(-8, None), slice(5, 17)])
@pytest.mark.parametrize("case", [str, str.lower, str.swapcase])
def test_a_part_of_a_secret_is_masked(part, case):
    """A server that shows the first or last eight characters, or more, gets none of them into an error."""
    secret = "aB3/dE6+gH9_jK2-mN5="
    text = f"bad key {case(secret[part])}… (İstanbul)"
    assert scrubbed(text, pair(secret, KEY)) == "bad key ***… (İstanbul)"
    assert scrubbed(f"bad key {secret[:7]}…", pair(secret, KEY)) == f"bad key {secret[:7]}…"


def test_ordinary_words_stay():
    """Texts without a secret are unchanged, and a secret of three letters doesn't mask parts of words."""
    text = "could not verify the key of /api/billing/topUp?offset=0&limit=10"
    assert scrubbed(text, pair()) == text
    assert scrubbed("a cat sat", bearer(Secret("cat"))) == "a cat sat"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("text", ["\\" * 60_000, "%25" * 20_000, "&#0" * 20_000, "a" * 60_000, KEY[:-1] * 4_000])
def test_no_text_makes_scrubbing_slow(text):
    """A hostile page of 64 KiB does not take minutes, even with hostile secrets; the timeout would end it."""
    for secret in (KEY, "\\" * 40, "a" * 400, "%" * 40, TOKEN) * 5:
        scrubbed(text, bearer(Secret(secret)))
