"""Limits, retry budgets, labels and events of calls."""

from __future__ import annotations

import asyncio

import pytest

from aiozbilling import (
    AiozBilling,
    CallEvent,
    ConfigurationError,
    NotFoundError,
    NotSentError,
    RateLimit,
    RateLimitedError,
    RetryPolicy,
    ServerError,
)
from aiozbilling.simulator import Fault, Simulator


def client(simulator: Simulator, **settings: object) -> AiozBilling:
    """Return a client of the first account."""
    return AiozBilling(token=simulator.token, base_url=simulator.url, **settings)  # type: ignore[arg-type]


async def test_a_longer_wait_than_allowed_is_refused_at_once(billing_simulator: Simulator) -> None:
    """With max_wait_s a call that would wait longer for the rate limit or a pause raises NotSentError at once."""
    async with client(billing_simulator, rate_limit=RateLimit(1, per_s=50_000)) as billing:
        hasty = billing.with_options(max_wait_s=0.5)
        await hasty.this_month_usage()
        async with asyncio.timeout(60):
            with pytest.raises(NotSentError, match="the rate limit does not allow the request in time") as caught:
                await hasty.this_month_usage()
    assert caught.value.attempts == 0
    assert caught.value.retry_after is not None
    assert 40_000 < caught.value.retry_after <= 55_000
    assert len(billing_simulator.requests) == 1


async def test_a_wait_that_the_deadline_does_not_allow_is_not_sent(billing_simulator: Simulator) -> None:
    """A wait beyond the deadline is a NotSentError, which is a RateLimitedError, with the seconds to wait."""
    async with client(billing_simulator, rate_limit=RateLimit(1, per_s=50_000), deadline=100) as billing:
        await billing.this_month_usage()
        with pytest.raises(RateLimitedError) as caught:
            await billing.this_month_usage()
    assert type(caught.value) is NotSentError


async def test_options_change_only_what_they_name(billing_simulator: Simulator) -> None:
    """with_options keeps connections, limiter and budget; the original client keeps its limits."""
    async with client(billing_simulator, timeout=7, deadline=None, max_wait_s=3) as billing:
        other = billing.with_options(timeout=1, retry=RetryPolicy(attempts=1))
        assert (other._exchange.bounds.timeout_s, billing._exchange.bounds.timeout_s) == (1, 7)
        assert other._exchange.bounds.deadline_s == float("inf")
        assert other._exchange.bounds.max_wait_s == 3
        assert other._exchange.server is billing._exchange.server
        assert other._exchange.account is billing._exchange.account
        with pytest.raises(ConfigurationError, match="max_wait_s"):
            billing.with_options(max_wait_s=-1)


async def test_a_429_is_charged_to_its_account(billing_simulator: Simulator) -> None:
    """60 calls of one account with 429 do not use up the retry of another account's single 503."""
    other = billing_simulator.add_account()
    retry = RetryPolicy(wait_s=0.001, throttled_wait_s=0.0)
    billing_simulator.fail(Fault("http-429"), times=1000, account=billing_simulator.account)
    async with client(billing_simulator, rate_limit=None, retry=retry) as billing:
        await asyncio.gather(*(billing.this_month_usage() for _ in range(60)), return_exceptions=True)
        billing_simulator.fail(Fault("http-503"), account=other)
        await billing.with_credentials(token=other.token).this_month_usage()


async def test_each_call_is_one_event(billing_simulator: Simulator) -> None:
    """on_event is called once for each call, with account, endpoint, attempts, waits and outcome."""
    events: list[CallEvent] = []
    retry = RetryPolicy(attempts=2, wait_s=0.001)
    async with client(billing_simulator, on_event=events.append, account="tenant-7", retry=retry) as billing:
        billing_simulator.fail(Fault("http-500"), times=3)
        await billing.with_options(retry=RetryPolicy(attempts=4, wait_s=0.001)).this_month_usage()
        billing_simulator.fail(Fault("http-500"), times=2)
        with pytest.raises(ServerError):
            await billing.this_month_usage()
    assert [(event.account, event.endpoint, event.attempts, event.outcome, event.status) for event in events] == [
        ("tenant-7", "GET /api/billing/thisMonthUsage", 4, "ok", 200),
        ("tenant-7", "GET /api/billing/thisMonthUsage", 2, "ServerError", 500),
    ]
    assert all(event.duration_s >= event.backoff_s >= 0 for event in events)


async def test_a_refused_call_is_an_event_that_was_not_sent(billing_simulator: Simulator) -> None:
    """A call that the library's own limiter refuses has the outcome not_sent and no attempt."""
    events: list[CallEvent] = []
    limit = RateLimit(1, per_s=50_000)
    async with client(billing_simulator, on_event=events.append, rate_limit=limit, max_wait_s=0) as billing:
        await billing.this_month_usage()
        with pytest.raises(NotSentError):
            await billing.this_month_usage()
    assert [(event.outcome, event.attempts) for event in events] == [("ok", 1), ("not_sent", 0)]


async def test_a_404_shows_the_url_that_was_asked(billing_simulator: Simulator) -> None:
    """The error of a 404 contains the URL, so that a wrong base URL can be recognized."""
    async with AiozBilling(token="x" * 9, base_url=f"{billing_simulator.url}/wrong/root") as billing:
        with pytest.raises(NotFoundError, match=r"/wrong/root/api/billing/thisMonthUsage: HTTP 404"):
            await billing.this_month_usage()


def test_a_label_is_shown_and_checked() -> None:
    """A client shows its account's label; a label that is invalid in a log line is refused."""
    billing = AiozBilling(token="x" * 9, account="tenant-7")
    assert billing.account == "tenant-7"
    assert "account='tenant-7'" in repr(billing)
    with pytest.raises(ConfigurationError, match="account"):
        AiozBilling(token="x" * 9, account="two\nlines")
