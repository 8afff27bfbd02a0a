"""This library."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from aiozbilling import AiozBilling, RateLimit
from benchmarks.task import KEYS, Tally, Task, called


def walk(task: Task) -> Tally:
    return asyncio.run(_walk(task))


async def _walk(task: Task) -> Tally:
    settings: dict[str, Any] = {}
    if task.rate is not None:
        settings["rate_limit"] = RateLimit(task.rate, 1.0) if task.rate else None
    options: dict[str, Any] = {} if task.concurrency is None else {"concurrency": task.concurrency}
    rows, amount = 0, Decimal(0)
    async with AiozBilling(
        api_key=KEYS["pinning_api_key"], secret_key=KEYS["pinning_secret_key"], base_url=task.base_url, **settings
    ) as billing:
        async for top_up in billing.top_ups(page_size=task.page_size, **options):
            if top_up.id and top_up.created_at:
                rows += 1
            amount += top_up.amount.amount
    return Tally.of(rows, amount)


def calls(url: str, concurrency: int, count: int) -> None:
    asyncio.run(_calls(url, concurrency, count))


async def _calls(url: str, concurrency: int, count: int) -> None:
    keys = {"api_key": KEYS["pinning_api_key"], "secret_key": KEYS["pinning_secret_key"]}
    async with AiozBilling(**keys, base_url=url, rate_limit=None) as billing:
        await called(billing.this_month_usage, concurrency, count)
