"""The one owner of tasks: what is asked ahead of the consumer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

__all__ = ["Prefetch"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Prefetch(Generic[K, V]):
    """Fetches what is wanted in order, at most `concurrency` at once.

    Whoever makes one closes it; then no task of it is left.
    """

    def __init__(self, fetch: Callable[[K], Awaitable[V]], concurrency: int) -> None:
        self._fetch = fetch
        self._concurrency = concurrency
        # How many to want: what has come waits for the consumer while as many again are under way.
        self.ahead: int = 1 if concurrency == 1 else 2 * concurrency
        self._wanted: Sequence[K] = ()
        self._places: dict[K, asyncio.Future[V]] = {}  # of what is fetched, or waits to be taken
        self._workers: dict[asyncio.Task[None], K] = {}  # with the key that each one fetches
        self.started: int = 0

    def want(self, keys: Sequence[K]) -> None:
        """Say what is wanted from now on, in order; the rest is cancelled."""
        if self._concurrency == 1:
            return
        for key in self._places.keys() - set(keys):
            self._drop(key)
        self._wanted = keys
        self._hire()

    def take(self, key: K) -> Awaitable[V]:
        """Return what was fetched for a wanted key; a failed fetch raises here."""
        place = self._places.get(key) if self._places else None
        if place is None:
            self.started += 1
            return self._fetch(key)
        return self._fetched(key, place)

    async def _fetched(self, key: K, place: asyncio.Future[V]) -> V:
        try:
            return await place
        finally:
            self._wanted = [other for other in self._wanted if other != key]
            self._places.pop(key, None)

    async def aclose(self) -> None:
        """Cancel what is under way and wait until it has ended."""
        self._wanted = ()
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        if workers:
            await asyncio.gather(*workers, return_exceptions=True)
        for key in list(self._places):
            self._drop(key)

    def _hire(self) -> None:
        while len(self._workers) < self._concurrency and (key := self._next()) is not None:
            worker = asyncio.create_task(self._work(key))
            self._workers[worker] = key
            worker.add_done_callback(self._ended)

    def _next(self) -> K | None:
        """Take the first wanted key that nobody fetches, and make room for its reply."""
        key = next((key for key in self._wanted if key not in self._places), None)
        if key is not None:
            self._places[key] = asyncio.get_running_loop().create_future()
        return key

    async def _work(self, first: K) -> None:
        # A worker continues with its next key by itself: its request leaves at once, not after the decoding of all the
        # replies that came with its own (a new task for each took 8 ms more a round of 8 pages at 50 ms).
        key: K | None = first
        worker = asyncio.current_task()
        assert worker is not None
        while key is not None:
            self._workers[worker] = key
            self.started += 1
            place = self._places[key]
            try:
                value = await self._fetch(key)
            except Exception as error:
                if not place.done():
                    place.set_exception(error)
            else:
                if not place.done():
                    place.set_result(value)
            key = self._next()

    def _ended(self, worker: asyncio.Task[None]) -> None:
        del self._workers[worker]
        self._hire()

    def _drop(self, key: K) -> None:
        place = self._places.pop(key)
        if place.done():
            if not place.cancelled():
                place.exception()  # retrieved, so that asyncio doesn't report it as never retrieved
            return
        place.cancel()
        for worker, at in self._workers.items():
            if at == key:
                worker.cancel()
