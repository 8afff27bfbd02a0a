"""Secrets and the headers that they sign. Only this module uses the text of a secret."""

from __future__ import annotations

import hashlib
import re
from typing import Any, NoReturn, overload

import attrs
from multidict import CIMultiDict, istr

from aiozbilling.errors import ConfigurationError

__all__ = [
    "Credentials",
    "Secret",
    "bearer",
    "concealed",
    "key_pair",
    "keyed_fingerprint",
    "label_fingerprint",
    "reveal",
    "scrubbed",
]

_ACCEPTED = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
_SHORTEST_SCRUBBED = 4  # replacing a shorter secret would also replace ordinary words
_SHORTEST_PART = 8  # of a secret that a server shows in part, such as its first characters


class _Revealed(str):
    """A header's text for the HTTP library, which tracebacks and logs show masked."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Secret:
    """A text that no repr, str, format, log or pickle shows."""

    __slots__ = ("_text",)

    def __init__(self, text: object) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, _spec: str) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret can't be pickled or copied: create the client from its environment instead")

    @property
    def problem(self) -> str | None:
        """The reason why the text is unusable as a credential, without any part of it, or None."""
        if not isinstance(self._text, str):
            return "is not a str"
        if not self._text:
            return "is empty"
        if not self._text.isascii():
            return "has a character that is not ASCII"
        if self._text.lower().startswith("bearer "):
            return 'begins with "Bearer ", which is no part of it'
        if any(not "!" <= character <= "~" for character in self._text):
            return "has a blank or a control character (a newline at its end, from a file?)"
        if self._text[0] in "\"'" and self._text[0] == self._text[-1]:
            return "is in quotes, which are not part of it (from a .env file?)"
        return None


@overload
def concealed(text: None) -> None: ...
@overload
def concealed(text: str | Secret) -> Secret: ...
def concealed(text: object) -> Secret | None:
    """Wrap a credential in a `Secret`, before an error can show it in a traceback. None stays None."""
    return text if text is None or isinstance(text, Secret) else Secret(text)


@attrs.frozen(eq=False, repr=False)
class Credentials:
    """Headers that sign a request.

    Attributes:
        headers: ``(name, prefix, secret)`` of each header.
    """

    headers: tuple[tuple[str, str, Secret], ...]
    _signed: CIMultiDict[str] = attrs.field(repr=False)

    @classmethod
    def of(cls, *headers: tuple[str, str, Secret]) -> Credentials:
        """Create credentials from ``(name, prefix, secret)``."""
        clear = {name: _Revealed(f"{prefix}{secret._text}") for name, prefix, secret in headers}
        # All headers of a request in the form of the HTTP library. Creating them for each request took 3 µs.
        signed = CIMultiDict({istr(name): text for name, text in (_ACCEPTED | clear).items()})
        return cls(headers, signed)


def keyed_fingerprint(credentials: Credentials, host: str, key: bytes) -> str:
    """Return a text that depends only on credentials, host and key, and does not reveal the credentials."""
    digest = hashlib.blake2b(host.encode(), key=key[:64], digest_size=16)
    for name, _, secret in credentials.headers:
        digest.update(f"\0{name}\0{secret._text}".encode())
    return digest.hexdigest()


def label_fingerprint(label: str, host: str, key: bytes) -> str:
    """Return such a text for an account that is identified by its label, because its credentials change."""
    return hashlib.blake2b(f"{host}\0label\0{label}".encode(), key=key[:64], digest_size=16).hexdigest()


def bearer(token: Secret | None, *, variable: str = "") -> Credentials:
    """Sign by ``Authorization: Bearer``.

    Raises:
        ConfigurationError: the token is invalid.
    """
    token = token or Secret(None)
    _check(token, "token", variable)
    return Credentials.of(("Authorization", "Bearer ", token))


def key_pair(api_key: Secret, secret_key: Secret) -> Credentials:
    """Sign by AIOZ's two headers.

    Raises:
        ConfigurationError: one of the keys is invalid.
    """
    _check(api_key, "api_key", "AIOZ_PIN_API_KEY")
    _check(secret_key, "secret_key", "AIOZ_PIN_SECRET_KEY")
    return Credentials.of(("pinning_api_key", "", api_key), ("pinning_secret_key", "", secret_key))


def _check(secret: Secret, name: str, variable: str) -> None:
    if problem := secret.problem:
        origin = f" (environment variable {variable})" if variable else ""
        raise ConfigurationError(f"{name}{origin} {problem}")


def reveal(credentials: Credentials) -> CIMultiDict[str]:
    """Return the headers of a signed request in clear text. Only this function does so, when a request is sent."""
    return credentials._signed.copy()  # the caller's session may add headers


def scrubbed(text: str, *credentials: Credentials) -> str:
    """Mask credentials in a text from the server, as plain text or escaped for a URL, JSON, HTML or a repr."""
    secrets = [secret for known in credentials for _, _, secret in known.headers]
    patterns = [_pattern(secret) for secret in secrets]
    for pattern in sorted(patterns, key=len, reverse=True):  # one key may begin with the other
        text = re.sub(pattern, "***", text, flags=re.IGNORECASE) if pattern else text
    for secret in secrets:
        text = _without_parts(text, str(secret._text).lower())
    return text


def _without_parts(text: str, secret: str) -> str:
    """Mask parts of a secret, which is in lower case."""
    parts = {secret[i : i + _SHORTEST_PART] for i in range(len(secret) - _SHORTEST_PART + 1)}
    lower = text.lower() if text.isascii() else "".join(map(_lower, text))
    found = [i for i in range(len(text)) if lower[i : i + _SHORTEST_PART] in parts]
    if not found:
        return text
    hidden = {i + after for i in found for after in range(_SHORTEST_PART)}
    return re.sub("\0+", "***", "".join("\0" if i in hidden else text[i] for i in range(len(text))))


def _lower(character: str) -> str:
    return character.lower() if character.isascii() else character  # others may become two characters


def _pattern(secret: Secret) -> str:
    characters: Any = secret._text
    return "".join(map(_forms, characters)) if len(characters) >= _SHORTEST_SCRUBBED else ""


def _forms(character: str) -> str:
    """Return a pattern for all forms in which common encoders write a character."""
    if character.isalnum():
        return character
    number, plain = ord(character), "[+ ]" if character == "+" else re.escape(character)
    return rf"\\{{0,3}}(?:%(?:25)?{number:02x}|u{number:04x}|&#0*{number};|&#x0*{number:x};|&[a-z]{{2,6}};|{plain})"
