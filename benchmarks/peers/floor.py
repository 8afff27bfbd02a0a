"""The minimum for the same records: aiohttp and a typed msgspec decoder, without retries and additional checks."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import aiohttp
import attrs
import msgspec

from aiozbilling.records import MonthUsage, TopUp
from benchmarks.task import KEYS, MONTH_PATH, PATH, Tally, Task, called


@attrs.frozen
class Page:
    totals: int
    top_up_usages: list[TopUp]


@attrs.frozen
class Envelope:
    data: Page
    status: str


@attrs.frozen
class MonthEnvelope:
    data: MonthUsage
    status: str


month_decoder = msgspec.json.Decoder(MonthEnvelope)
decoder = msgspec.json.Decoder(Envelope)


def walk(task: Task) -> Tally:
    return asyncio.run(_walk(task))


async def _walk(task: Task) -> Tally:
    rows, amount = 0, Decimal(0)
    offset, total, limit = 0, 1, task.page_size or 1000
    async with aiohttp.ClientSession(headers=KEYS) as session:
        while offset < total:
            async with session.get(f"{task.base_url}{PATH}?offset={offset}&limit={limit}") as response:
                page = decoder.decode(await response.read()).data
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
    async with aiohttp.ClientSession(headers=KEYS) as session:

        async def call() -> MonthUsage:
            async with session.get(url + MONTH_PATH) as response:
                return month_decoder.decode(await response.read()).data

        await called(call, concurrency, count)
