"""The simulator starts, stops, records requests, and is the same for the same seed."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from datetime import UTC, datetime

import aiohttp
import pytest

from aiozbilling.simulator import Fault, Simulator
from tests.calls import counted_calls
from tests.simulated import reserved_port

TOP_UP = "/api/billing/topUp"


async def fetch(simulator, path=TOP_UP):
    """Read one reply with a client of its own."""
    headers = {"pinning_api_key": simulator.api_key, "pinning_secret_key": simulator.secret_key}
    async with aiohttp.ClientSession() as session, session.get(simulator.url + path, headers=headers) as response:
        return await response.read()


async def test_the_same_seed_gives_the_same_bytes():
    """Two simulators of one seed serve the same bytes; another seed has other rows and keys."""
    bodies = []
    for seed in (3, 3, 4):
        async with Simulator(seed=seed, top_ups=30) as simulator:
            bodies.append((simulator.api_key, simulator.organization, await fetch(simulator)))
    assert bodies[0] == bodies[1]
    assert bodies[0][0] != bodies[2][0]
    assert bodies[0][2] != bodies[2][2]


def test_it_runs_in_several_loops_one_after_another():
    """A simulator can be started again in another event loop, and keeps its rows."""
    simulator = Simulator(top_ups=5)

    async def run():
        async with simulator:
            return await fetch(simulator)

    assert asyncio.run(run()) == asyncio.run(run()) == asyncio.run(run())
    assert len(simulator.requests) == 3


@pytest.mark.parametrize(
    "fault", [Fault.HANG, Fault.HANG_AFTER_HEADERS, Fault.DRIPPING_BODY, Fault.GIGANTIC_LENGTH, None]
)
def test_stopping_is_quick_whatever_is_under_way(fault, caplog):
    """Requests that would hang are cut, and nothing is logged or left running."""

    async def run():
        simulator = Simulator(top_ups=5)
        await simulator.start()
        simulator.behaviour.latency_s = 0 if fault else 100
        if fault:
            simulator.fail(fault, times=9)
        headers = {"pinning_api_key": simulator.api_key, "pinning_secret_key": simulator.secret_key}
        async with aiohttp.ClientSession(headers=headers) as session:

            async def call():
                async with session.get(simulator.url + TOP_UP) as response:
                    # Nothing is read: a stuck reader must not hold up the stop.
                    await asyncio.sleep(10)
                    return response

            calls = [asyncio.create_task(call()) for _ in range(3)]
            await asyncio.sleep(0.1)
            loop = asyncio.get_running_loop()
            started = loop.time()
            await simulator.stop()
            elapsed = loop.time() - started
            for task in calls:
                task.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        return elapsed

    assert asyncio.run(run()) < 5  # the calls take 10 s
    gc.collect()
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


async def test_what_was_received_can_be_inspected(simulator, ask):
    """Method, path, query, headers and status of each request are recorded, in order."""
    await ask(f"{TOP_UP}?limit=3&offset=2")
    await ask("/nothing", method="POST")
    first, second = simulator.requests
    assert (first.method, first.path, first.query) == ("GET", TOP_UP, {"limit": "3", "offset": "2"})
    assert first.headers["Pinning_Api_Key"] == simulator.api_key
    assert (first.status, second.status, second.method) == (200, 404, "POST")
    assert first.at <= second.at
    assert simulator.connections == 1


async def test_a_cancelled_request_is_remembered_without_status(simulator, ask):
    """A client that goes away leaves no request in flight."""
    simulator.behaviour.latency_s = 30
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await ask(TOP_UP)
    async with asyncio.timeout(10):  # the latency is 30 s
        while simulator.in_flight:
            await asyncio.sleep(0.01)
    assert simulator.requests[0].status is None


async def test_time_passes_on_demand(simulator, ask):
    """Today's usage grows, new days begin, and later deposits are dated later."""
    today, newest = simulator.history_rows()[0], simulator.top_up_rows()[0]
    simulator.advance(seconds=3600)
    assert int(simulator.history_rows()[0]["total_amount"]) > int(today["total_amount"])
    simulator.advance(days=2)
    assert simulator.now == datetime(2026, 11, 23, 13, tzinfo=UTC)
    assert (await ask("/api/billing/historyUsage")).data["total_days"] == 62
    simulator.add_top_ups(2)
    first, second, third = simulator.top_up_rows()[:3]
    assert first["created_at"] > second["created_at"] >= "2026-11-23T13:00:00"
    assert third == newest


async def test_a_million_rows_cost_nothing_until_they_are_asked_for():
    """The rows of a huge list are not made at the start, nor for a window at its end or a removal."""
    with counted_calls() as calls:
        async with Simulator(top_ups=1_000_000) as simulator:
            body = await fetch(simulator, f"{TOP_UP}?offset=999990&limit=1000")
            simulator.remove_top_up(500_000)
            assert body.count(b'"id"') == 10
    assert calls.number < 1_000_000


async def test_wrong_use_is_told():
    """Starting twice, asking a stopped one for its address, and a naive clock are refused."""
    simulator = Simulator()
    with pytest.raises(RuntimeError, match="async with"):
        _ = simulator.url
    async with simulator:
        with pytest.raises(RuntimeError, match="already"):
            await simulator.start()
        taken = Simulator(port=simulator.port)
        with pytest.raises(OSError):
            await taken.start()
    await simulator.stop()
    with pytest.raises(ValueError, match="aware"):
        Simulator(now=datetime(2026, 1, 1))  # noqa: DTZ001


async def test_a_port_can_be_chosen():
    """The simulator listens on the requested port."""
    with reserved_port() as port:
        async with Simulator(port=port) as simulator:
            assert simulator.url == f"http://127.0.0.1:{port}"


def test_importing_the_package_loads_no_server():
    """Neither the package nor its pytest plugin loads aiohttp until a simulator is created."""
    code = (
        "import sys, aiozbilling.simulator, aiozbilling.simulator.pytest_plugin; "
        "assert not [name for name in sys.modules if name.startswith('aiohttp')]; "
        "from aiozbilling.simulator import *; assert 'aiohttp.web' in sys.modules; "
        "ours = {name.partition('.')[2].partition('.')[0] for name in sys.modules if name.startswith('aiozbilling.')}; "
        "assert ours == {'simulator', 'lazy'}, ours"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_names_are_attribute_errors():
    """The lazy package behaves like any module."""
    import aiozbilling.simulator

    with pytest.raises(AttributeError, match="Simulatr"):
        _ = aiozbilling.simulator.Simulatr
