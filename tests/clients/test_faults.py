"""Every fault of the simulator, with every system."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable

import pytest

from aiozbilling import (
    AiozBilling,
    AiozBillingError,
    ApiError,
    AuthenticationError,
    B3osBilling,
    BadRequestError,
    BodyTooLargeError,
    CallTimeoutError,
    ConnectError,
    DecodeError,
    MeteredBilling,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
    RedirectError,
    RejectedError,
    RetryPolicy,
    ServerError,
)
from aiozbilling.clients.client import Client
from aiozbilling.simulator import Fault, Simulator
from tests.clients.conftest import Serve

ATTEMPTS = 3
NO_EXTENSIONS = bool(os.environ.get("AIOHTTP_NO_EXTENSIONS"))
# The result of each fault and the number of requests; None is success.
OUTCOMES: dict[str, tuple[type[AiozBillingError] | None, int]] = {
    "http-400": (BadRequestError, 1),
    "http-401": (AuthenticationError, 1),
    "http-403": (PermissionDeniedError, 1),
    "http-404": (NotFoundError, 1),
    "http-408": (ApiError, ATTEMPTS),
    "http-418": (ApiError, 1),
    "http-422": (BadRequestError, 1),
    "http-425": (ApiError, ATTEMPTS),
    "http-429": (RateLimitedError, ATTEMPTS),
    "http-500": (ServerError, ATTEMPTS),
    "http-502": (ServerError, ATTEMPTS),
    "http-503": (ServerError, ATTEMPTS),
    "http-504": (ServerError, ATTEMPTS),
    "rejected-in-200": (RejectedError, 1),
    "rejected-with-data": (RejectedError, 1),
    "echoed-credentials": (BadRequestError, 1),
    "echoed-in-200": (DecodeError, 2),
    "connection-dropped": (ConnectError, ATTEMPTS),
    "connection-reset": (ConnectError, ATTEMPTS),
    "dropped-after-headers": (ConnectError, ATTEMPTS),
    "truncated-body": (ConnectError, ATTEMPTS),
    "dripping-body": (CallTimeoutError, ATTEMPTS),
    "hang": (CallTimeoutError, ATTEMPTS),
    "hang-after-headers": (CallTimeoutError, ATTEMPTS),
    "gigantic-body": (BodyTooLargeError, 1),
    "gigantic-length": (BodyTooLargeError, 1),
    "gzip-bomb": (BodyTooLargeError, 1),
    "broken-gzip": (ProtocolError, 1),
    "invalid-json": (DecodeError, 2),
    "invalid-utf8": (DecodeError, 2),
    "lone-surrogate": (DecodeError, 2),
    "not-a-number": (DecodeError, 2),
    "deep-nesting": (DecodeError, 1),
    "wrong-shape": (DecodeError, 1),
    "no-data": (DecodeError, 1),
    "json-null": (DecodeError, 1),
    "html-in-200": (DecodeError, 2),
    "empty-200": (DecodeError, 2),
    "no-content": (DecodeError, 2),
    # Without its C extensions aiohttp waits for the end of the line, and sees a lost connection.
    "not-http": (ConnectError, ATTEMPTS) if NO_EXTENSIONS else (ProtocolError, 1),
    "huge-headers": (ProtocolError, 1),
    "redirect-to-other-host": (RedirectError, 1),
    "redirect-to-other-port": (RedirectError, 1),
    "redirect-to-other-scheme": (RedirectError, 1),
    "redirect-loop": (RedirectError, 4),
    "redirect-307": (None, 2),
    "redirect-without-location": (RedirectError, 1),
    "empty-list": (None, 1),  # concerns lists only
    "total-collapse": (None, 1),
}


def test_every_fault_has_an_outcome() -> None:
    """The table names each fault of the simulator, and no other."""
    assert set(OUTCOMES) == {fault.value for fault in Fault}


def calls(simulator: Simulator, timeout: float) -> dict[str, tuple[Client, Callable[[], Awaitable[object]]]]:
    retry = RetryPolicy(attempts=ATTEMPTS, wait_s=0.001, throttled_wait_s=0.001)
    settings = {"timeout": timeout, "deadline": 60.0, "retry": retry, "max_body": 2**20}
    aioz = AiozBilling(token=simulator.token, base_url=simulator.url, rate_limit=None, **settings)  # type: ignore[arg-type]
    b3os = B3osBilling(token=simulator.b3os_token, base_url=simulator.url, **settings)  # type: ignore[arg-type]
    metered = MeteredBilling(simulator.url, token=simulator.metered_token, **settings)  # type: ignore[arg-type]
    return {
        "aioz": (aioz, aioz.this_month_usage),
        "b3os": (b3os, lambda: b3os.cu_usage(simulator.organization, "2026-10")),
        "metered": (metered, metered.usage),
    }


@pytest.mark.parametrize("fault", list(Fault), ids=str)
async def test_a_lasting_fault_ends_in_its_error(
    fault: Fault, billing_simulator: Simulator, tasks_left: Callable[[], Awaitable[list[object]]]
) -> None:
    """Each fault ends in the right error after the right number of requests, without open connections."""
    expected, requests = OUTCOMES[fault.value]
    timeout = 0.04 if expected is CallTimeoutError else 2.0
    for system, (client, call) in calls(billing_simulator, timeout).items():
        billing_simulator.requests.clear()
        billing_simulator.fail(fault, times=20 if expected else 1)
        async with asyncio.timeout(60), client:
            if expected is None:
                await call()
            else:
                with pytest.raises(expected) as caught:
                    await call()
                assert type(caught.value) is expected
                assert caught.value.__context__ is None
                attempts = getattr(caught.value, "attempts")  # noqa: B009
                assert attempts == (1 if requests == 4 else requests), system
        billing_simulator.forgive()
        assert len(billing_simulator.requests) == requests, system
    assert await tasks_left() == []


PASSING = [name for name, (kind, requests) in OUTCOMES.items() if kind is not None and requests in (2, ATTEMPTS)]


@pytest.mark.parametrize("fault", PASSING)
async def test_a_passing_fault_is_survived(fault: str, billing_simulator: Simulator) -> None:
    """A fault that passes after one request costs one more request, and the rows are right."""
    retry = RetryPolicy(wait_s=0.001, throttled_wait_s=0.001)
    async with AiozBilling(
        token=billing_simulator.token, base_url=billing_simulator.url, timeout=0.3, retry=retry, rate_limit=None
    ) as billing:
        billing_simulator.fail(Fault(fault))
        rows = await billing.top_ups(page_size=100).collect()
    assert [row.id for row in rows] == billing_simulator.top_up_ids()
    assert len(billing_simulator.requests) == 4


@pytest.mark.parametrize("body", ["json", "html", "text"])
@pytest.mark.parametrize("status", [500, 404, 401, 429])
async def test_error_bodies_in_any_form_have_a_message(status: int, body: str, billing_simulator: Simulator) -> None:
    """An error has the server's message, whether the body is JSON, HTML or text, and never markup."""
    billing_simulator.fail(Fault(f"http-{status}"), body=body)  # type: ignore[arg-type]
    async with AiozBilling(
        token=billing_simulator.token, base_url=billing_simulator.url, retry=RetryPolicy(attempts=1)
    ) as billing:
        with pytest.raises(ApiError) as caught:
            await billing.this_month_usage()
    assert caught.value.status == status
    assert caught.value.message
    assert "<" not in str(caught.value)


async def test_a_servers_words_are_printable_in_an_error(serve: Serve) -> None:
    """An error has no control characters of the server, which a terminal or a log viewer would execute."""
    month, odd = "/api/billing/thisMonthUsage", "\x1b[31mred\x07\u202e\r\nnext line"
    for status, body in ((400, {"message": odd, "code": odd, "requestId": odd}), (200, {"status": odd, "error": odd})):
        async with AiozBilling(token="t", base_url=serve(month, json.dumps(body), status)) as billing:
            with pytest.raises(ApiError) as caught:
                await billing.this_month_usage()
        assert str(caught.value).isprintable()
        assert caught.value.message == caught.value.code == "�[31mred��  next line"


@pytest.mark.parametrize(
    "form", ["seconds", "ms", *(pytest.param(form, marks=pytest.mark.slow) for form in ("http-date", "none"))]
)
async def test_retry_after_in_each_form_is_obeyed(form: str, billing_simulator: Simulator) -> None:
    """With any form of Retry-After, the list is read completely, and no request is sent too early."""
    billing_simulator.behaviour.rate_requests, billing_simulator.behaviour.rate_per_s = 2, 0.5
    billing_simulator.behaviour.retry_after = form  # type: ignore[assignment]
    retry = RetryPolicy(attempts=10, throttled_wait_s=0.3)
    async with AiozBilling(
        token=billing_simulator.token, base_url=billing_simulator.url, rate_limit=None, retry=retry
    ) as billing:
        rows = await billing.top_ups(page_size=100, concurrency=1).collect()
    assert [row.id for row in rows] == billing_simulator.top_up_ids()
    refused = [request for request in billing_simulator.requests if request.status == 429]
    assert refused
    if form in ("seconds", "http-date"):
        assert len(refused) <= 2


async def test_a_long_retry_after_is_raised_at_once(billing_simulator: Simulator) -> None:
    """A Retry-After of more than 60 s is raised at once, with its seconds."""
    billing_simulator.fail(Fault("http-503"), headers={"Retry-After": "61"})
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url) as billing:
        async with asyncio.timeout(20):  # the server asks for 61 s
            with pytest.raises(ServerError) as caught:
                await billing.this_month_usage()
    assert caught.value.retry_after == 61


async def test_a_pause_that_leaves_no_time_for_a_reply_is_the_error(billing_simulator: Simulator) -> None:
    """If another attempt after the pause would be cut off by the deadline, the error is the 429, not a timeout."""
    billing_simulator.behaviour.latency_s = 0.9
    billing_simulator.fail(Fault("http-429"), headers={"Retry-After": "1.2"})
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url, deadline=2.9) as billing:
        with pytest.raises(RateLimitedError) as caught:
            await billing.this_month_usage()
    assert caught.value.retry_after == 1.2


async def test_the_deadline_ends_a_call_that_goes_on_failing(billing_simulator: Simulator) -> None:
    """A call ends at its deadline, whatever the policy allows."""
    billing_simulator.fail(Fault("hang"), times=100)
    loop = asyncio.get_running_loop()
    async with AiozBilling(
        token=billing_simulator.token,
        base_url=billing_simulator.url,
        rate_limit=None,
        timeout=0.2,
        deadline=0.5,
        retry=RetryPolicy(attempts=100, wait_s=0.01),
    ) as billing:
        begun = loop.time()
        with pytest.raises(CallTimeoutError):
            await billing.this_month_usage()
        assert loop.time() - begun < 5  # the retry budget alone would end it after 10 s


async def test_a_dead_server_is_not_hammered(billing_simulator: Simulator) -> None:
    """300 calls to a dead server send at most 1.2 × as many requests, because of the retry budget."""
    billing_simulator.fail(Fault("http-500"), times=10_000)
    retry = RetryPolicy(wait_s=0.0)
    async with AiozBilling(
        token=billing_simulator.token, base_url=billing_simulator.url, rate_limit=None, retry=retry
    ) as billing:
        results = await asyncio.gather(*(billing.this_month_usage() for _ in range(300)), return_exceptions=True)
    assert all(isinstance(result, ServerError) for result in results)
    assert len(billing_simulator.requests) <= 300 + 35


async def test_nothing_is_logged_above_debug(billing_simulator: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    """Failures are reported by exceptions, not by log messages."""
    caplog.set_level(logging.INFO)
    billing_simulator.fail(Fault("connection-dropped"), times=2)
    async with AiozBilling(
        token=billing_simulator.token, base_url=billing_simulator.url, retry=RetryPolicy(wait_s=0.001)
    ) as billing:
        await billing.this_month_usage()
    assert [record for record in caplog.records if record.name.startswith("aiozbilling") and record.levelno > 10] == []
