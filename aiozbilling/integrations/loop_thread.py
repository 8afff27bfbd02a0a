"""An event loop in its own thread, for callers that are not asynchronous or already run an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = ["LoopThread", "loop_thread"]

T = TypeVar("T")


class LoopThread:
    """Runs coroutines in its thread, one after another. It also works in a notebook, which has an event loop itself."""

    def __init__(self, thread: ThreadPoolExecutor, runner: asyncio.Runner) -> None:
        self._thread = thread
        self._runner = runner

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its result. An interrupt of the caller (Ctrl-C) cancels it."""
        running = self._thread.submit(self._runner.run, work)
        try:
            return running.result()
        except BaseException:
            if not running.done():  # it may wait for a server, and what is called next would wait for it
                self._runner.get_loop().call_soon_threadsafe(_cancel_all)
            raise

    def iterate(self, items: AsyncIterator[T]) -> Iterator[T]:
        """Iterate an asynchronous generator. The end of the iteration closes it."""
        end = object()
        try:
            while (item := self.run(_next(items, end))) is not end:
                yield item
        finally:
            self.run(_close(items))


@contextmanager
def loop_thread() -> Iterator[LoopThread]:
    """Provide an event loop in a thread. At the end, its tasks are cancelled and the thread ends."""
    with ThreadPoolExecutor(1, thread_name_prefix="aiozbilling") as thread:
        runner = asyncio.Runner()
        thread.submit(runner.get_loop).result()  # before an interrupt, which would create the loop in the wrong thread
        try:
            yield LoopThread(thread, runner)
        finally:
            thread.submit(runner.close).result()


def _cancel_all() -> None:
    for task in asyncio.all_tasks():
        task.cancel()


async def _next(items: AsyncIterator[T], end: Any) -> T:
    return await anext(items, end)


async def _close(items: Any) -> None:
    await items.aclose()
