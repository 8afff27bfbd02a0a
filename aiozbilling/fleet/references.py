"""References to secrets: an accounts file says where a secret is and never contains one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.credentials import Secret

__all__ = ["Reference", "resolved"]

_FORMS = "env:NAME, file:PATH, keyring:SERVICE/NAME or package.module:function"
_PATTERNS = {
    "env": re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII),
    "file": re.compile(r"[^\0\n]{1,4096}"),
    "keyring": re.compile(r"[^\0\n/]{1,256}/[^\0\n]{1,256}"),
}
_LARGEST = 16 << 10  # bytes of a file with a secret; a token has a few hundred
_FUNCTION = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+):([A-Za-z_]\w*)", re.ASCII)


@attrs.frozen
class Reference:
    """A reference to a secret.

    Attributes:
        kind: ``"env"``, ``"file"``, ``"keyring"``, or the module of a function.
        name: name of the variable, path of the file, ``service/name``, or name of the function.
    """

    kind: str
    name: str

    @classmethod
    def parse(cls, text: object, what: str) -> Reference:
        """Parse a reference such as ``"env:EU_KEY"``; an error message names it as `what`.

        Raises:
            ConfigurationError: the text is not a reference. The message does not repeat it, because it may be a secret.
        """
        if isinstance(text, str):
            kind, colon, name = text.partition(":")
            if colon and kind in _PATTERNS and _PATTERNS[kind].fullmatch(name):
                return cls(kind, name)
            if function := _FUNCTION.fullmatch(text):
                return cls(function[1], function[2])
        raise ConfigurationError(f"{what} must be a reference to the secret, not the secret itself: {_FORMS}")

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def resolved(reference: Reference, folder: Path, label: str) -> Secret:
    """Read the secret of a reference. It blocks.

    Args:
        reference: the reference.
        folder: folder for a relative path.
        label: label of the account, the argument of a function.

    Raises:
        ConfigurationError: there is no such secret, or it is invalid.
    """
    read = _READERS.get(reference.kind, _from_function)
    secret = read(reference, folder, label)
    if secret.problem:
        raise ConfigurationError(f"{reference} {secret.problem}")
    return secret


def _from_environment(reference: Reference, _folder: Path, _label: str) -> Secret:
    text = os.environ.get(reference.name)
    if not text:
        raise ConfigurationError(f"set the environment variable {reference.name}")
    return Secret(text)


def _from_file(reference: Reference, folder: Path, _label: str) -> Secret:
    path = folder / os.path.expanduser(reference.name)  # noqa: PTH111 - the method of a Path fails without a home
    try:
        with path.open("rb") as file:
            secret = Secret(file.read(_LARGEST).decode("utf-8-sig", errors="replace").rstrip("\r\n"))
            is_too_long = bool(file.read(1))
    except OSError as error:
        raise ConfigurationError(f"can't read the secret in {path}: {error.strerror}") from None
    if is_too_long:
        raise ConfigurationError(f"{path} contains no secret: it has more than {_LARGEST >> 10} KiB")
    return secret


def _from_keyring(reference: Reference, _folder: Path, _label: str) -> Secret:
    try:
        import keyring
    except ImportError:
        raise ConfigurationError("secrets in a keyring need an extra: pip install 'aiozbilling[keyring]'") from None
    service, _, name = reference.name.partition("/")
    secret = _called(lambda: keyring.get_password(service, name), f"the keyring could not be read for {reference}")
    if secret is None:
        raise ConfigurationError(f"there is no secret {reference}")
    return Secret(secret)


def _from_function(reference: Reference, _folder: Path, label: str) -> Secret:
    failed = f"{reference} could not be imported"
    function = _called(lambda: getattr(import_module(reference.kind), reference.name), failed)
    secret = _called(lambda: function(label), f"{reference} failed for account {label!r}")
    return secret if isinstance(secret, Secret) else Secret(secret)


def _called(function: Callable[[], Any], failed: str) -> Any:
    try:
        return function()
    except Exception as error:  # a foreign message may contain the secret
        raise ConfigurationError(f"{failed} ({type(error).__name__})") from None


_READERS: dict[str, Callable[[Reference, Path, str], Secret]] = {
    "env": _from_environment,
    "file": _from_file,
    "keyring": _from_keyring,
}
