"""Owns the tasks of a listing, which send requests before the consumer needs their replies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import Generic, TypeVar

from aiozbilling.exchange.call import Received

__all__ = ["Prefetch"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Prefetch(Generic[K, V]):
    """Fetches what is wanted, in order, with at most `concurrency` requests at once.

    A request counts until its reply has come: the next one is sent before the reply is decoded. (If they waited for it,
    a list at 50 ms latency with pages of 1000 rows took 12 % longer.) Its creator closes it; then no task is left.
    """

    def __init__(self, fetch: Callable[[K, Received | None], Awaitable[V]], concurrency: int) -> None:
        self._fetch = fetch
        self._concurrency = concurrency
        # How many to want: what has come waits for the consumer while as many again are under way.
        self.ahead: int = 1 if concurrency == 1 else 2 * concurrency
        self._places: dict[K, asyncio.Future[V]] = {}  # of all that is wanted, until it is taken
        self._waiting: list[K] = []  # what is wanted and has no worker yet, in order
        self._workers: dict[asyncio.Task[None], K] = {}  # with the key that each one fetches
        self._sending: set[asyncio.Future[V]] = set()  # the places whose request has no reply yet
        self.started: int = 0

    def want(self, keys: Sequence[K]) -> None:
        """Say what is wanted from now on, in order; the rest is cancelled."""
        if self._concurrency == 1:
            return
        for key in self._places.keys() - set(keys):
            self._drop(key)
        begun = self._places.keys() - set(self._waiting)
        self._waiting = [key for key in keys if key not in begun]
        for key in self._waiting:
            if key not in self._places:
                self._places[key] = asyncio.get_running_loop().create_future()
        self._hire()

    def take(self, key: K) -> Awaitable[V]:
        """Return what was fetched for a wanted key; a failed fetch raises here."""
        place = self._places.get(key) if self._places else None
        if place is None:
            self.started += 1
            return self._fetch(key, None)
        return self._fetched(key, place)

    async def _fetched(self, key: K, place: asyncio.Future[V]) -> V:
        try:
            return await place
        finally:
            self._places.pop(key, None)
            if key in self._waiting:  # cancelled before it began
                self._waiting.remove(key)

    async def aclose(self) -> None:
        """Cancel what is under way and wait until it has ended."""
        self._waiting = []
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        if workers:
            await asyncio.gather(*workers, return_exceptions=True)
        for key in list(self._places):
            self._drop(key)

    def _hire(self) -> None:
        while self._waiting and len(self._sending) < self._concurrency:
            key = self._waiting.pop(0)
            place = self._places[key]
            worker = asyncio.create_task(self._work(key, place))
            self._workers[worker] = key
            self._sending.add(place)
            worker.add_done_callback(partial(self._ended, place))

    async def _work(self, key: K, place: asyncio.Future[V]) -> None:
        self.started += 1
        try:
            value = await self._fetch(key, partial(self._received, place))
        except Exception as error:
            if not place.done():
                place.set_exception(error)
        else:
            if not place.done():
                place.set_result(value)

    def _received(self, place: asyncio.Future[V]) -> None:
        """Let the next request begin: the reply has come, and only has to be decoded."""
        self._sending.discard(place)
        self._hire()

    def _ended(self, place: asyncio.Future[V], worker: asyncio.Task[None]) -> None:
        del self._workers[worker]
        place.cancel()  # if the fetch was cancelled from within, by the user's function: who waits for it must not hang
        self._received(place)

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
