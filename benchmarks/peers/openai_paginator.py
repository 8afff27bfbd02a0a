"""openai's async paginator with a page class for this API, as every SDK of that generator has one."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Generic, TypeVar

from openai import AsyncOpenAI, BaseModel
from openai._base_client import BaseAsyncPage, BasePage, PageInfo, make_request_options

from benchmarks.task import KEYS, MONTH_PATH, PATH, Tally, Task, called

T = TypeVar("T")


class Amount(BaseModel):
    denom: str
    amount: str


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
    total_amount: str | None = None
    credit: str | None = None


class Rows(BaseModel, Generic[T]):
    totals: int | None = None
    top_up_usages: list[T]


class AsyncOffsetPage(BaseAsyncPage[T], BasePage[T], Generic[T]):
    data: Rows[T] | None = None

    def _get_page_items(self) -> list[T]:
        return self.data.top_up_usages if self.data else []

    def next_page_info(self) -> PageInfo | None:
        if self.data is None:
            return None
        offset = self._options.params.get("offset") or 0
        following = offset + len(self.data.top_up_usages)  # type: ignore[operator]
        return PageInfo(params={"offset": following}) if following < (self.data.totals or 0) else None


class MonthUsage(BaseModel):
    total_storage: int
    storage_usage: int
    bandwidth_usage: int
    storage_cost: str | None = None
    bandwidth_cost: str | None = None


class MonthEnvelope(BaseModel):
    data: MonthUsage
    status: str


def walk(task: Task) -> Tally:
    return asyncio.run(_walk(task))


async def _walk(task: Task) -> Tally:
    rows = amount = 0
    async with AsyncOpenAI(api_key="none", base_url=task.base_url, default_headers=KEYS) as client:
        query = {"offset": 0, "limit": task.page_size or 10}
        listing = client.get_api_list(
            PATH, model=TopUp, page=AsyncOffsetPage[TopUp], options=make_request_options(query=query)
        )
        async for top_up in listing:
            if top_up.id and top_up.created_at:
                rows += 1
            amount += int(top_up.amount.amount)
    return Tally.of(rows, amount)


def calls(url: str, concurrency: int, count: int) -> None:
    asyncio.run(_calls(url, concurrency, count))


async def _calls(url: str, concurrency: int, count: int) -> None:
    async with AsyncOpenAI(api_key="none", base_url=url, default_headers=KEYS) as client:
        await called(lambda: client.get(MONTH_PATH, cast_to=MonthEnvelope), concurrency, count)
