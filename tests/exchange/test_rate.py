from __future__ import annotations

import asyncio

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiozbilling import CallTimeoutError, ConfigurationError, RateLimit, RateLimitedError
from aiozbilling.exchange.rate import Gate

FOREVER = float("inf")


@attrs.define
class Time:
    """A clock that moves only by sleeping."""

    now: float = 1000.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += max(0.0, seconds)


def gate(limit: RateLimit | None, time: Time) -> Gate:
    return Gate(limit, longest_pause_s=60.0, clock=time.clock, sleep=time.sleep)


@settings(max_examples=50, deadline=None)
@given(
    requests=st.integers(1, 20),
    per_s=st.floats(0.01, 100),
    gaps=st.lists(st.floats(0, 5), min_size=1, max_size=100),
)
async def test_no_window_holds_more_than_the_limit(requests: int, per_s: float, gaps: list[float]) -> None:
    """Whenever requests come, never more than `requests` pass in any `per_s` seconds, and none waits without need."""
    time = Time()
    door = gate(RateLimit(requests, per_s), time)
    passed: list[float] = []
    for gap in gaps:
        time.now += gap
        asked = time.now
        await door.turn(FOREVER)
        if time.now > asked:
            assert len(passed) >= requests
            assert time.now <= passed[-requests] + per_s * 1.04 + 1e-6
        passed.append(time.now)
    for first, beyond in zip(passed, passed[requests:], strict=False):
        assert beyond - first >= per_s


async def test_a_cancelled_turn_is_given_back() -> None:
    """A request that is cancelled while it waits leaves its turn to the next."""
    door = Gate(RateLimit(1, 0.2), longest_pause_s=60)
    await door.turn(FOREVER)
    waiting = asyncio.create_task(door.turn(FOREVER))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(0.38):
        await door.turn(FOREVER)


async def test_a_turn_beyond_the_deadline_is_refused_at_once() -> None:
    """Who can't have a turn in time is told so without waiting, and takes no turn away."""
    time = Time()
    door = gate(RateLimit(1, 60), time)
    await door.turn(FOREVER)
    with pytest.raises(CallTimeoutError, match="1 requests in 60 s"):
        await door.turn(time.now + 10)
    assert time.now == 1000.0


async def test_a_pause_holds_everyone_back() -> None:
    """After a pause of 5 s the next request passes 5 s later."""
    time = Time()
    door = gate(None, time)
    door.pause(5)
    door.pause(1)
    await door.turn(FOREVER)
    assert time.now == 1005.0


async def test_a_pause_that_begins_while_a_turn_is_waited_for_counts() -> None:
    """A 429 that comes while a request waits for its turn holds that request back too."""
    time = Time()
    door = gate(RateLimit(1, 2), time)
    await door.turn(FOREVER)
    waiting = asyncio.create_task(door.turn(FOREVER))
    await asyncio.sleep(0)
    door.pause(30)
    await waiting
    assert time.now >= 1030.0


async def test_a_long_pause_is_an_error_at_once() -> None:
    """A pause beyond the longest that is waited for, or beyond the deadline, is told at once with its seconds."""
    time = Time()
    door = gate(None, time)
    door.pause(61)
    with pytest.raises(RateLimitedError, match="Come back in 61 s") as caught:
        await door.turn(FOREVER)
    assert caught.value.retry_after == 61
    door = gate(None, time)
    door.pause(30)
    with pytest.raises(RateLimitedError):
        await door.turn(time.now + 10)


@pytest.mark.parametrize(("requests", "per_s"), [(0, 1), (1.5, 1), (True, 1), (1, 0), (1, -1), (1, float("nan"))])
def test_impossible_limits_are_refused(requests: int, per_s: float) -> None:
    """A limit that can't be meant is a ConfigurationError."""
    with pytest.raises(ConfigurationError, match="RateLimit"):
        RateLimit(requests, per_s)


async def test_a_turn_cancelled_after_its_time_is_still_a_cancellation() -> None:
    """A task whose slot was outdated and tidied away meanwhile is cancelled as any other."""
    time = Time()
    door = Gate(RateLimit(1, 1.0), longest_pause_s=60, clock=time.clock)
    await door.turn(FOREVER)
    waiting = asyncio.create_task(door.turn(FOREVER))
    await asyncio.sleep(0)
    time.now += 100
    await door.turn(FOREVER)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_absurd_pause_ends_after_an_hour() -> None:
    """A server that asks for a year by mistake is asked again after an hour."""
    time = Time()
    door = gate(None, time)
    door.pause(1e10)
    with pytest.raises(RateLimitedError):
        await door.turn(FOREVER)
    time.now += 3601
    await door.turn(FOREVER)
