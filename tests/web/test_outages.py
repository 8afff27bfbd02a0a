"""Outages of the provider under many clients: quick answers throughout, a quick recovery, and nothing left.

The default run has outages of 2 s; ``OUTAGE_S=10 pytest -m slow -s tests/web/test_outages.py`` has longer ones and
prints what was measured.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from typing import TYPE_CHECKING

import aiohttp
import attrs
import pytest

from aiozbilling import AiozBilling, AiozBillingError
from aiozbilling.web import Shared
from tests.web.recipes import serving
from tests.web.test_recipes import Browser
from tests.web.test_recipes import simulator as threaded_simulator  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from aiozbilling import MonthUsage
    from aiozbilling.simulator import Simulator

OUTAGE_S = float(os.environ.get("OUTAGE_S", "2"))
CLIENTS = 50


@attrs.define
class Load:
    """Clients that ask again and again, and what they got."""

    shared: Shared[MonthUsage]
    billing: AiozBilling
    durations: list[float] = attrs.field(factory=list)
    outcomes: Counter[str] = attrs.field(factory=Counter)
    successes: list[float] = attrs.field(factory=list)  # when a fetch had an answer
    most_fetches: int = 0

    async def fetch(self) -> MonthUsage:
        """Ask the provider."""
        month = await self.billing.this_month_usage()
        self.successes.append(asyncio.get_running_loop().time())
        return month

    async def client(self) -> None:
        """Ask until the test ends."""
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                await self.shared.get("month", self.fetch)
                self.outcomes["answer"] += 1
            except AiozBillingError as error:
                self.outcomes[type(error).__name__] += 1
            self.durations.append(clock() - began)
            fetches = [task for task in asyncio.all_tasks() if "Shared._fetch" in repr(task.get_coro())]
            self.most_fetches = max(self.most_fetches, len(fetches))
            await asyncio.sleep(0.1)


async def outage(simulator: Simulator, kind: str) -> None:
    """Let the provider fail for some seconds."""
    if kind == "slow":
        simulator.behaviour.latency_s = 2.0
    else:
        headers = {"Retry-After": str(round(OUTAGE_S * 1.5))}
        simulator.fail(kind, for_s=OUTAGE_S, headers=headers if kind == "http-429" else None)
    await asyncio.sleep(OUTAGE_S)
    simulator.behaviour.latency_s = 0.0
    simulator.forgive()


@pytest.mark.slow
@pytest.mark.parametrize("had_answer", [True, False], ids=["warm", "cold"])
@pytest.mark.parametrize("kind", ["hang", "http-500", "http-429", "slow"])
async def test_an_outage_is_short_for_everybody(simulator, billing, tasks_left, kind, had_answer):
    """Each answer comes within 3 s, a new one within 2.5 s after the end, and no task is left."""
    clock = asyncio.get_running_loop().time
    async with Shared(max_age_s=0.5) as shared:
        load = Load(shared, billing)
        if had_answer:
            await shared.get("month", load.fetch)
            await asyncio.sleep(0.6)
        clients = [asyncio.create_task(load.client()) for _ in range(CLIENTS)]
        began = clock()
        await outage(simulator, kind)
        end = began + OUTAGE_S
        if kind == "http-429":  # the provider said for how long it wants no request
            end = max(one.at for one in simulator.requests if one.status == 429) + round(OUTAGE_S * 1.5)
        async with asyncio.timeout(20):
            while not any(moment > end for moment in load.successes):
                await asyncio.sleep(0.02)
        recovery = min(moment for moment in load.successes if moment > end) - end
        await asyncio.sleep(0.2)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    durations = sorted(load.durations)
    p50, p99 = durations[len(durations) // 2], durations[len(durations) * 99 // 100]
    print(  # noqa: T201 - the measured figures
        f"\n{kind:9} {'warm' if had_answer else 'cold'}: {len(durations)} answers, p50 {p50 * 1000:.1f} ms, "
        f"p99 {p99 * 1000:.0f} ms, longest {durations[-1]:.2f} s; recovery {recovery:.2f} s; "
        f"{len(simulator.requests)} requests; at most {load.most_fetches} fetches; {dict(load.outcomes)}"
    )
    assert durations[-1] < 3.0
    assert recovery < 2.5
    assert load.most_fetches <= 6
    if had_answer:
        assert set(load.outcomes) == {"answer"}
    assert await tasks_left() == []


@pytest.mark.slow
async def test_300_requests_in_5_seconds(threaded_simulator, tmp_path):  # noqa: F811
    """300 requests to a real server for one account's month, at the default rate limit, cost at most 2 calls."""
    clock, started = time.monotonic, time.monotonic()
    account = threaded_simulator.accounts[1]
    with serving("fastapi_app.py", threaded_simulator, tmp_path) as server:
        async with aiohttp.ClientSession() as session:
            browser, durations = Browser(session, server.url), []

            async def ask(number: int) -> None:
                await asyncio.sleep(number / 60)
                began = clock()
                status, _, _ = await browser.get("/tenants/acme/month")
                durations.append(clock() - began)
                assert status == 200

            await asyncio.gather(*(ask(number) for number in range(300)))
    durations.sort()
    upstream = len([one for one in threaded_simulator.requests if one.account is account])
    print(  # noqa: T201 - the measured figures
        f"\n300 requests: p50 {durations[150] * 1000:.1f} ms, p99 {durations[296] * 1000:.1f} ms, {upstream} upstream"
    )
    assert upstream <= 2 + (clock() - started) // 15  # an answer is fresh for 15 s


@pytest.mark.slow
async def test_30_streams_cost_one_poll_per_interval(threaded_simulator, tmp_path):  # noqa: F811
    """Thirty pages that watch one account cost as many requests as one page, and all of them get the new row."""
    account = threaded_simulator.accounts[1]
    with serving("aiohttp_app.py", threaded_simulator, tmp_path, POLL_S="0.5") as server:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=40)) as session:
            browser, ready = Browser(session, server.url), [asyncio.Event() for _ in range(30)]
            pages = [asyncio.create_task(browser.events("acme", 1, ready=event)) for event in ready]
            await asyncio.gather(*(event.wait() for event in ready))
            await asyncio.sleep(1.0)
            began = time.monotonic()
            before = len([one for one in threaded_simulator.requests if one.account is account])
            await asyncio.sleep(3.0)
            polls = len([one for one in threaded_simulator.requests if one.account is account]) - before
            seconds = time.monotonic() - began
            (new,) = account.add_top_ups(1)
            got = await asyncio.gather(*pages)
    print(f"\n30 streams, one poll each 0.5 s: {polls} requests in {seconds:.1f} s")  # noqa: T201
    assert polls <= seconds / 0.5 + 1
    assert {identifier for ((_, identifier, _),) in got} == {new}
