"""The throttle: first in, first out, never above the limit, and never idle while a request waits."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiozbilling import NotSentError, RateLimit
from aiozbilling.exchange.rate import SlidingWindow
from aiozbilling.exchange.shared_rate import SharedWindow
from aiozbilling.exchange.throttle import Throttle, _Waiter
from tests.virtual_time import clock, run

FOREVER = float("inf")


def throttle(limit: RateLimit | None) -> Throttle:
    """Return a throttle in virtual time."""
    return Throttle(None if limit is None else SlidingWindow(limit, clock), longest_pause_s=60.0, clock=clock)


@attrs.frozen
class Arrival:
    """A request: its time, when it is cancelled, and how long it may wait."""

    at: float
    cancelled_after: float | None
    may_wait: float | None


ARRIVALS = st.lists(
    st.builds(
        Arrival,
        at=st.floats(0, 10),
        cancelled_after=st.none() | st.floats(0, 5),
        may_wait=st.none() | st.floats(0, 5),
    ),
    min_size=1,
    max_size=40,
)


async def requested(door: Throttle, arrival: Arrival, sent: list[tuple[float, float]]) -> None:
    """Make one request, and append its time and the time when it was sent."""
    await asyncio.sleep(arrival.at)
    came = clock()
    try:
        async with asyncio.timeout(arrival.cancelled_after):
            await door.turn(FOREVER if arrival.may_wait is None else came + arrival.may_wait)
            sent.append((came, clock()))
    except (TimeoutError, NotSentError):
        pass


def check_limit(sent: list[float], limit: RateLimit) -> None:
    """Fail if any period has more requests than the limit."""
    for first, beyond in zip(sent, sent[limit.requests :], strict=False):
        assert beyond - first >= limit.per_s - 1e-9


@given(ARRIVALS, st.integers(1, 5), st.floats(0.1, 3))
def test_the_limit_is_kept_and_used_whatever_is_cancelled(arrivals: list[Arrival], requests: int, per_s: float) -> None:
    """With random requests, cancellations and deadlines: at most n per period, in order, and none later than needed."""
    limit = RateLimit(requests, per_s)
    sent: list[tuple[float, float]] = []

    async def main() -> None:
        door = throttle(limit)
        door._delay_s = 0.0
        await asyncio.gather(*(requested(door, arrival, sent) for arrival in arrivals))
        assert not door._queue

    run(main())
    times = [when for _, when in sent]
    assert times == sorted(times)
    assert [came for came, _ in sent] == sorted(came for came, _ in sent)
    check_limit(times, limit)
    for i, (came, when) in enumerate(sent):  # each was sent when it came, or as soon as the window had room
        earliest = max(came, times[i - requests] + per_s if i >= requests else came)
        assert when == pytest.approx(earliest, abs=1e-6)


@pytest.mark.parametrize("processes", [0, 2])
@given(
    st.lists(
        st.tuples(st.floats(0, 10), st.floats(0, 0.04), st.floats(0, 0.5), st.integers(0, 1)), min_size=1, max_size=40
    ),
    st.integers(1, 5),
    st.floats(1, 3),
)
def test_the_server_counts_no_more_than_the_limit(
    processes: int, requests: list[tuple[float, float, float, int]], n: int, per_s: float
) -> None:
    """The server never counts more than n requests, if they arrive up to 4 % of the period late.

    This holds in one process, and in two that share the limit.
    """
    counted: list[float] = []

    async def one(door: Throttle, at: float, way_s: float, work_s: float) -> None:
        await asyncio.sleep(at)
        arrival = await door.turn(FOREVER)
        begun = clock()
        await asyncio.sleep(way_s)
        counted.append(clock())
        await asyncio.sleep(work_s)
        door.replied(clock() - begun, arrival)

    with tempfile.TemporaryDirectory() as folder:

        async def main() -> None:
            doors = throttles(processes, RateLimit(n, per_s), Path(folder))
            await asyncio.gather(*(one(doors[number % len(doors)], *rest) for *rest, number in requests))

        run(main())
    check_limit(sorted(counted), RateLimit(n, per_s))


def throttles(processes: int, limit: RateLimit, folder: Path) -> list[Throttle]:
    """Return the throttle of one process, or those of several processes that share a folder."""
    if not processes:
        return [throttle(limit)]
    windows = [SharedWindow(limit, clock, path=folder / "account.times") for _ in range(processes)]
    return [Throttle(window, longest_pause_s=60.0, clock=clock) for window in windows]


@pytest.mark.parametrize("processes", [0, 1])
def test_a_reply_shortens_the_window(processes: int, tmp_path: Path) -> None:
    """A waiting request is sent one period after the reply to an earlier one, not after the longest recent delay."""

    async def main() -> None:
        [door] = throttles(processes, RateLimit(2, 10.0), tmp_path)
        begun = clock()
        arrivals = [await door.turn(FOREVER), await door.turn(FOREVER)]
        waiting = asyncio.create_task(door.turn(FOREVER))
        await asyncio.sleep(0.003)
        for arrival in arrivals:
            door.replied(0.003, arrival)
        await waiting
        assert clock() - begun == pytest.approx(10.003)

    run(main())


@pytest.mark.parametrize("processes", [0, 1])
def test_a_reply_that_is_late_makes_the_window_longer(processes: int, tmp_path: Path) -> None:
    """A request that took longer than earlier ones counts from its later arrival, at most 4 % of the period later."""

    async def main() -> None:
        [door] = throttles(processes, RateLimit(1, 10.0), tmp_path)
        begun = clock()
        arrival = await door.turn(FOREVER)
        await asyncio.sleep(0.3)
        door.replied(0.3, arrival)
        await door.turn(FOREVER)
        assert clock() - begun == pytest.approx(10.3)

    run(main())


def test_cancelled_waiters_leave_no_gap() -> None:
    """50 requests wait at 10 per second and 30 are cancelled: the other 20 are sent in 2 s."""

    async def main() -> None:
        door = throttle(RateLimit(10, 1.0))
        door._delay_s = 0.0
        begun = clock()
        tasks = [asyncio.create_task(door.turn(FOREVER)) for _ in range(50)]
        await asyncio.sleep(0.5)
        for task in tasks[10:40]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert clock() - begun == pytest.approx(1.0)

    run(main())


def test_a_wait_beyond_the_deadline_is_refused_at_once() -> None:
    """A request that would have to wait too long is refused at once, with the seconds to wait, and is not counted."""

    async def main() -> None:
        door = throttle(RateLimit(1, 60))
        door._delay_s = 0.0
        await door.turn(FOREVER)
        with pytest.raises(NotSentError, match="request in time") as caught:
            await door.turn(clock() + 10)
        assert caught.value.retry_after == pytest.approx(60)
        assert clock() == 0.0

    run(main())


def test_a_pause_holds_all_and_ends() -> None:
    """After a pause of 5 s the next request is sent 5 s later; a shorter pause does not shorten it."""

    async def main() -> None:
        door = throttle(None)
        door.pause(5)
        door.pause(1)
        await door.turn(FOREVER)
        assert clock() == pytest.approx(5.0)

    run(main())


def test_a_pause_that_begins_meanwhile_counts_for_those_who_wait() -> None:
    """After a 429, waiting requests wait longer, and those that can't are refused at once."""

    async def main() -> None:
        door = throttle(RateLimit(1, 2))
        await door.turn(FOREVER)
        patient = asyncio.create_task(door.turn(FOREVER))
        hasty = asyncio.create_task(door.turn(clock() + 10))
        await asyncio.sleep(1)
        door.pause(30)
        with pytest.raises(NotSentError):
            await hasty
        assert clock() == pytest.approx(1.0)
        await patient
        assert clock() == pytest.approx(31.0)

    run(main())


def test_a_long_pause_is_an_error_at_once() -> None:
    """A pause that is too long is an error with its seconds."""

    async def main() -> None:
        door = throttle(None)
        door.pause(61)
        with pytest.raises(NotSentError, match="Try again in 61 s") as caught:
            await door.turn(FOREVER)
        assert caught.value.retry_after == 61

    run(main())


def test_an_absurd_pause_ends_after_an_hour() -> None:
    """If a server demands a pause of a year, one request is sent after an hour."""

    async def main() -> None:
        door = throttle(None)
        door.pause(1e10)
        with pytest.raises(NotSentError):
            await door.turn(FOREVER)
        await asyncio.sleep(3601)
        await door.turn(FOREVER)

    run(main())


def test_a_throttle_is_idle_only_without_pause_and_requests() -> None:
    """A throttle that is paused, or whose window holds a request, must be kept."""

    async def main() -> None:
        door = throttle(RateLimit(1, 2))
        assert door.is_idle
        await door.turn(FOREVER)
        assert not door.is_idle
        await asyncio.sleep(2.1)
        assert door.is_idle
        door.pause(1)
        assert not door.is_idle

    run(main())


def test_a_wake_up_between_a_look_and_the_sleep_is_not_lost() -> None:
    """If another thread changes the queue after a request has looked and before it sleeps, it looks again at once."""
    looks: list[float] = []

    class Busy(Throttle):
        def _next_look_s(self, waiter: _Waiter, until: float, advice: str) -> float:
            looks.append(super()._next_look_s(waiter, until, advice))
            if looks.count(FOREVER) == 1:
                waiter.wake()
            return looks[-1]

    async def main() -> None:
        door = Busy(SlidingWindow(RateLimit(1, 5), clock), longest_pause_s=60.0, clock=clock)
        await door.turn(FOREVER)
        waiting = [asyncio.create_task(door.turn(FOREVER)) for _ in range(2)]
        await asyncio.sleep(0.1)
        seen = looks[1:]
        await asyncio.gather(*waiting)
        assert seen == [FOREVER, FOREVER]

    run(main())
