"""Credentials from a function, which change."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from aiozbilling import (
    AiozBilling,
    AuthenticationError,
    B3osBilling,
    CallTimeoutError,
    ConfigurationError,
    MeteredBilling,
)
from aiozbilling.exchange.credential_source import CredentialSource
from aiozbilling.simulator import Simulator


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_expired_token_is_replaced(is_async: bool, billing_simulator: Simulator) -> None:
    """A rejected token is replaced once, also during a walk, and tasks at the same time share one call."""
    first, second = billing_simulator.account, billing_simulator.add_account(top_ups=250)
    asked: list[str] = []

    def ask() -> str:
        asked.append("")
        return (first if len(asked) == 1 else second).token

    async def ask_slowly() -> str:
        await asyncio.sleep(0.01)
        return ask()

    async with AiozBilling(
        credentials=ask_slowly if is_async else ask, base_url=billing_simulator.url, rate_limit=None
    ) as billing:
        await asyncio.gather(*(billing.this_month_usage() for _ in range(10)))
        assert len(asked) == 1
        first.is_revoked = True
        await asyncio.gather(*(billing.this_month_usage() for _ in range(10)))
        assert len(asked) == 2


async def test_a_second_refusal_is_the_error(billing_simulator: Simulator) -> None:
    """A call asks for new credentials once; a second 401 is raised."""
    billing_simulator.account.is_revoked = True
    asked = []
    async with AiozBilling(
        credentials=lambda: asked.append(1) or billing_simulator.token,  # type: ignore[func-returns-value]
        base_url=billing_simulator.url,
    ) as billing:
        with pytest.raises(AuthenticationError) as caught:
            await billing.this_month_usage()
    assert caught.value.attempts == len(asked) == 2


async def test_each_client_takes_a_function(billing_simulator: Simulator) -> None:
    """Key pairs and tokens may come from functions, for each system and each further account."""
    simulator = billing_simulator
    async with (
        AiozBilling(credentials=lambda: (simulator.api_key, simulator.secret_key), base_url=simulator.url) as aioz,
        B3osBilling(credentials=lambda: simulator.b3os_token, base_url=simulator.url) as b3os,
        MeteredBilling(simulator.url, credentials=lambda: simulator.metered_token) as metered,
    ):
        await aioz.this_month_usage()
        await aioz.with_credentials(credentials=lambda: simulator.token).this_month_usage()
        await b3os.cu_balance(simulator.organization)
        await metered.usage()
    assert [request.account for request in simulator.requests] == [simulator.account] * 4


@pytest.mark.parametrize("found", ["", None, ("a",) * 3, ("key", ""), "with blank"])
async def test_an_invalid_result_is_refused_without_showing_it(found: object, billing_simulator: Simulator) -> None:
    """If the function returns something else, a ConfigurationError without its text is raised before any request."""
    async with AiozBilling(credentials=lambda: found, base_url=billing_simulator.url) as billing:  # type: ignore[arg-type, return-value]
        with pytest.raises(ConfigurationError):
            await billing.this_month_usage()
    assert billing_simulator.requests == []


async def test_an_error_of_the_function_is_raised_as_it_is(billing_simulator: Simulator) -> None:
    """Errors of the function are raised to the caller."""

    def ask() -> str:
        raise LookupError("the vault is sealed")

    async with AiozBilling(credentials=ask, base_url=billing_simulator.url) as billing:
        with pytest.raises(LookupError, match="sealed"):
            await billing.this_month_usage()


async def test_a_timeout_of_the_function_is_raised_as_it_is(billing_simulator: Simulator) -> None:
    """A TimeoutError of the function is neither a timeout of the call nor its rate limit."""

    def ask() -> str:
        raise TimeoutError("the vault is slow")

    async with AiozBilling(credentials=ask, base_url=billing_simulator.url) as billing:
        with pytest.raises(TimeoutError, match="the vault is slow"):
            await billing.this_month_usage()


async def test_the_deadline_bounds_the_function(billing_simulator: Simulator) -> None:
    """A function that never returns ends the call at its deadline, for all calls that wait for it."""

    async def ask() -> str:
        await asyncio.Event().wait()
        return ""

    async with AiozBilling(credentials=ask, base_url=billing_simulator.url, deadline=0.05) as billing:
        calls = [asyncio.create_task(billing.this_month_usage()) for _ in range(2)]
        done, hanging = await asyncio.wait(calls, timeout=10)
        for call in hanging:
            call.cancel()
        assert not hanging
        for call in done:
            assert isinstance(call.exception(), CallTimeoutError)
            assert "did not return before the deadline" in str(call.exception())


def test_without_credentials_the_error_names_from_env() -> None:
    """The error of a client without credentials, or with two kinds, says how to pass them."""
    for build in (AiozBilling, B3osBilling):
        with pytest.raises(ConfigurationError, match="from_env"):
            build()
    with pytest.raises(ConfigurationError, match="from_env"):
        AiozBilling(token="x", credentials=lambda: "x")


async def test_a_token_that_was_replaced_meanwhile_is_not_shown() -> None:
    """A late reply that repeats the token of its request is cleaned of it, though another one has replaced it."""
    tokens, late, is_replaced = ["token-a-0123456789", "token-b-0123456789"], [], asyncio.Event()

    async def serve(request: web.BaseRequest) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if token == tokens[1]:
            is_replaced.set()
            return web.json_response({"status": "fail"}, status=404)
        if late:
            return web.json_response({"status": "fail"}, status=401)
        late.append(request)
        await is_replaced.wait()
        return web.json_response({"status": "fail", "message": f"no days for {token}"}, status=400)

    async with RawTestServer(serve) as server:
        unused = iter(tokens)
        async with AiozBilling(credentials=lambda: next(unused), base_url=str(server.make_url("/"))) as billing:
            results = await asyncio.gather(*(billing.this_month_usage() for _ in range(2)), return_exceptions=True)
    assert sorted(result.message for result in results) == ["", "no days for ***"]  # type: ignore[union-attr]


async def _one_key() -> tuple[str, str]:
    await asyncio.sleep(0)
    return "key", "secret"


def test_closed_event_loops_are_released() -> None:
    """A client that serves one `asyncio.run` after another keeps no closed loop, even where tasks shared a call."""
    loops = []
    source = CredentialSource(_one_key, lambda pair: pair)  # type: ignore[arg-type, return-value]

    async def job() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        source.current = None
        await asyncio.gather(*(source.get(None, 10) for _ in range(3)))

    for _ in range(5):
        asyncio.run(job())
    gc.collect()
    assert sum(loop() is not None for loop in loops) == 1


def test_a_lock_that_another_thread_makes_meanwhile_is_kept() -> None:
    """While one thread removes the locks of closed loops, the loop of another one gets the lock that it keeps."""
    source = CredentialSource(_one_key, lambda pair: pair)  # type: ignore[arg-type, return-value]
    theirs = asyncio.SelectorEventLoop()
    locks: list[asyncio.Lock] = []

    class Interrupted(asyncio.SelectorEventLoop):
        def is_closed(self) -> bool:
            if not locks:
                locks.append(asyncio.Lock())
                locks[0] = source._lock(theirs)  # as another thread may do at this moment
            return super().is_closed()

    loops = (Interrupted(), asyncio.SelectorEventLoop(), theirs)
    for loop in loops:
        assert source._lock(loop) is source._lock(loop)
    assert locks == [source._lock(theirs)]
    for loop in loops:
        loop.close()
