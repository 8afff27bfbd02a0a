"""httpx and pydantic, put together by hand."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal

import httpx
from pydantic import BaseModel

from benchmarks.task import KEYS, PATH, Tally, Task


class Amount(BaseModel):
    denom: str
    amount: Decimal


class TopUp(BaseModel):
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


class Page(BaseModel):
    totals: int
    top_up_usages: list[TopUp]


class Envelope(BaseModel):
    data: Page
    status: str


def walk(task: Task) -> Tally:
    return asyncio.run(_walk(task))


async def _walk(task: Task) -> Tally:
    rows, amount = 0, Decimal(0)
    offset, total, limit = 0, 1, task.page_size or 10
    async with httpx.AsyncClient(base_url=task.base_url, headers=KEYS) as client:
        while offset < total:
            response = await client.get(PATH, params={"offset": offset, "limit": limit})
            response.raise_for_status()
            page = Envelope.model_validate_json(response.content).data
            total = page.totals
            offset += limit
            for top_up in page.top_up_usages:
                if top_up.id and top_up.created_at:
                    rows += 1
                amount += top_up.amount.amount
    return Tally.of(rows, amount)
