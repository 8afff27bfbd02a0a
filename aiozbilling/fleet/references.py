"""Secrets by reference: an accounts file says where a secret is, and never holds one."""

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
_FUNCTION = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+):([A-Za-z_]\w*)", re.ASCII)


@attrs.frozen
class Reference:
    """Where a secret is.

    Attributes:
        kind: ``"env"``, ``"file"``, ``"keyring"``, or the module of a function.
        name: of the variable, the path, ``service/name``, or the function's name.
    """

    kind: str
    name: str

    @classmethod
    def parse(cls, text: object, what: str) -> Reference:
        """Read a reference such as ``"env:EU_KEY"``; `what` names it in the error.

        Raises:
            ConfigurationError: it is no reference. The message doesn't repeat the text, which may be the secret itself.
        """
        if isinstance(text, str):
            kind, colon, name = text.partition(":")
            if colon and kind in _PATTERNS and _PATTERNS[kind].fullmatch(name):
                return cls(kind, name)
            if function := _FUNCTION.fullmatch(text):
                return cls(function[1], function[2])
        raise ConfigurationError(f"{what} must say where the secret is, and not be the secret: {_FORMS}")

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def resolved(reference: Reference, folder: Path, label: str) -> Secret:
    """Read the secret that a reference leads to. It blocks.

    Args:
        reference: where it is.
        folder: that a relative path starts from.
        label: of the account, which a function is called with.

    Raises:
        ConfigurationError: there is no such secret.
    """
    read = _READERS.get(reference.kind, _from_function)
    return read(reference, folder, label)


def _from_environment(reference: Reference, _folder: Path, _label: str) -> Secret:
    text = os.environ.get(reference.name)
    if not text:
        raise ConfigurationError(f"set the environment variable {reference.name}")
    return Secret(text)


def _from_file(reference: Reference, folder: Path, _label: str) -> Secret:
    path = folder / Path(reference.name).expanduser()
    try:
        return Secret(path.read_text(encoding="utf-8").rstrip("\r\n"))
    except OSError as error:
        raise ConfigurationError(f"can't read the secret in {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"the secret in {path} is no text in UTF-8") from None


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
    except Exception as error:  # another's words may hold the secret
        raise ConfigurationError(f"{failed} ({type(error).__name__})") from None


_READERS: dict[str, Callable[[Reference, Path, str], Secret]] = {
    "env": _from_environment,
    "file": _from_file,
    "keyring": _from_keyring,
}
