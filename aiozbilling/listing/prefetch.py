"""Owns the tasks of a listing, which send requests before the replies are needed."""

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
    """Fetches windows in order, with at most `concurrency` requests at the same time.

    A request counts until its reply has arrived: the next one is sent before the reply is decoded. (When it waited for
    that, a list at 50 ms latency with pages of 1000 rows took 12 % longer.) The owner must call `aclose`.
    """

    def __init__(self, fetch: Callable[[K, Received | None], Awaitable[V]], concurrency: int) -> None:
        self._fetch = fetch
        self._concurrency = concurrency
        # How many windows to plan: as many as are requested, and as many again whose replies wait for the consumer.
        self.ahead: int = 1 if concurrency == 1 else 2 * concurrency
        self._futures: dict[K, asyncio.Future[V]] = {}  # for each key until its reply is taken
        self._waiting: list[K] = []  # keys that have no worker yet, in order
        self._workers: dict[asyncio.Task[None], K] = {}  # with the key that each one fetches
        self._sending: set[asyncio.Future[V]] = set()  # the futures whose requests have no reply yet
        self.started: int = 0

    def want(self, keys: Sequence[K]) -> None:
        """Fetch these keys from now on, in this order, and cancel all others."""
        if self._concurrency == 1:
            return
        for key in self._futures.keys() - set(keys):
            self._drop(key)
        begun = self._futures.keys() - set(self._waiting)
        self._waiting = [key for key in keys if key not in begun]
        for key in self._waiting:
            if key not in self._futures:
                self._futures[key] = asyncio.get_running_loop().create_future()
        self._start_workers()

    def take(self, key: K) -> Awaitable[V]:
        """Return the reply for a key; if its fetch failed, awaiting raises the error."""
        future = self._futures.get(key) if self._futures else None
        if future is None:
            self.started += 1
            return self._fetch(key, None)
        return self._fetched(key, future)

    async def _fetched(self, key: K, future: asyncio.Future[V]) -> V:
        try:
            return await future
        finally:
            self._futures.pop(key, None)
            if key in self._waiting:  # cancelled before it began
                self._waiting.remove(key)

    async def aclose(self) -> None:
        """Cancel all fetches and wait until they have ended."""
        self._waiting = []
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        if workers:
            await asyncio.gather(*workers, return_exceptions=True)
        for key in list(self._futures):
            self._drop(key)

    def _start_workers(self) -> None:
        while self._waiting and len(self._sending) < self._concurrency:
            key = self._waiting.pop(0)
            future = self._futures[key]
            worker = asyncio.create_task(self._work(key, future))
            self._workers[worker] = key
            self._sending.add(future)
            worker.add_done_callback(partial(self._ended, future))

    async def _work(self, key: K, future: asyncio.Future[V]) -> None:
        self.started += 1
        try:
            value = await self._fetch(key, partial(self._received, future))
        except Exception as error:
            if not future.done():
                future.set_exception(error)
        else:
            if not future.done():
                future.set_result(value)

    def _received(self, future: asyncio.Future[V]) -> None:
        """Start the next request: this reply has arrived, and only has to be decoded."""
        self._sending.discard(future)
        self._start_workers()

    def _ended(self, future: asyncio.Future[V], worker: asyncio.Task[None]) -> None:
        del self._workers[worker]
        future.cancel()  # if the user's function cancelled the fetch, the consumer must not wait forever
        self._received(future)

    def _drop(self, key: K) -> None:
        future = self._futures.pop(key)
        if future.done():
            if not future.cancelled():
                future.exception()  # retrieved, so that asyncio doesn't report it as never retrieved
            return
        future.cancel()
        for worker, at in self._workers.items():
            if at == key:
                worker.cancel()
