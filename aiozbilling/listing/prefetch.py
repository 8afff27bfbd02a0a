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
        self._wanted: Sequence[K] = ()
        self._tasks: dict[K, asyncio.Task[V]] = {}
        self._running = 0
        self._dropped: set[asyncio.Task[V]] = set()
        self.started = 0

    @property
    def ahead(self) -> int:
        """How many to want: what has come waits for the consumer while as many again are under way."""
        return 1 if self._concurrency == 1 else 2 * self._concurrency

    def want(self, keys: Sequence[K]) -> None:
        """Say what is wanted from now on, in order; the rest is cancelled."""
        if self._concurrency == 1:
            return
        for key in self._tasks.keys() - set(keys):
            self._drop(self._tasks.pop(key))
        self._wanted = keys
        self._refill()

    async def take(self, key: K) -> V:
        """Give what was fetched for a key that is wanted; its failure is raised here."""
        task = self._tasks.get(key) if self._tasks else None
        if task is None:
            self.started += 1
            return await self._fetch(key)
        try:
            return await task
        finally:
            self._tasks.pop(key, None)

    async def aclose(self) -> None:
        """Cancel what is under way and wait until it has ended."""
        self._wanted = ()
        tasks = self._dropped | set(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)

    def _refill(self) -> None:
        for key in self._wanted:
            if self._running >= self._concurrency:
                return
            if key not in self._tasks:
                self._start(key)

    def _start(self, key: K) -> None:
        async def fetch() -> V:
            return await self._fetch(key)

        self.started += 1
        self._running += 1
        task = self._tasks[key] = asyncio.create_task(fetch())
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[V]) -> None:
        self._running -= 1
        self._dropped.discard(task)
        if not task.cancelled():
            task.exception()  # seen, so that asyncio doesn't complain where nobody takes it any more
        self._refill()

    def _drop(self, task: asyncio.Task[V]) -> None:
        if not task.done():
            self._dropped.add(task)
            task.cancel()
