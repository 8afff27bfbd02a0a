"""Shares answers among many requests: a key is fetched once, reused while it is young, and served during a refresh.

No library that was tried does all of this. In cashews 7.6, a cancelled request that started a fetch also cancels the
requests that wait for it, and `soft` and `failover` wait as long as the provider hangs. async-lru 2.4 has no old
answers.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, Self

import attrs

from aiozbilling.errors import (
    AiozBillingError,
    ApiError,
    CallTimeoutError,
    ClientClosedError,
    ConfigurationError,
    DecodeError,
    RateLimitedError,
    TransportError,
)
from aiozbilling.exchange.checks import is_number
from aiozbilling.web.raised_again import raised_again

__all__ = ["Shared"]

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    V = TypeVar("V", default=Any)  # of a `Shared()` without the type of its answers
else:
    from typing import TypeVar

    V = TypeVar("V")


@attrs.define(eq=False)
class _Entry(Generic[V]):
    """What is known of one key."""

    value: V | None = None
    fetched_at: float | None = None
    error: BaseException | None = None
    failed_at: float = 0.0
    running: list[asyncio.Task[None]] = attrs.field(factory=list)
    begun_at: float = 0.0  # of the latest fetch
    outcome: asyncio.Future[V] | None = None  # of the fetches that run now


class Shared(Generic[V]):
    """Answers that any number of requests share.

    ``await shared.get(key, fetch)`` runs one fetch for a key, however many requests wait for it. A cancelled request
    does not cancel the fetch. Create one object for the whole application, in the lifespan of the web framework; the
    end of ``async with Shared() as shared`` ends all fetches. An object serves one event loop at a time.

    Args:
        max_age_s: age up to which an answer is returned without a call to the provider.
        stale_s: age up to which an older answer is returned at once, while it is refreshed. It is also returned if the
            provider fails (no usable reply, 5xx, 429, the library's own rate limit), but never after a 401 or 403.
        wait_s: time that a request waits for an answer before it raises `CallTimeoutError`. The fetch continues. After
            this time, the next request starts another fetch, because the first one may hang.
        negative_s: time after a failed fetch in which no other one starts; requests get the old answer or the error.
        fetch_s: time after which a fetch is cancelled.
        max_entries: maximum number of keys; the least recently used ones are removed.

    Raises:
        ConfigurationError: one of these is not a positive number.
    """

    def __init__(
        self,
        *,
        max_age_s: float = 15.0,
        stale_s: float = 300.0,
        wait_s: float = 2.0,
        negative_s: float = 1.0,
        fetch_s: float = 10.0,
        max_entries: int = 1024,
    ) -> None:
        for name, number in locals().items():
            if name != "self" and not (is_number(number) and number > 0):
                raise ConfigurationError(f"{name} must be a positive number, not {number!r}")
        self._max_age_s = max_age_s
        self._stale_s = stale_s
        self._wait_s = wait_s
        self._negative_s = negative_s
        self._fetch_s = fetch_s
        self._max_entries = max_entries
        self._entries: OrderedDict[Hashable, _Entry[V]] = OrderedDict()
        self._forgotten: list[_Entry[V]] = []  # whose fetches still run
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __len__(self) -> int:
        return len(self._entries)

    async def get(self, key: Hashable, fetch: Callable[[], Awaitable[V]]) -> V:
        """Return the answer for a key, which is fetched if necessary.

        Args:
            key: identifies the answer; it must include the account, such as ``("month", tenant)``.
            fetch: called without arguments when an answer is needed. Its result is shared, so it must not be modified.

        Raises:
            CallTimeoutError: there is no answer after `wait_s`.
            ClientClosedError: the object is closed.
            ConfigurationError: another event loop uses the object.
            AiozBillingError: a copy of the error of `fetch`.
        """
        if self._is_closed:
            raise _closed()
        self._enter(asyncio.get_running_loop())
        entry, now = self._entry(key), asyncio.get_running_loop().time()
        if _is_younger(entry, self._max_age_s, now):
            return entry.value  # type: ignore[return-value]
        if entry.error is None or now - entry.failed_at >= self._negative_s:
            self._refresh(entry, fetch, now)
        if _is_younger(entry, self._stale_s, now):
            return entry.value  # type: ignore[return-value]
        if entry.outcome is not None:
            return await self._outcome(entry.outcome)
        assert entry.error is not None
        raise raised_again(entry.error)

    def forget(self, key: Hashable) -> None:
        """Remove the answer for a key, so that the next `get` fetches it.

        A running fetch continues, but only the requests that wait for it already get its answer.
        """
        entry = self._entries.pop(key, None)
        running = [*self._forgotten, *([] if entry is None else [entry])]
        self._forgotten = [one for one in running if one.running]

    async def close(self) -> None:
        """Cancel the running fetches and wait for their end. Waiting requests get an error."""
        self._is_closed = True
        self._leave_closed_loop()
        entries = [*self._entries.values(), *self._forgotten]
        running = [task for entry in entries for task in entry.running]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for entry in entries:
            if entry.outcome is not None:  # of a task that was cancelled before it began
                entry.outcome.set_exception(_closed())
                entry.outcome.exception()
        self._entries.clear()

    def _enter(self, loop: asyncio.AbstractEventLoop) -> None:
        """Note the loop that uses this object."""
        if self._loop is loop:
            return
        self._leave_closed_loop()
        if self._loop is not None:
            raise ConfigurationError("these shared answers belong to another event loop: create one Shared per loop")
        self._loop = loop

    def _leave_closed_loop(self) -> None:
        """Forget the fetches of a closed loop, some of which may not have ended. The answers remain."""
        if self._loop is None or not self._loop.is_closed():
            return
        self._loop = None
        self._forgotten.clear()
        for entry in self._entries.values():
            entry.running, entry.outcome, entry.error = [], None, None

    def _entry(self, key: Hashable) -> _Entry[V]:
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry()
            self._make_room()
        self._entries.move_to_end(key)
        return entry

    def _make_room(self) -> None:
        excess = len(self._entries) - self._max_entries
        if excess <= 0:
            return
        # Entries whose fetch runs remain, and end after `fetch_s`; the new one is last, and remains, too.
        newest = next(reversed(self._entries))
        idle = (key for key, entry in self._entries.items() if not entry.running and key != newest)
        for key in list(islice(idle, math.ceil(excess))):
            del self._entries[key]

    def _refresh(self, entry: _Entry[V], fetch: Callable[[], Awaitable[V]], now: float) -> None:
        """Start a fetch unless one runs that has not taken `wait_s` yet."""
        if entry.running and now - entry.begun_at < self._wait_s:
            return
        if not callable(fetch):
            raise ConfigurationError(f"fetch must be a function without arguments, not a {type(fetch).__name__}")
        entry.begun_at = now
        if entry.outcome is None:
            entry.outcome = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._fetch(entry, fetch))
        if not task.done():  # an eager task may have ended already
            entry.running.append(task)

    async def _fetch(self, entry: _Entry[V], fetch: Callable[[], Awaitable[V]]) -> None:
        try:
            value = await self._bounded(fetch)
        except asyncio.CancelledError:
            if asyncio.current_task() in entry.running:
                self._end(entry, _closed() if self._is_closed else TransportError("the fetch was cancelled"))
            raise
        except Exception as error:  # any error is passed on to the waiting requests
            self._end(entry, error)
        else:
            entry.value, entry.error = value, None
            entry.fetched_at = asyncio.get_running_loop().time()
            _cancel_others(entry)
            if entry.outcome is not None:
                entry.outcome.set_result(value)
                entry.outcome = None

    async def _bounded(self, fetch: Callable[[], Awaitable[V]]) -> V:
        bound = asyncio.timeout(self._fetch_s)
        try:
            async with bound:
                return await fetch()
        except TimeoutError as error:
            if not bound.expired() or isinstance(error, AiozBillingError):
                raise
            raise CallTimeoutError(f"fetching took longer than {self._fetch_s:g} s") from None

    def _end(self, entry: _Entry[V], error: Exception) -> None:
        """Record a fetch that failed, unless another one still runs that may have an answer."""
        if not _may_pass(error):
            entry.value = entry.fetched_at = None
            _cancel_others(entry)
        task = asyncio.current_task()
        entry.running = [other for other in entry.running if other is not task]
        if entry.running:
            return  # if it were recorded, the next fetch would not start
        entry.error = error.with_traceback(None)  # a traceback would keep the frames of the fetch
        entry.failed_at = asyncio.get_running_loop().time()
        if entry.outcome is not None:
            entry.outcome.set_exception(error)
            entry.outcome.exception()  # retrieved, so that asyncio does not log it if no request waits
            entry.outcome = None

    async def _outcome(self, outcome: asyncio.Future[V]) -> V:
        done, _ = await asyncio.wait({outcome}, timeout=self._wait_s)
        if not done:
            raise CallTimeoutError(f"there was no answer within {self._wait_s:g} s")
        error = outcome.exception()
        if error is not None:
            raise raised_again(error)
        return outcome.result()


def _is_younger(entry: _Entry[Any], seconds: float, now: float) -> bool:
    return entry.fetched_at is not None and now - entry.fetched_at < seconds


def _cancel_others(entry: _Entry[Any]) -> None:
    """Cancel all fetches of an entry but the current one, which decides."""
    for task in entry.running:
        if task is not asyncio.current_task():
            task.cancel()
    entry.running.clear()


def _may_pass(error: BaseException) -> bool:
    """Decide whether old answers may be served after this failure of the provider."""
    if isinstance(error, ApiError):
        return error.status >= 500 or isinstance(error, RateLimitedError)
    return isinstance(error, TransportError) or (isinstance(error, DecodeError) and error.malformed)


def _closed() -> ClientClosedError:
    return ClientClosedError("these shared answers are closed: the application is shutting down")
