from __future__ import annotations

import asyncio
import gc
import inspect
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.idle_clock import IdleClockPolicy

asyncio.set_event_loop_policy(IdleClockPolicy())

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs with SIGINT ignored, which children inherit: commands under test must get Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# The tests call fsync thousands of times. A disk takes milliseconds for each call, a file in memory takes none.
MEMORY = Path("/dev/shm")
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 4 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


# Settings of a developer or of a machine must not change a result: accounts, colours, widths, proxies.
SETTINGS = ("AIOZ", "B3OS", "METERED", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TTY_")
for name in list(os.environ):
    if name.startswith(SETTINGS) or name.lower().endswith("_proxy"):
        del os.environ[name]


# The processes that tests start load compiled files in half the time.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# A property must not fail on a busy machine, so Hypothesis has no deadline, and may take long to make examples. The
# same code is always tested with the same examples, so that a change fails by itself only; the profile "search" looks
# for new examples each time.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", **PATIENT, max_examples=30, derandomize=True)
settings.register_profile("thorough", **PATIENT, max_examples=300, derandomize=True)
settings.register_profile("search", **PATIENT, max_examples=3000)
settings.load_profile("quick")


def pytest_xdist_auto_num_workers() -> int:
    """Run one worker more than there are processors, since many tests wait: a fifth of the time."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking at modules and test items again and again: a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run an `unmeasured` test without the function by which coverage traces each line."""
    if item.get_closest_marker("unmeasured") is None:
        return (yield)
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses after which a list that seems to be empty or short is requested again."""
    monkeypatch.setattr("aiozbilling.listing.stall._PAUSES_S", (0.01, 0.03))
    monkeypatch.setattr("aiozbilling.listing.walk.EMPTY_PAUSE_S", 0.02)
    monkeypatch.setattr("aiozbilling.sync.incremental._PAUSES", (0.01, 0.02, 0.03))


@pytest.fixture(autouse=True)
def pauses(request: pytest.FixtureRequest) -> None:
    """Shorten the pauses in tests that wait in real time; other tests have virtual time or no pause."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("short_pauses")


@pytest.fixture
def tasks_left() -> Callable[[], Awaitable[list[asyncio.Task[object]]]]:
    """Return the tasks that are left after a few loop steps, except the test's own and the simulator's."""

    async def left() -> list[asyncio.Task[object]]:
        for _ in range(5):
            await asyncio.sleep(0)
        names = ("RequestHandler", "Server")
        others = asyncio.all_tasks() - {asyncio.current_task()}
        return [task for task in others if not any(name in repr(task.get_coro()) for name in names)]

    return left
