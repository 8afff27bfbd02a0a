from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from aiozbilling.exchange.call import Received
from aiozbilling.listing.prefetch import Prefetch

TasksLeft = Callable[[], Awaitable[list[object]]]


async def slow(key: int, _received: object = None) -> int:
    await asyncio.sleep(0.01)
    if key < 0:
        raise ValueError(key)
    return key * 10


async def test_keys_are_taken_in_order(tasks_left: TasksLeft) -> None:
    """Keys are fetched ahead, at most `concurrency` at the same time, and taken one by one."""
    running, most = 0, 0

    async def fetch(key: int, _received: object = None) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await slow(key)
        finally:
            running -= 1

    prefetch = Prefetch(fetch, 3)
    for i in range(10):
        prefetch.want(range(i, min(10, i + prefetch.ahead)))
        assert await prefetch.take(i) == i * 10
    assert most == 3
    await prefetch.aclose()
    assert await tasks_left() == []


async def test_keys_that_a_new_plan_does_not_name_are_cancelled(tasks_left: TasksLeft) -> None:
    """A new plan cancels keys that it doesn't name and keeps the others; an error that nobody awaits is silent."""
    prefetch = Prefetch(slow, 4)
    prefetch.want([1, 2, -3])
    await asyncio.sleep(0.03)
    prefetch.want([2, 5])
    assert await prefetch.take(2) == 20
    prefetch.want([6])
    assert await prefetch.take(6) == 60
    await prefetch.aclose()
    assert await tasks_left() == []


async def test_a_failure_is_raised_where_it_is_taken(tasks_left: TasksLeft) -> None:
    """The error of a failed fetch is raised by `take`, and not before."""
    prefetch = Prefetch(slow, 2)
    prefetch.want([1, -2])
    await asyncio.sleep(0.03)
    assert await prefetch.take(1) == 10
    with pytest.raises(ValueError, match="-2"):
        await prefetch.take(-2)
    await prefetch.aclose()
    assert await tasks_left() == []


async def test_one_at_a_time_needs_no_task() -> None:
    """With a concurrency of 1 nothing is fetched before it is taken."""
    asked: list[int] = []

    async def fetch(key: int, _received: object = None) -> int:
        asked.append(key)
        return key

    prefetch = Prefetch(fetch, 1)
    prefetch.want([1])
    await asyncio.sleep(0)
    assert asked == []
    assert await prefetch.take(1) == 1
    await prefetch.aclose()


async def test_the_next_request_begins_before_the_reply_is_decoded(tasks_left: TasksLeft) -> None:
    """When a reply has arrived, the next request is sent before the reply is decoded."""
    waiting, most = 0, 0
    began: list[int] = []
    decoded = asyncio.Event()

    async def fetch(key: int, received: Received | None) -> int:
        nonlocal waiting, most
        began.append(key)
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0)
        waiting -= 1
        assert received is not None
        received()
        await decoded.wait()
        return key

    prefetch = Prefetch(fetch, 2)
    prefetch.want(range(4))
    for _ in range(20):
        await asyncio.sleep(0)
    assert began == [0, 1, 2, 3]
    assert most == 2
    decoded.set()
    assert [await prefetch.take(key) for key in range(4)] == [0, 1, 2, 3]
    await prefetch.aclose()
    assert await tasks_left() == []


async def test_what_waits_for_a_free_place_is_fetched_once() -> None:
    """A key that is taken before its request began waits for its turn, and is not requested beside the others."""
    began: list[int] = []

    async def fetch(key: int, _received: object = None) -> int:
        began.append(key)
        return await slow(key)

    prefetch = Prefetch(fetch, 2)
    prefetch.want([1, 2])
    prefetch.want([3, 1, 2])
    assert [await prefetch.take(key) for key in (3, 1, 2)] == [30, 10, 20]
    assert began == [1, 2, 3]
    assert prefetch.started == 3
    await prefetch.aclose()


async def test_a_fetch_that_is_cancelled_alone_ends_the_wait_for_it(tasks_left: TasksLeft) -> None:
    """If a fetch is cancelled from within, as by a shared refresh of a token, take raises it and does not wait."""

    async def fetch(key: int, _received: object = None) -> int:
        if key == 2:
            raise asyncio.CancelledError
        return await slow(key)

    prefetch = Prefetch(fetch, 2)
    prefetch.want([1, 2, 3])
    assert await prefetch.take(1) == 10
    taken = asyncio.ensure_future(prefetch.take(2))
    await asyncio.wait([taken], timeout=5)
    assert taken.cancelled()
    assert await prefetch.take(3) == 30
    await prefetch.aclose()
    assert await tasks_left() == []
