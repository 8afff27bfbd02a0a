"""A token, or a function that returns it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.credential_source import CredentialSource
from aiozbilling.exchange.credentials import Credentials, Secret, bearer, concealed

__all__ = ["TokenSource", "token_source"]

_Found = str | Secret
TokenSource = Callable[[], _Found | Awaitable[_Found]]


def token_source(
    token: Secret | None, ask: TokenSource | None, client: str, *, variable: str = ""
) -> Credentials | CredentialSource:
    """Return the credentials from a token, or a source that calls the user's function.

    Raises:
        ConfigurationError: both or neither are set, or the token is invalid.
    """
    if (token is None) == (ask is None):
        raise ConfigurationError(
            f"pass either token or credentials; {client}.from_env() takes the token from the environment"
        )
    return bearer(token, variable=variable) if ask is None else CredentialSource(ask, _built)


def _built(found: Any) -> Credentials:
    found = concealed(found)
    return bearer(found)
