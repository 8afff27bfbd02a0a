"""When running calls end."""

from __future__ import annotations

import asyncio

from aiozbilling.exchange.lifetime import Lifetime
from tests.virtual_time import clock, run


class Call:
    """A running call that notes when it is ended."""

    is_sending = True
    expires = float("inf")

    def __init__(self, lifetime: Lifetime) -> None:
        self.loop = asyncio.get_running_loop()
        self.ended_at: list[float] = []
        self._lifetime = lifetime
        lifetime.begin(self)

    def end(self) -> None:
        self.ended_at.append(round(self.loop.time(), 3))
        self._lifetime.ended(self)


def test_each_call_ends_at_its_own_time_whatever_the_order_in_which_times_are_set():
    """A call that is set after a longer one, or whose time is set again, ends at the time that was set last."""

    async def main() -> None:
        lifetime, now = Lifetime(), clock()
        long, short, prolonged, shortened = (Call(lifetime) for _ in range(4))
        for call, seconds in (
            (long, 30),
            (short, 10),
            (prolonged, 5),
            (prolonged, 20),
            (shortened, 40),
            (shortened, 7),
        ):
            lifetime.expire(call, now + seconds)
        await asyncio.sleep(100)
        ended = [[at - now for at in call.ended_at] for call in (long, short, prolonged, shortened)]
        assert ended == [[30], [10], [20], [7]]

    run(main())


def test_a_call_that_has_finished_or_waits_without_a_time_is_not_ended():
    """The timer that was set for a call does nothing to it after its end, or after its time was removed."""

    async def main() -> None:
        lifetime = Lifetime()
        finished, waiting = Call(lifetime), Call(lifetime)
        for call in (finished, waiting):
            lifetime.expire(call, clock() + 1)
        lifetime.ended(finished)
        waiting.expires = float("inf")
        await asyncio.sleep(10)
        assert finished.ended_at == waiting.ended_at == []

    run(main())
