"""Hand-written code with httpx2 and pydantic."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal

import httpx2
from pydantic import BaseModel

from benchmarks.task import KEYS, MONTH_PATH, PATH, Tally, Task, called


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


class MonthUsage(BaseModel):
    total_storage: int
    storage_usage: int
    bandwidth_usage: int
    storage_cost: Decimal | None = None
    bandwidth_cost: Decimal | None = None


class MonthEnvelope(BaseModel):
    data: MonthUsage
    status: str


def walk(task: Task) -> Tally:
    return asyncio.run(_walk(task))


async def _walk(task: Task) -> Tally:
    rows, amount = 0, Decimal(0)
    offset, total, limit = 0, 1, task.page_size or 10
    async with httpx2.AsyncClient(base_url=task.base_url, headers=KEYS) as client:
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


def calls(url: str, concurrency: int, count: int) -> None:
    asyncio.run(_calls(url, concurrency, count))


async def _calls(url: str, concurrency: int, count: int) -> None:
    async with httpx2.AsyncClient(base_url=url, headers=KEYS) as client:

        async def call() -> MonthUsage:
            response = await client.get(MONTH_PATH)
            response.raise_for_status()
            return MonthEnvelope.model_validate_json(response.content).data

        await called(call, concurrency, count)
