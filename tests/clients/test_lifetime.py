"""Clients and event loops, tasks, closing and cancellation."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable

import pytest

from aiozbilling import AiozBilling, Attempt, CallEvent, ClientClosedError, RateLimit, RetryPolicy
from aiozbilling.simulator import Simulator
from tests.simulated import reserved_port

# On a busy machine asyncio's debug mode reports callbacks that were slow: no test says how long one takes.
PATIENT = """
import logging
logging.getLogger("asyncio").addFilter(lambda record: " took " not in record.getMessage())
"""


def run(program: str) -> str:
    """Run a program with warnings as errors and asyncio's debug mode, and return its output."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PATIENT + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def test_one_client_serves_three_event_loops() -> None:
    """A client built outside any loop works in three asyncio.run calls, without a warning."""
    with reserved_port() as port:
        program = f"""
        import asyncio
        from aiozbilling import AiozBilling
        from aiozbilling.simulator import Simulator

        billing = None

        async def main():
            global billing
            async with Simulator(port={port}) as simulator:
                if billing is None:
                    billing = AiozBilling(token=simulator.token, base_url=simulator.url)
                return await billing.this_month_usage()

        print(len({{asyncio.run(main()) for _ in range(3)}}))
        """
        assert run(program) == "1\n"


@pytest.mark.parametrize("times", [2, pytest.param(15, marks=pytest.mark.slow)])
def test_a_client_let_go_as_the_loop_ends_leaves_no_task(times: int) -> None:
    """A client that is created in a function and never closed prints nothing when the loop ends (Python 3.11)."""
    assert (
        run(f"""
        import asyncio
        from aiozbilling import AiozBilling
        from aiozbilling.simulator import Simulator

        async def main(simulator):
            async def used():
                billing = AiozBilling(token=simulator.token, base_url=simulator.url)
                await billing.this_month_usage()
            async with simulator:
                await used()
                await asyncio.gather(used(), used())
            billing = AiozBilling(token="x" * 20, base_url="http://127.0.0.1:9", retry=None)

        async def last(simulator):
            await simulator.start()
            billing = AiozBilling(token=simulator.token, base_url=simulator.url)
            await billing.this_month_usage()
            await simulator.stop()

        for _ in range({times}):
            asyncio.run(main(Simulator()))
            asyncio.run(last(Simulator()))
        print("ended")
    """)
        == "ended\n"
    )


def test_a_client_that_is_never_closed_leaves_no_warning() -> None:
    """A script that leaves a list early and deletes the client without closing it ends silently."""
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


@pytest.mark.parametrize("tasks", [30, pytest.param(200, marks=pytest.mark.slow)])
async def test_many_tasks_share_a_client(billing_simulator: Simulator, tasks: int) -> None:
    """Many tasks at the same time read whole lists with one client."""
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url, rate_limit=None) as billing:
        lists = await asyncio.gather(*(billing.top_ups(page_size=100).collect() for _ in range(tasks)))
    truth = billing_simulator.top_up_ids()
    assert all([row.id for row in rows] == truth for rows in lists)


async def test_nothing_begins_after_close(billing_simulator: Simulator) -> None:
    """After close, calls, walks and follows of the client and of derived clients raise, and no request is sent."""
    billing = AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url)
    other = billing.with_credentials(token=billing_simulator.token, account="other")
    hasty = other.with_options(timeout=1)
    walk = billing.top_ups(page_size=10).pages()
    await anext(walk)
    await billing.close()
    asked = len(billing_simulator.requests)
    for client in (billing, other, hasty, billing.with_options(timeout=2)):
        with pytest.raises(ClientClosedError, match="the client is closed"):
            await client.this_month_usage()
        with pytest.raises(ClientClosedError):
            await anext(client.top_ups().follow())
    with pytest.raises(ClientClosedError):
        async for _ in walk:
            pass
    await billing.close()
    assert len(billing_simulator.requests) == asked


async def test_closing_a_derived_client_does_not_close_its_parent(billing_simulator: Simulator) -> None:
    """Closing a client of with_credentials or with_options ends its own calls only."""
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url) as billing:
        async with billing.with_options(timeout=5) as other:
            await other.this_month_usage()
        with pytest.raises(ClientClosedError):
            await other.this_month_usage()
        await billing.this_month_usage()


async def test_close_ends_what_runs(
    billing_simulator: Simulator, tasks_left: Callable[[], Awaitable[list[object]]]
) -> None:
    """A call in flight, one that waits for the rate limit and one between two attempts end at once."""
    billing = AiozBilling(
        token=billing_simulator.token,
        base_url=billing_simulator.url,
        rate_limit=RateLimit(2, per_s=1000),
        deadline=None,
        retry=RetryPolicy(wait_s=100, max_wait_s=100),
    )
    failing = billing.with_credentials(token=billing_simulator.token + "x")
    billing_simulator.fail("connection-dropped")
    billing_simulator.behaviour.latency_s = 50
    calls = [asyncio.create_task(client.this_month_usage()) for client in (billing, billing, billing, failing)]
    await asyncio.sleep(0.2)
    async with asyncio.timeout(10):  # the calls take 50 s and more
        await billing.close()
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [ClientClosedError] * 4
    assert await tasks_left() == []


@pytest.mark.parametrize("waits_for", ["credentials", "pause before a retry"])
async def test_a_call_whose_wait_ends_at_the_moment_of_closing_ends(
    waits_for: str, billing_simulator: Simulator
) -> None:
    """A call whose wait ends in the same step of the loop as the client is closed sends no request any more."""
    simulator, go = billing_simulator, asyncio.get_running_loop().create_future()

    async def credentials() -> str:
        if waits_for == "credentials":
            await go
        return simulator.token

    billing = AiozBilling(credentials=credentials, base_url=simulator.url, rate_limit=None, deadline=None)
    if waits_for == "pause before a retry":
        simulator.fail("http-500")
        billing._exchange.sleep = lambda _: go
    call = asyncio.create_task(billing.this_month_usage())
    await asyncio.sleep(0.1)
    sent = len(simulator.requests)
    go.set_result(None)
    simulator.behaviour.latency_s = 50
    async with asyncio.timeout(10):
        await billing.close()
    with pytest.raises(ClientClosedError):
        await call
    assert len(simulator.requests) == sent


async def test_running_calls_may_finish(billing_simulator: Simulator) -> None:
    """With grace_s, calls that were sent finish, those that wait for the rate limit end at once, and none begins."""
    billing_simulator.behaviour.latency_s = 0.2
    billing = AiozBilling(
        token=billing_simulator.token,
        base_url=billing_simulator.url,
        rate_limit=RateLimit(1, per_s=1000),
        deadline=None,
    )
    sent, waiting = (asyncio.create_task(billing.this_month_usage()) for _ in range(2))
    await asyncio.sleep(0.05)
    closing = asyncio.create_task(billing.close(grace_s=10))
    with pytest.raises(ClientClosedError):
        await waiting
    assert not sent.done()
    with pytest.raises(ClientClosedError):
        await billing.this_month_usage()
    async with asyncio.timeout(5):
        await closing
    assert (await sent).total_cost_usd is not None


async def test_a_cancelled_attempt_is_reported(billing_simulator: Simulator) -> None:
    """on_attempt and on_event report a call that its caller cancels."""
    attempts: list[Attempt] = []
    events: list[CallEvent] = []
    billing_simulator.behaviour.latency_s = 5
    async with AiozBilling(
        token=billing_simulator.token,
        base_url=billing_simulator.url,
        on_attempt=attempts.append,
        on_event=events.append,
    ) as billing:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await billing.this_month_usage()
    assert [attempt.error for attempt in attempts] == ["CancelledError"]
    assert [(event.outcome, event.attempts) for event in events] == [("cancelled", 1)]


def test_with_says_async_with() -> None:
    """The error for a client in a plain `with` says what to write."""
    with pytest.raises(TypeError, match="async with"), AiozBilling(token="x" * 20):
        pass


async def test_a_client_let_go_closes_its_connections(billing_simulator: Simulator) -> None:
    """After a client is garbage-collected, the server sees the end of its connection, without a warning."""
    billing = AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url)
    await billing.this_month_usage()
    assert billing_simulator._runner is not None
    server = billing_simulator._runner.server
    assert server is not None
    assert len(server.connections) == 1
    del billing
    gc.collect()
    async with asyncio.timeout(60):
        while server.connections:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("steps", range(12))
async def test_cancellation_at_any_step_ends_the_call(
    steps: int, billing_simulator: Simulator, tasks_left: Callable[[], Awaitable[list[object]]]
) -> None:
    """A call that is cancelled after any number of loop steps ends as cancelled, and the client stays usable."""
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
    """asyncio.timeout around a call ends it at once with the caller's TimeoutError."""
    billing_simulator.behaviour.latency_s = 5
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url) as billing:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await billing.this_month_usage()
