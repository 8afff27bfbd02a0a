"""Shared answers: one fetch per key, even if callers leave; old answers while the provider fails; bounds."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from collections import Counter

import pytest

from aiozbilling import (
    AuthenticationError,
    CallTimeoutError,
    ClientClosedError,
    ConfigurationError,
    PermissionDeniedError,
    RateLimit,
    RateLimitedError,
    RetryPolicy,
    ServerError,
)
from aiozbilling.web import Shared

ONCE = RetryPolicy(attempts=1)


async def until_idle(provider):
    """Let a refresh begin, and wait until it has ended."""
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while provider.running:
            await asyncio.sleep(0.001)


async def test_many_requests_cost_one_fetch(provider):
    """Requests at the same time share a fetch, later ones reuse its answer; another key has its own."""
    provider.seconds = 0.02
    async with Shared() as shared:
        answers = await asyncio.gather(*(shared.get("month", provider) for _ in range(50)))
        assert answers == [1] * 50
        assert await shared.get("month", provider) == 1
        assert await shared.get("other", provider) == 2


async def test_a_waiter_that_leaves_cancels_nothing(provider):
    """If the request that started the fetch and half of the others leave, the rest get the answer of the same fetch."""
    provider.seconds = 0.05
    async with Shared() as shared:
        waiters = [asyncio.create_task(shared.get("k", provider)) for _ in range(20)]
        await asyncio.sleep(0.01)
        for waiter in waiters[:10]:
            waiter.cancel()
        assert await asyncio.gather(*waiters[10:]) == [1] * 10
        assert provider.calls == 1


async def test_an_answer_is_there_after_everybody_left(provider):
    """If all requests leave, the fetch continues, and the next request gets its answer."""
    provider.seconds = 0.02
    async with Shared() as shared:
        waiter = asyncio.create_task(shared.get("k", provider))
        await asyncio.sleep(0.01)
        waiter.cancel()
        await asyncio.sleep(0.03)
        assert await shared.get("k", provider) == 1
        assert provider.calls == 1


async def test_an_old_answer_is_served_while_it_is_refreshed(provider):
    """After `max_age_s`, the old answer is returned at once, and the new one after the refresh."""
    async with Shared(max_age_s=0.01) as shared:
        assert await shared.get("k", provider) == 1
        await asyncio.sleep(0.02)
        provider.seconds = 0.02
        assert [await shared.get("k", provider) for _ in range(3)] == [1, 1, 1]
        await until_idle(provider)
        assert await shared.get("k", provider) == 2
        assert provider.calls in (2, 3)


@pytest.mark.parametrize(
    "error", [ServerError(status=503), RateLimitedError(status=429), CallTimeoutError("slow"), CallTimeoutError()]
)
async def test_an_old_answer_is_served_while_the_provider_fails(provider, error):
    """When a refresh fails in a way that may pass, requests get the old answer; then they get the new one."""
    async with Shared(max_age_s=0.01, negative_s=0.1) as shared:
        assert await shared.get("k", provider) == 1
        provider.error = error
        await asyncio.sleep(0.02)
        assert [await shared.get("k", provider) for _ in range(5)] == [1] * 5
        await until_idle(provider)
        assert [await shared.get("k", provider) for _ in range(5)] == [1] * 5
        assert provider.calls == 2, "a failed fetch is not repeated at once"
        provider.error = None
        await asyncio.sleep(0.11)
        await shared.get("k", provider)
        await until_idle(provider)
        assert await shared.get("k", provider) == 3


async def test_an_answer_that_is_too_old_is_not_served(provider):
    """Beyond `stale_s` the failure is raised."""
    async with Shared(max_age_s=0.01, stale_s=0.02) as shared:
        await shared.get("k", provider)
        provider.error = ServerError(status=500)
        await asyncio.sleep(0.03)
        with pytest.raises(ServerError):
            await shared.get("k", provider)


@pytest.mark.parametrize("error", [AuthenticationError(status=401), PermissionDeniedError(status=403)])
async def test_nothing_old_is_served_to_a_revoked_account(provider, error):
    """After a 401 or 403, the old answer is no longer returned, even if the provider fails next."""
    async with Shared(max_age_s=0.01, negative_s=0.1) as shared:
        await shared.get("k", provider)
        provider.error = error
        await asyncio.sleep(0.02)
        await shared.get("k", provider)  # refreshes
        await until_idle(provider)
        with pytest.raises(type(error)):
            await shared.get("k", provider)
        provider.error = ServerError(status=500)
        await asyncio.sleep(0.11)
        with pytest.raises(ServerError):
            await shared.get("k", provider)


async def test_an_error_is_shared_too(provider):
    """Requests get copies of one error, whose traceback does not grow, and no fetch starts for `negative_s`."""
    provider.error = ServerError("down", status=500, endpoint="GET /x")
    async with Shared(negative_s=0.05) as shared:
        errors = await asyncio.gather(*(shared.get("k", provider) for _ in range(20)), return_exceptions=True)
        assert provider.calls == 1
        assert len({id(error) for error in errors}) == 20
        assert {str(error) for error in errors} == {str(provider.error)}
        assert provider.error.__traceback__ is None
        await asyncio.sleep(0.06)
        with pytest.raises(ServerError):
            await shared.get("k", provider)
        assert provider.calls == 2


async def test_a_bug_in_the_fetch_reaches_the_request(provider):
    """An error that is none of this library's is raised as it is, and nothing old is served."""
    provider.error = ZeroDivisionError("bug")
    async with Shared() as shared:
        for _ in range(3):
            with pytest.raises(ZeroDivisionError, match="bug"):
                await shared.get("k", provider)


async def test_a_hanging_fetch_delays_no_other_request(provider):
    """A request waits `wait_s` at most, the next one starts another fetch, and its answer ends the hanging one."""
    provider.seconds = 60
    async with Shared(wait_s=0.2) as shared:
        with pytest.raises(CallTimeoutError, match=r"0\.2 s"):
            await shared.get("k", provider)
        provider.seconds = 0
        assert await shared.get("k", provider) == 2
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert provider.running == 0


async def test_a_slow_answer_is_used_when_it_comes(provider):
    """A fetch that takes longer than `wait_s` continues, and its answer is used although a second one was started."""
    provider.seconds = 0.3
    async with Shared(wait_s=0.2) as shared:
        with pytest.raises(CallTimeoutError):
            await shared.get("k", provider)
        assert await shared.get("k", provider) == 1


async def test_a_fetch_that_ends_late_keeps_no_other_from_starting(provider):
    """When the first of several hanging fetches times out, the next request still starts a new one."""
    provider.seconds = 60
    async with Shared(wait_s=0.05, fetch_s=0.13) as shared:
        for _ in range(3):
            with pytest.raises(CallTimeoutError, match="no answer"):
                await shared.get("k", provider)
        provider.seconds = 0
        assert await shared.get("k", provider) == 4


async def test_a_refusal_ends_the_other_fetches(provider):
    """A 401 decides at once, even while an earlier fetch hangs."""
    provider.seconds = 60
    async with Shared(wait_s=0.2) as shared:
        with pytest.raises(CallTimeoutError):
            await shared.get("k", provider)
        provider.seconds, provider.error = 0, AuthenticationError(status=401)
        with pytest.raises(AuthenticationError):
            await shared.get("k", provider)
        await until_idle(provider)


async def test_a_fetch_ends_after_its_time(provider):
    """After `fetch_s` a fetch is cancelled and counts as a timeout."""
    provider.seconds = 60
    async with Shared(wait_s=5, fetch_s=0.02) as shared:
        with pytest.raises(CallTimeoutError, match=r"longer than 0\.02 s"):
            await shared.get("k", provider)
        assert provider.running == 0


async def test_keys_are_bounded(provider):
    """The least recently used keys are dropped; one that is fetched now is kept."""
    async with Shared(max_entries=10) as shared:
        for key in range(100):
            await shared.get(key, provider)
        assert len(shared) == 10
        calls = provider.calls
        await shared.get(99, provider)
        assert provider.calls == calls
        await shared.get(0, provider)
        assert provider.calls == calls + 1


async def test_keys_are_bounded_again_after_many_fetches_at_once(provider):
    """More keys than allowed, while all are fetched, are dropped when the next key comes."""
    provider.seconds = 0.02
    async with Shared(max_entries=10) as shared:
        await asyncio.gather(*(shared.get(key, provider) for key in range(100)))
        await shared.get("next", provider)
        assert len(shared) == 10


async def test_a_forgotten_key_is_not_answered_by_an_earlier_fetch(provider, tasks_left):
    """After `forget`, a fetch that began before answers only who waits for it; closing ends it too."""
    provider.seconds = 0.05
    async with Shared() as shared:
        earlier = asyncio.create_task(shared.get("k", provider))
        await asyncio.sleep(0.01)
        shared.forget("k")
        assert await asyncio.gather(shared.get("k", provider), earlier) == [2, 1]
        assert await shared.get("k", provider) == 2
        provider.seconds = 60
        earlier = asyncio.create_task(shared.get("other", provider))
        await asyncio.sleep(0.01)
        shared.forget("other")
    with pytest.raises(ClientClosedError):
        await earlier
    assert await tasks_left() == []


async def test_another_event_loop_is_refused(provider):
    """A request in another event loop gets an error, since it would wait forever for a fetch of this one."""
    provider.seconds = 0.05
    async with Shared() as shared:
        waiter = asyncio.create_task(shared.get("k", provider))
        await asyncio.sleep(0.01)
        with pytest.raises(ConfigurationError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, shared.get("k", provider))
        assert await waiter == 1


def test_one_event_loop_after_another_uses_the_answers(provider):
    """Answers outlive their event loop; a fetch that its end interrupted does not block the key."""
    shared = Shared()

    async def left() -> None:
        provider.seconds = 0
        await shared.get("kept", provider)
        waiter = asyncio.create_task(shared.get("lost", provider))
        await asyncio.sleep(0)
        waiter.cancel()

    asyncio.run(left())
    assert asyncio.run(shared.get("kept", provider)) == 1
    assert asyncio.run(shared.get("lost", provider)) == provider.calls


@pytest.mark.parametrize("is_used_again", [True, False])
def test_an_event_loop_that_was_closed_during_fetches_is_forgotten(provider, is_used_again):
    """Fetches of a loop that was closed without an end of its tasks don't disturb the next loop, nor the closing."""
    provider.seconds = 60
    shared = Shared()

    async def left() -> list[asyncio.Task[int]]:
        waiting = [asyncio.create_task(shared.get(key, provider)) for key in ("forgotten", "kept")]
        await asyncio.sleep(0.01)
        shared.forget("forgotten")
        return waiting

    async def later() -> None:
        provider.seconds = 0
        async with shared:
            if is_used_again:
                assert await shared.get("kept", provider) == provider.calls

    with contextlib.closing(asyncio.new_event_loop()) as first:
        first.set_exception_handler(lambda *_: None)  # of tasks that are destroyed before their end
        waiting = first.run_until_complete(left())
    asyncio.run(later())
    assert not any(task.done() for task in waiting)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks are new in Python 3.12")
async def test_eager_tasks(provider):
    """With eager tasks, a fetch that ends at once does not count as running: others follow, and it may be dropped."""

    async def at_once() -> int:
        provider.calls += 1
        return provider.calls

    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    async with Shared(max_age_s=1e-9, stale_s=1e-9, max_entries=2) as shared:
        answers = []
        for _ in range(3):
            answers.append(await shared.get("k", at_once))
            await asyncio.sleep(0.001)  # the clock of tests counts no time in which the loop is busy
        assert answers == [1, 2, 3]
        for key in range(10):
            await shared.get(key, at_once)
        assert len(shared) == 2


async def test_a_key_can_be_forgotten(provider):
    """After `forget` the next request fetches; forgetting an unknown key does nothing."""
    async with Shared() as shared:
        await shared.get("k", provider)
        shared.forget("k")
        shared.forget("unknown")
        assert await shared.get("k", provider) == 2


async def test_closing_ends_fetches_and_waiters(provider, tasks_left):
    """After `close` no task is left, waiters and later requests get an error, and closing again does nothing."""
    provider.seconds = 60
    shared = Shared(wait_s=5)
    waiters = [asyncio.create_task(shared.get(key, provider)) for key in "aab"]
    await asyncio.sleep(0.01)
    await shared.close()
    results = await asyncio.gather(*waiters, return_exceptions=True)
    assert Counter(type(result) for result in results) == {ClientClosedError: 3}
    with pytest.raises(ClientClosedError, match="shutting down"):
        await shared.get("a", provider)
    await shared.close()
    assert await tasks_left() == []


async def test_closing_before_a_fetch_began_leaves_no_waiter(provider):
    """A fetch that is cancelled before its first step ends its waiters too."""
    shared = Shared(wait_s=5)
    waiter = asyncio.create_task(shared.get("k", provider))
    await asyncio.sleep(0)
    await shared.close()
    with pytest.raises(ConfigurationError):
        await waiter
    assert provider.calls == 0


async def test_an_error_that_nobody_waits_for_is_not_logged(provider, caplog):
    """A refresh that fails in the background logs nothing about exceptions that were never retrieved."""
    provider.error = ServerError(status=500)
    async with Shared() as shared:
        waiter = asyncio.create_task(shared.get("k", provider))
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.sleep(0.01)
    del waiter
    gc.collect()
    await asyncio.sleep(0)
    assert caplog.records == []


async def test_a_call_instead_of_a_function_is_named(provider):
    """A coroutine instead of a function is an error that names it, and the next call with a function works."""
    async with Shared() as shared:
        call = provider()
        with pytest.raises(ConfigurationError, match="fetch must be a function without arguments, not a coroutine"):
            await shared.get("k", call)
        call.close()
        assert await shared.get("k", provider) is not None


@pytest.mark.parametrize("name", ["max_age_s", "stale_s", "wait_s", "negative_s", "fetch_s", "max_entries"])
@pytest.mark.parametrize("wrong", [0, -1, "1", None, True, float("nan")])
def test_wrong_numbers_are_refused(name, wrong):
    """Each setting must be a positive number."""
    with pytest.raises(ConfigurationError, match=name):
        Shared(**{name: wrong})


async def test_a_month_for_many_requests(simulator, billing):
    """300 requests for one account's month at the default rate limit cost one request to the provider."""
    async with Shared() as shared:
        months = await asyncio.gather(*(shared.get("month", billing.this_month_usage) for _ in range(300)))
    assert len({id(month) for month in months}) == 1
    assert len(simulator.requests) == 1


async def test_our_own_rate_limit_counts_as_a_failure_that_passes(simulator):
    """When the library's rate limit allows no refresh, requests still get the old answer at once."""
    from aiozbilling import AiozBilling

    keys = {"api_key": simulator.api_key, "secret_key": simulator.secret_key, "base_url": simulator.url}
    async with AiozBilling(**keys, retry=ONCE, rate_limit=RateLimit(1, per_s=60)) as billing:
        async with Shared(max_age_s=0.01, wait_s=5) as shared:
            month = await shared.get("month", billing.this_month_usage)
            await asyncio.sleep(0.02)
            assert await shared.get("month", billing.this_month_usage) is month
            await asyncio.sleep(0.02)
            assert await shared.get("month", billing.this_month_usage) is month
    assert len(simulator.requests) == 1
