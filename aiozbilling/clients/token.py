"""Clients that sign with a token, which may come from a function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Self

import aiohttp

from aiozbilling.clients.client import MAX_BODY, Client
from aiozbilling.clients.environment import url_variable, variable
from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.credential_source import CredentialSource
from aiozbilling.exchange.credentials import Credentials, Secret, bearer, concealed
from aiozbilling.exchange.events import Attempt, CallEvent
from aiozbilling.exchange.rate import Limiter
from aiozbilling.exchange.retry import RetryPolicy

__all__ = ["TokenClient", "TokenSource", "token_source"]

_Found = str | Secret
TokenSource = Callable[[], _Found | Awaitable[_Found]]


class TokenClient(Client):
    """Base class of the clients that sign with one token."""

    _VARIABLES: ClassVar[tuple[str, str]]  # environment variables of the token and of the server's URL
    _DEFAULT_URL: ClassVar[str | None] = None

    def __init__(
        self,
        base_url: str,
        *,
        token: str | Secret | None = None,
        credentials: TokenSource | None = None,
        account: str = "",
        session: aiohttp.ClientSession | None = None,
        timeout: float = 30.0,
        deadline: float | None = 300.0,
        max_wait_s: float | None = None,
        retry: RetryPolicy | None = None,
        rate_limit: Limiter | None = None,
        allow_http: bool = False,
        max_body: int = MAX_BODY,
        on_attempt: Callable[[Attempt], object] | None = None,
        on_event: Callable[[CallEvent], object] | None = None,
    ) -> None:
        token = concealed(token)
        super().__init__(
            base_url,
            token_source(token, credentials, type(self).__name__, variable=self._VARIABLES[0]),
            account=account,
            session=session,
            timeout=timeout,
            deadline=deadline,
            max_wait_s=max_wait_s,
            retry=retry,
            rate_limit=rate_limit,
            allow_http=allow_http,
            max_body=max_body,
            on_attempt=on_attempt,
            on_event=on_event,
        )

    @classmethod
    def from_env(
        cls,
        *,
        base_url: str | None = None,
        account: str = "",
        session: aiohttp.ClientSession | None = None,
        timeout: float = 30.0,
        deadline: float | None = 300.0,
        max_wait_s: float | None = None,
        retry: RetryPolicy | None = None,
        rate_limit: Limiter | None = None,
        allow_http: bool = False,
        max_body: int = MAX_BODY,
        on_attempt: Callable[[Attempt], object] | None = None,
        on_event: Callable[[CallEvent], object] | None = None,
    ) -> Self:
        """Create a client from the environment.

        `B3osBilling` reads ``B3OS_API_KEY``, and ``B3OS_SERVER_URL`` if it is set; `MeteredBilling` reads
        ``METERED_BILLING_TOKEN`` and ``METERED_BILLING_URL``. `base_url` has priority over the variable; without both,
        `B3osBilling` uses ``B3OS_URL``. The other keywords are those of the class.

        Raises:
            ConfigurationError: a variable is missing or invalid.
        """
        token = variable(cls._VARIABLES[0])
        base_url = base_url or url_variable(cls._VARIABLES[1], allow_http=allow_http) or cls._DEFAULT_URL
        if token is None or base_url is None:
            missing = cls._VARIABLES[0 if token is None else 1]
            raise ConfigurationError(f"set the environment variable {missing}")
        return cls(
            base_url=base_url,
            token=token,
            account=account,
            session=session,
            timeout=timeout,
            deadline=deadline,
            max_wait_s=max_wait_s,
            retry=retry,
            rate_limit=rate_limit,
            allow_http=allow_http,
            max_body=max_body,
            on_attempt=on_attempt,
            on_event=on_event,
        )

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
