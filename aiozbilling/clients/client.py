"""The common part of the three clients: settings, lifetime, and clients of other accounts on the same connections."""

from __future__ import annotations

import os
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, NoReturn, Self, TypedDict

import aiohttp
import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.account import Account, fingerprint
from aiozbilling.exchange.bounds import Bounds
from aiozbilling.exchange.checks import checked_seconds, refuse_bad_count
from aiozbilling.exchange.connections import Connections
from aiozbilling.exchange.credential_source import CredentialSource
from aiozbilling.exchange.credentials import Credentials
from aiozbilling.exchange.events import Attempt, CallEvent, Hooks
from aiozbilling.exchange.exchange import Exchange
from aiozbilling.exchange.lifetime import Lifetime
from aiozbilling.exchange.rate import Limiter
from aiozbilling.exchange.retry import RetryPolicy
from aiozbilling.exchange.server import Server
from aiozbilling.exchange.throttles import Throttles
from aiozbilling.exchange.transport import checked_base_url

__all__ = ["MAX_BODY", "Client", "Settings"]

MAX_BODY = 64 * 2**20
_LONGEST_LABEL = 200


class _Unchanged:
    def __repr__(self) -> str:
        return "unchanged"


_UNCHANGED: Any = _Unchanged()


class Settings(TypedDict, total=False):
    """The keywords of all clients, as the type of a dictionary. The docstrings of the clients explain them."""

    account: str
    session: aiohttp.ClientSession | None
    timeout: float
    deadline: float | None
    max_wait_s: float | None
    retry: RetryPolicy | None
    rate_limit: Limiter | None
    allow_http: bool
    max_body: int
    on_attempt: Callable[[Attempt], object] | None
    on_event: Callable[[CallEvent], object] | None


class Client:
    """Base class of the clients. Create one of its subclasses.

    A client can be created outside a running event loop, used in one loop after another, and shared by any number of
    tasks. The end of ``async with`` or `close` closes it. The end of the event loop closes its connections.
    """

    def __init__(
        self,
        base_url: str,
        source: Credentials | CredentialSource,
        *,
        account: str,
        session: aiohttp.ClientSession | None,
        timeout: float,
        deadline: float | None,
        max_wait_s: float | None,
        retry: RetryPolicy | None,
        rate_limit: Limiter | None,
        allow_http: bool,
        max_body: int,
        on_attempt: Callable[[Attempt], object] | None,
        on_event: Callable[[CallEvent], object] | None,
    ) -> None:
        # Imported here: at the top of the module, it would slow down each start; at the first retry, it would block.
        import tenacity  # noqa: F401

        if session is not None and not isinstance(session, aiohttp.ClientSession):
            raise ConfigurationError("session must be an aiohttp.ClientSession")
        if rate_limit is not None and not callable(getattr(rate_limit, "window", None)):
            raise ConfigurationError("rate_limit must be a RateLimit, such as RateLimit(180, per_s=60), or None")
        refuse_bad_count("max_body", max_body, 1, " byte")
        bounds = Bounds.checked(timeout, deadline, max_wait_s, retry)
        server = Server(checked_base_url(base_url, allow_http=allow_http), Connections(session), max_body)
        self._owns_connections = True
        self._throttles = Throttles(rate_limit, bounds.retry.max_retry_after_s)
        self._page_sizes: dict[str, int] = {}
        self._exchange = Exchange(
            server=server,
            account=self._account(server, source, account),
            bounds=bounds,
            hooks=Hooks(_checked_hook("on_attempt", on_attempt), _checked_hook("on_event", on_event)),
            lifetime=Lifetime(),
        )

    def __repr__(self) -> str:
        exchange = getattr(self, "_exchange", None)  # missing if a traceback shows a client whose creation failed
        if exchange is None:
            return f"{type(self).__name__}()"
        label = f", account={exchange.account.label!r}" if exchange.account.label else ""
        return f"{type(self).__name__}(base_url={exchange.server.base_url!r}{label})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client can't be pickled or copied: create another one, or use with_credentials()")

    @property
    def base_url(self) -> str:
        """URL of the server, without a trailing slash."""
        return self._exchange.server.base_url

    @property
    def account(self) -> str:
        """The label that was passed as ``account=``, or ""."""
        return self._exchange.account.label

    def fingerprint(self, key: bytes) -> str:
        """Return a text, keyed with `key`, that identifies server and credentials without revealing them.

        A ledger stores such a text, with its own random key, to recognize the account. If the credentials come from a
        function, the label that was passed as ``account=`` is used instead of them.

        Raises:
            ConfigurationError: the credentials come from a function, and there is no label.
        """
        account = self._exchange.account
        return fingerprint(account.source, account.label, self.base_url, key)

    def with_options(
        self,
        *,
        timeout: float = _UNCHANGED,
        deadline: float | None = _UNCHANGED,
        max_wait_s: float | None = _UNCHANGED,
        retry: RetryPolicy | None = _UNCHANGED,
    ) -> Self:
        """Return a client with other limits on the same connections, rate limit and retry budget.

        Args:
            timeout: seconds for one attempt, including its body.
            deadline: seconds for one call, including retries and waits; None for no limit.
            max_wait_s: longest wait for the rate limit or for a pause of the account, in seconds; a call that must wait
                longer raises `NotSentError` at once. None: calls wait until the deadline.
            retry: how failed attempts are retried; None for the default.

        Raises:
            ConfigurationError: a value is invalid.
        """
        old = self._exchange.bounds
        bounds = Bounds.checked(
            old.timeout_s if timeout is _UNCHANGED else timeout,
            _or_none(old.deadline_s) if deadline is _UNCHANGED else deadline,
            _or_none(old.max_wait_s) if max_wait_s is _UNCHANGED else max_wait_s,
            old.retry if retry is _UNCHANGED else retry,
        )
        return self._derived(bounds=bounds)

    def _with(self, source: Credentials | CredentialSource, account: str) -> Self:
        return self._derived(account=self._account(self._exchange.server, source, account))

    def _derived(self, **changes: Any) -> Self:
        other: Any = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._owns_connections = False
        other._exchange = attrs.evolve(self._exchange, lifetime=self._exchange.lifetime.derived(), **changes)
        return other  # type: ignore[no-any-return]

    def _account(self, server: Server, source: Credentials | CredentialSource, label: str) -> Account:
        if not isinstance(label, str) or len(label) > _LONGEST_LABEL or not label.isprintable():
            raise ConfigurationError(f"account must be a printable text of at most {_LONGEST_LABEL} characters")
        if isinstance(source, CredentialSource) and not label and self._throttles.is_private:
            name = os.urandom(16).hex()
        else:
            name = fingerprint(source, label, server.base_url, self._throttles.key)
        return Account(source, self._throttles.of(name), label)

    async def close(self, *, grace_s: float = 0.0) -> None:
        """Close the client and the clients that were derived from it. Calls, walks and follows end; no new ones begin.

        Calls that wait for the rate limit or between two attempts end at once with `ClientClosedError`. Calls whose
        request was sent may finish within `grace_s` seconds. A walk or a follow raises `ClientClosedError` when it
        needs its next page. A closed client can't be opened again.

        A client from `with_credentials` or `with_options` ends only its own calls. The connections belong to its parent
        and stay open.

        Raises:
            ConfigurationError: `grace_s` is not a number of seconds.
        """
        await self._exchange.lifetime.close(checked_seconds("grace_s", grace_s, zero=True))
        if self._owns_connections:
            await self._exchange.server.connections.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __enter__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is asynchronous: write `async with` instead of `with`")

    def __exit__(self, *_: object) -> None:
        """Exists so that `with` calls `__enter__`, which raises an error with a helpful message."""


def _or_none(seconds: float) -> float | None:
    """Return a limit in the form in which users set it: None for no limit."""
    return None if seconds == float("inf") else seconds


def _checked_hook(name: str, function: Any) -> Any:
    if function is not None and (not callable(function) or iscoroutinefunction(function)):
        what = "an Attempt" if name == "on_attempt" else "a CallEvent"
        raise ConfigurationError(f"{name} must be a function, not a coroutine function, that takes {what}")
    return function
