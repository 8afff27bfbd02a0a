"""What the three clients have in common: settings, lifetime, and other accounts on the same connections."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any, NoReturn, Self, TypedDict

import aiohttp
import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.call import Attempt, Exchange
from aiozbilling.exchange.connections import Connections
from aiozbilling.exchange.credentials import Credentials, keyed_fingerprint
from aiozbilling.exchange.rate import Gate, RateLimit
from aiozbilling.exchange.retry import RetryBudget, RetryPolicy
from aiozbilling.exchange.transport import checked_base_url

__all__ = ["Client", "Settings", "concurrency_of"]

_MOST_ACCOUNTS = 4096  # whose rate and pause are remembered; the least recently used is forgotten


class Settings(TypedDict, total=False):
    """Keywords that all clients take.

    Attributes:
        session: an `aiohttp.ClientSession` of yours, used and never closed; by default the client makes its own.
        timeout: seconds for one attempt, its body included; 30.
        deadline: seconds for one whole call with its retries and waits; 300; None for no end.
        retry: how failed attempts are repeated; ``RetryPolicy()``.
        rate_limit: requests that one account may make, or None; AIOZ's default is its published 180 a minute.
        allow_http: permit plain http to other machines than this one; False.
        max_body: largest body in bytes, decompressed; 64 MiB.
        on_attempt: called with an `Attempt` after each attempt, for metrics and traces.
    """

    session: aiohttp.ClientSession | None
    timeout: float
    deadline: float | None
    retry: RetryPolicy | None
    rate_limit: RateLimit | None
    allow_http: bool
    max_body: int
    on_attempt: Callable[[Attempt], object] | None


def refuse_unknown(settings: Any) -> None:
    """Refuse keywords that there are not, and forget the values: one may be a credential under a misspelt name.

    Raises:
        TypeError: there is no such keyword.
    """
    unknown = settings.keys() - Settings.__annotations__.keys()
    if unknown:
        settings.clear()
        raise TypeError(f"there is no keyword {min(unknown)!r}")


class Client:
    """Base of the clients; build one of its subclasses, with the keywords of `Settings`.

    It may be built outside a running event loop, used in one loop after another, and shared by any number of tasks.
    ``async with`` closes its connections at the end, and so do `close` and the end of the event loop.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        session: aiohttp.ClientSession | None = None,
        timeout: float = 30.0,
        deadline: float | None = 300.0,
        retry: RetryPolicy | None = None,
        rate_limit: RateLimit | None = None,
        allow_http: bool = False,
        max_body: int = 64 * 2**20,
        on_attempt: Callable[[Attempt], object] | None = None,
    ) -> None:
        if session is not None and not isinstance(session, aiohttp.ClientSession):
            raise ConfigurationError("session must be an aiohttp.ClientSession")
        if retry is not None and not isinstance(retry, RetryPolicy):
            raise ConfigurationError("retry must be a RetryPolicy, such as RetryPolicy(attempts=1)")
        if rate_limit is not None and not isinstance(rate_limit, RateLimit):
            raise ConfigurationError("rate_limit must be a RateLimit, such as RateLimit(180, per_s=60), or None")
        if isinstance(max_body, bool) or not isinstance(max_body, int) or max_body < 1:
            raise ConfigurationError(f"max_body must be bytes, at least 1, not {max_body!r}")
        if on_attempt is not None and (not callable(on_attempt) or iscoroutinefunction(on_attempt)):
            raise ConfigurationError("on_attempt must be an ordinary function that takes an Attempt")
        policy = retry or RetryPolicy()
        self._owns_connections = True
        self._accounts = _Accounts(rate_limit, policy.max_retry_after_s)
        self._page_sizes: dict[str, int] = {}
        self._exchange = Exchange(
            base_url=checked_base_url(base_url, allow_http=allow_http),
            credentials=credentials,
            connections=Connections(session),
            gate=self._accounts.gate(credentials),
            budget=RetryBudget(),
            paths={},
            retry=policy,
            timeout_s=_seconds("timeout", timeout),
            deadline_s=float("inf") if deadline is None else _seconds("deadline", deadline),
            max_body=max_body,
            on_attempt=on_attempt,
        )

    def __repr__(self) -> str:
        exchange = getattr(self, "_exchange", None)  # missing where a traceback shows a client that was refused
        return f"{type(self).__name__}({f'base_url={exchange.base_url!r}' if exchange else ''})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client is not pickled or copied: build another one, or use with_credentials()")

    @property
    def base_url(self) -> str:
        """The server that is asked, without a slash at the end."""
        return self._exchange.base_url

    def fingerprint(self, key: bytes) -> str:
        """Return a text that identifies server and credentials under a key of yours, and does not reveal them.

        A ledger stores it, with a random key of its own, to recognise the account.
        """
        return keyed_fingerprint(self._exchange.credentials, self._exchange.base_url, key)

    def _with(self, credentials: Credentials) -> Self:
        other: Any = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._owns_connections = False
        other._exchange = attrs.evolve(self._exchange, credentials=credentials, gate=self._accounts.gate(credentials))
        return other  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Close the connections that the client made in this event loop; a later call opens new ones.

        A client made by `with_credentials` uses the connections of its parent and leaves them open.
        """
        if self._owns_connections:
            await self._exchange.connections.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


class _Accounts:
    """The rate limit and the pause of each account, found again when a backend builds its client anew."""

    def __init__(self, limit: RateLimit | None, longest_pause_s: float) -> None:
        self._limit = limit
        self._longest_pause_s = longest_pause_s
        self._gates: OrderedDict[bytes, Gate] = OrderedDict()

    def gate(self, credentials: Credentials) -> Gate:
        gate = self._gates.get(credentials.fingerprint)
        if gate is None:
            gate = self._gates[credentials.fingerprint] = Gate(self._limit, self._longest_pause_s)
            if len(self._gates) > _MOST_ACCOUNTS:
                self._gates.popitem(last=False)
        self._gates.move_to_end(credentials.fingerprint)
        return gate


def _seconds(name: str, seconds: object) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 1e9:
        raise ConfigurationError(f"{name} must be a positive number of seconds, not {seconds!r}")
    return float(seconds)


def concurrency_of(concurrency: object) -> int:
    """Check how many requests may be in flight.

    Raises:
        ConfigurationError: no whole number of at least 1.
    """
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
        raise ConfigurationError(f"concurrency must be a whole number of at least 1, not {concurrency!r}")
    return concurrency
