"""Hand-written code with aiohttp, orjson and cattrs."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal

import aiohttp
import attrs
import orjson
from cattrs import Converter

from benchmarks.task import KEYS, PATH, Tally, Task


@attrs.frozen
class Amount:
    denom: str
    amount: Decimal


@attrs.frozen
class TopUp:
    id: str
    amount: Amount
    sender: str
    recipient: str
    status: bool
    cosmos_tx_hash: str
    created_at: datetime
    updated_at: datetime
    evm_tx_hash: str | None = None
    event_index: int | None = None
    block_number: int | None = None
    total_amount: Decimal | None = None
    credit: Decimal | None = None


@attrs.frozen
class Page:
    totals: int
    top_up_usages: list[TopUp]


converter = Converter()
converter.register_structure_hook(Decimal, lambda value, _: Decimal(value))
converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))


def walk(task: Task) -> Tally:
    return asyncio.run(_walk(task))


async def _walk(task: Task) -> Tally:
    rows, amount = 0, Decimal(0)
    offset, total, limit = 0, 1, task.page_size or 10
    async with aiohttp.ClientSession(headers=KEYS) as session:
        while offset < total:
            async with session.get(task.base_url + PATH, params={"offset": offset, "limit": limit}) as response:
                response.raise_for_status()
                page = converter.structure(orjson.loads(await response.read())["data"], Page)
            total = page.totals
            offset += limit
            for top_up in page.top_up_usages:
                if top_up.id and top_up.created_at:
                    rows += 1
                amount += top_up.amount.amount
    return Tally.of(rows, amount)
