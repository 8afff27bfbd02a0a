from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs so, and their children inherit it: commands under test must get Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# A busy machine must not fail a property: no test asserts how long it takes.
settings.register_profile("quick", deadline=None, max_examples=30)
settings.register_profile("thorough", deadline=None, max_examples=300)
settings.load_profile("quick")


@pytest.fixture
def tasks_left() -> Callable[[], Awaitable[list[asyncio.Task[object]]]]:
    """Give the tasks left beside the test's own and those of the simulator's connections, after a few loop steps."""

    async def left() -> list[asyncio.Task[object]]:
        for _ in range(5):
            await asyncio.sleep(0)
        names = ("RequestHandler", "Server")
        others = asyncio.all_tasks() - {asyncio.current_task()}
        return [task for task in others if not any(name in repr(task.get_coro()) for name in names)]

    return left
