"""The work that every peer does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import NamedTuple

PATH = "/api/billing/topUp"
MONTH_PATH = "/api/billing/thisMonthUsage"
KEYS = {"pinning_api_key": "YmVuY2htYXJr", "pinning_secret_key": "bm90IGEgc2VjcmV0"}


class Task(NamedTuple):
    """Walk all top-ups of `base_url`.

    Attributes:
        base_url: the server.
        page_size: rows of one request; None for the peer's own default.
        concurrency: requests in flight, for a peer that can; None for its default.
        rate: requests a second to keep to, for a peer that can; 0 for no limit, None for its default.
    """

    base_url: str
    page_size: int | None
    concurrency: int | None = 1
    rate: int | None = 0


class Tally(NamedTuple):
    """What a walk saw: the same for every peer, or it did not do the work."""

    rows: int
    amount: int

    @classmethod
    def of(cls, rows: int, amount: Decimal | int) -> Tally:
        return cls(rows, int(amount))


async def called(call: Callable[[], Awaitable[object]], concurrency: int, count: int) -> None:
    """Make so many calls, so many at once."""

    async def some(share: int) -> None:
        for _ in range(share):
            await call()

    await asyncio.gather(*(some(count // concurrency) for _ in range(concurrency)))
