"""Clients that sign with a token, which may come from a function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiozbilling.clients.client import Client
from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.credential_source import CredentialSource
from aiozbilling.exchange.credentials import Credentials, Secret, bearer, concealed

__all__ = ["TokenClient", "TokenSource", "token_source"]

_Found = str | Secret
TokenSource = Callable[[], _Found | Awaitable[_Found]]


class TokenClient(Client):
    """Base class of the clients that sign with one token."""

    def with_credentials(
        self, *, token: str | Secret | None = None, credentials: TokenSource | None = None, account: str = ""
    ) -> Self:
        """Return a client for another account on the same connections, with its own rate limit and pause.

        Args:
            token: token of the other account.
            credentials: function that returns the token, as for the class.
            account: your label for the account, for events, logs and traces; it is not secret.

        Raises:
            ConfigurationError: the token or the label is invalid.
        """
        token = concealed(token)
        return self._with(token_source(token, credentials, type(self).__name__), account)


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
