"""The work of every peer."""

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
        base_url: URL of the server.
        page_size: rows per request; None for the peer's default.
        concurrency: requests at the same time, if the peer supports it; None for its default.
        rate: limit of requests per second, if the peer supports it; 0 for no limit, None for its default.
    """

    base_url: str
    page_size: int | None
    concurrency: int | None = 1
    rate: int | None = 0


class Tally(NamedTuple):
    """Counts and sums of a walk, which must be equal for every peer."""

    rows: int
    amount: int

    @classmethod
    def of(cls, rows: int, amount: Decimal | int) -> Tally:
        return cls(rows, int(amount))


async def called(call: Callable[[], Awaitable[object]], concurrency: int, count: int) -> None:
    """Make `count` calls, with `concurrency` at the same time."""

    async def some(share: int) -> None:
        for _ in range(share):
            await call()

    await asyncio.gather(*(some(count // concurrency) for _ in range(concurrency)))
