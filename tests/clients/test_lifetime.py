"""Loops, tasks and endings."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable

import pytest

from aiozbilling import AiozBilling
from aiozbilling.simulator import Simulator


def run(program: str) -> str:
    """Run a program with every warning an error and asyncio's debug mode on, and give what it printed."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


@pytest.mark.parametrize(
    "ending", ["async with billing: return await billing.this_month_usage()", "return await billing.this_month_usage()"]
)
def test_one_client_serves_three_event_loops(ending: str) -> None:
    """A client built outside any loop works in three asyncio.run calls, closed by hand or not, without a warning."""
    first, _, last = ending.rpartition(": ")
    body = f"{first}:\n                    {last}" if first else last
    assert (
        run(f"""
        import asyncio
        from aiozbilling import AiozBilling
        from aiozbilling.simulator import Simulator

        simulator = Simulator(port=0)
        billing = None

        async def main():
            global billing
            async with simulator:
                if billing is None:
                    simulator._port = simulator.port
                    billing = AiozBilling(token=simulator.token, base_url=simulator.url)
                {body}

        print(len({{asyncio.run(main()) for _ in range(3)}}))
    """)
        == "1\n"
    )


def test_a_client_that_is_never_closed_leaves_no_warning() -> None:
    """A script that forgets to close, breaks out of a list and lets the client go ends silently."""
    assert (
        run("""
        import asyncio
        from aiozbilling import AiozBilling
        from aiozbilling.simulator import Simulator

        async def main():
            async with Simulator() as simulator:
                billing = AiozBilling(token=simulator.token, base_url=simulator.url)
                async for top_up in billing.top_ups(page_size=10):
                    break
                del billing

        asyncio.run(main())
        print("ended")
    """)
        == "ended\n"
    )


async def test_two_hundred_tasks_share_a_client(billing_simulator: Simulator) -> None:
    """200 tasks at once read their lists through one client, each the whole of it."""
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url, rate_limit=None) as billing:
        lists = await asyncio.gather(*(billing.top_ups(page_size=100).collect() for _ in range(200)))
    truth = billing_simulator.top_up_ids()
    assert all([row.id for row in rows] == truth for rows in lists)


async def test_a_client_that_was_closed_can_be_used_again(billing_simulator: Simulator) -> None:
    """After close a call opens new connections."""
    billing = AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url)
    for _ in range(2):
        async with billing:
            await billing.this_month_usage()
    await billing.close()


async def test_a_client_let_go_closes_its_connections(billing_simulator: Simulator) -> None:
    """A client that is garbage leaves no open session and no warning."""
    billing = AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url)
    await billing.this_month_usage()
    del billing
    gc.collect()
    await asyncio.sleep(0.05)
    gc.collect()


@pytest.mark.parametrize("steps", range(12))
async def test_cancellation_at_any_step_ends_the_call(
    steps: int, billing_simulator: Simulator, tasks_left: Callable[[], Awaitable[list[object]]]
) -> None:
    """Cancelled after any number of loop steps a call ends as cancelled, and the client works on."""
    billing_simulator.behaviour.latency_s = 0.01
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url) as billing:
        task = asyncio.create_task(billing.this_month_usage())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await billing.this_month_usage()
    assert await tasks_left() == []


async def test_a_timeout_of_the_callers_is_a_timeout(billing_simulator: Simulator) -> None:
    """asyncio.timeout around a call ends it at once, as TimeoutError of the caller's."""
    billing_simulator.behaviour.latency_s = 5
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url) as billing:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await billing.this_month_usage()
