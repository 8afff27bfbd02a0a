"""Runs blocking work outside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

__all__ = ["in_thread"]

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread, and return when it has ended, even if the caller is cancelled meanwhile.

    A thread can't be stopped. If this returned at a cancellation, the caller could close a file that the thread uses.
    """
    # Not asyncio.to_thread in a task: `asyncio.run` cancels every task at its end, but not this future.
    future = asyncio.get_running_loop().run_in_executor(None, partial(copy_context().run, work, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait((future,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()  # retrieved, so that asyncio does not log it; the cancellation is raised instead
        raise cancelled
    return future.result()
