"""The throttles of a client."""

from __future__ import annotations

from aiozbilling import RateLimit
from aiozbilling.exchange.throttles import Throttles


async def test_an_account_that_is_paused_or_has_requests_is_never_forgotten() -> None:
    """If there are more than 4096 accounts, idle ones are removed, but no others."""
    throttles = Throttles(RateLimit(5, per_s=60), longest_pause_s=60)
    used, paused = throttles.of("used"), throttles.of("paused")
    await used.turn(float("inf"))
    paused.pause(30)
    for number in range(10_000):
        throttles.of(str(number))
    assert throttles.of("used") is used
    assert throttles.of("paused") is paused
    assert len(throttles._throttles) <= 4096 + 2
