"""Storage of throttles."""

from __future__ import annotations

from aiozbilling import RateLimit
from aiozbilling.exchange.accounts import Accounts


async def test_an_account_that_is_paused_or_has_requests_is_never_forgotten() -> None:
    """If there are more than 4096 accounts, idle ones are removed, but no others."""
    accounts = Accounts(RateLimit(5, per_s=60), longest_pause_s=60)
    used, paused = accounts.throttle("used"), accounts.throttle("paused")
    await used.turn(float("inf"))
    paused.pause(30)
    for number in range(10_000):
        accounts.throttle(str(number))
    assert accounts.throttle("used") is used
    assert accounts.throttle("paused") is paused
    assert len(accounts._throttles) <= 4096 + 2
