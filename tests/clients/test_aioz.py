from __future__ import annotations

import asyncio
import inspect
import time
from decimal import Decimal

import pytest

from aiozbilling import (
    AIOZ_PIN_URL,
    AiozBilling,
    Attempt,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    RateLimit,
    RateLimitedError,
    RetryPolicy,
    ServerError,
)
from aiozbilling.simulator import Fault, Simulator

QUICK = RetryPolicy(wait_s=0.001, throttled_wait_s=0.001)


def client(simulator: Simulator, **settings: object) -> AiozBilling:
    settings = {"rate_limit": None, "retry": QUICK} | settings
    return AiozBilling(
        api_key=simulator.api_key,
        secret_key=simulator.secret_key,
        base_url=simulator.url,
        **settings,  # type: ignore[arg-type]
    )


async def client_of_nothing(attempt: Attempt) -> None:
    """Do nothing: a coroutine function, which a hook can't be."""


async def test_the_three_calls_return_the_simulators_rows(billing_simulator: Simulator) -> None:
    """Top-ups, history and month have every field of the server's account, with exact amounts."""
    async with client(billing_simulator) as billing:
        month = await billing.this_month_usage()
        top_ups = await billing.top_ups().collect()
        days = await billing.history_usage().collect()
    truth = billing_simulator.account.month()
    assert month.total_storage == truth["total_storage"]
    assert month.storage_cost == Decimal(truth["storage_cost"])
    for top_up, row in zip(top_ups, billing_simulator.top_up_rows(), strict=True):
        assert row is not None
        assert (top_up.id, top_up.sender, top_up.recipient) == (row["id"], row["sender"], row["recipient"])
        assert (top_up.cosmos_tx_hash, top_up.evm_tx_hash) == (row["cosmos_tx_hash"], row["evm_tx_hash"])
        assert str(top_up.amount.amount) == row["amount"]["amount"]
        assert top_up.total_amount == Decimal(row["total_amount"])
        assert top_up.created_at is not None
        assert top_up.created_at.isoformat()[:19] == row["created_at"][:19]
    for day, row in zip(days, billing_simulator.history_rows(), strict=True):
        assert row is not None
        assert day.date.isoformat()[:19] == row["date"][:19]
        assert day.total_storage == row["total_storage"]
        assert day.total_amount == Decimal(row["total_amount"])


@pytest.mark.parametrize("form", ["add", "drop"])
async def test_the_slash_form_is_learned_once(billing_simulator: Simulator, form: str) -> None:
    """A redirect to the other slash form is followed once and remembered for the client's life."""
    billing_simulator.behaviour.slash_redirect = form  # type: ignore[assignment]
    async with client(billing_simulator) as billing:
        for _ in range(3):
            await billing.this_month_usage()
            await billing.top_ups()
    redirects = [request for request in billing_simulator.requests if request.status == 301]
    assert len(redirects) == (2 if form == "add" else 0)
    assert len(billing_simulator.requests) == 6 + len(redirects)


async def test_a_chain_of_redirects_teaches_nothing_wrong(billing_simulator: Simulator) -> None:
    """Only a redirect of the documented path itself is remembered, and a form that returns 404 is forgotten."""
    async with client(billing_simulator) as billing:
        billing._exchange.server.paths["/api/billing/topUp"] = "/api/billing/nowhere/"
        with pytest.raises(NotFoundError):
            await billing.top_ups()
        assert (await billing.top_ups()).total == 250


async def test_a_token_works_like_a_key_pair(billing_simulator: Simulator) -> None:
    """The bearer token reads the same account."""
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url) as billing:
        assert len(await billing.top_ups().collect()) == len(billing_simulator.top_up_rows())


async def test_wrong_keys_say_which_variables_and_that_a_proxy_may_drop_headers(billing_simulator: Simulator) -> None:
    """A 401 names the environment variables and the proxy that drops headers with underscores."""
    async with AiozBilling(api_key="wrong", secret_key="keys", base_url=billing_simulator.url) as billing:
        with pytest.raises(AuthenticationError, match="AIOZ_PIN_API_KEY.*underscores"):
            await billing.this_month_usage()
    assert len(billing_simulator.requests) == 1


async def test_with_credentials_reads_another_account_on_the_same_connections(billing_simulator: Simulator) -> None:
    """The client of another account shares the connections and reads its own rows, and its parent stays usable."""
    other = billing_simulator.add_account(top_ups=3, days=2)
    async with client(billing_simulator) as billing:
        await billing.this_month_usage()
        connections = billing_simulator.connections
        async with billing.with_credentials(api_key=other.api_key, secret_key=other.secret_key) as second:
            assert len(await second.top_ups().collect()) == 3
        assert billing_simulator.connections == connections
        await billing.this_month_usage()
        assert billing_simulator.connections == connections


async def test_a_pause_belongs_to_its_account(billing_simulator: Simulator) -> None:
    """A 429 pauses its account in every client of that account, but no other account."""
    other = billing_simulator.add_account(top_ups=3)
    async with client(billing_simulator) as billing:
        billing_simulator.fail(Fault("http-429"), headers={"Retry-After": "3600"})
        with pytest.raises(RateLimitedError) as caught:
            await billing.this_month_usage()
        assert caught.value.retry_after == 3600
        sent = len(billing_simulator.requests)
        same = billing.with_credentials(api_key=billing_simulator.api_key, secret_key=billing_simulator.secret_key)
        for paused in (billing, same):
            with pytest.raises(RateLimitedError, match="not sent"):
                await paused.this_month_usage()
        assert len(billing_simulator.requests) == sent
        await billing.with_credentials(token=other.token).this_month_usage()


async def test_a_short_retry_after_is_waited_for_by_all_calls(billing_simulator: Simulator) -> None:
    """After a 429 with Retry-After: 1 no call of the client is sent within that second, and then all succeed."""
    replies: list[float] = []
    async with Simulator(on_request=lambda _: replies.append(time.monotonic())) as simulator:
        simulator.fail(Fault("http-429"), headers={"Retry-After": "1"})
        async with client(simulator) as billing:
            refused = asyncio.create_task(billing.this_month_usage())
            while not replies:
                await asyncio.sleep(0.01)
            await asyncio.gather(refused, *(_later(billing, 0.1 * i) for i in range(1, 5)))
    assert [request.status for request in simulator.requests] == [429] + [200] * 5
    assert all(at - replies[0] >= 0.99 for at in replies[1:])


async def _later(billing: AiozBilling, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await billing.this_month_usage()


async def test_the_rate_limit_keeps_the_server_content(billing_simulator: Simulator) -> None:
    """50 calls at the same time are sent in groups of 20 per period. A delay can only add to a time."""
    replies: list[float] = []
    async with Simulator(on_request=lambda _: replies.append(time.monotonic())) as simulator:
        began = time.monotonic()
        async with client(simulator, rate_limit=RateLimit(20, 0.5)) as billing:
            await asyncio.gather(*(billing.this_month_usage() for _ in range(50)))
    assert len(replies) == 50
    assert all(at - began >= 0.5 * (number // 20) for number, at in enumerate(sorted(replies)))


async def test_each_attempt_is_reported(billing_simulator: Simulator) -> None:
    """on_attempt receives a record of each attempt, and an error in it does not affect the call."""
    told: list[Attempt] = []

    def on_attempt(attempt: Attempt) -> None:
        told.append(attempt)
        raise RuntimeError("a bug of the user's")

    billing_simulator.fail(Fault("http-503"), times=2)
    async with client(billing_simulator, on_attempt=on_attempt) as billing:
        await billing.this_month_usage()
    assert [(attempt.number, attempt.status, attempt.error) for attempt in told] == [
        (1, 503, "ServerError"),
        (2, 503, "ServerError"),
        (3, 200, None),
    ]
    assert told[0].endpoint == "GET /api/billing/thisMonthUsage"
    assert told[0].wait_s is not None
    assert told[2].wait_s is None
    assert all(attempt.duration_s >= 0 for attempt in told)


async def test_the_last_attempt_is_reported_too(billing_simulator: Simulator) -> None:
    """For a call that fails, every attempt is reported, the last one without a wait."""
    told: list[Attempt] = []
    billing_simulator.fail(Fault("http-500"), times=9)
    async with client(billing_simulator, on_attempt=told.append) as billing:
        with pytest.raises(ServerError, match="after 4 attempts"):
            await billing.this_month_usage()
    assert [attempt.wait_s is None for attempt in told] == [False, False, False, True]


async def test_attempts_are_logged_at_debug(billing_simulator: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    """The logger aiozbilling has a line for each attempt and each call at DEBUG, with the figures in its fields."""
    caplog.set_level("DEBUG", logger="aiozbilling")
    billing_simulator.fail(Fault("http-502"))
    async with client(billing_simulator) as billing:
        await billing.this_month_usage()
    records = [record for record in caplog.records if record.name == "aiozbilling"]
    first, second, call = (record.getMessage() for record in records)
    assert "GET /api/billing/thisMonthUsage attempt 1: status 502, ServerError in" in first
    assert "next in" in first
    assert "attempt 2: status 200 in" in second
    assert call.startswith("GET /api/billing/thisMonthUsage: ok after 2 attempts in")
    assert [getattr(record, "status") for record in records] == [502, 200, 200]  # noqa: B009
    assert getattr(records[2], "outcome") == "ok"  # noqa: B009


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("API_KEY", "SECRET_KEY", "TOKEN", "BASE_URL"):
        monkeypatch.delenv(f"AIOZ_PIN_{name}", raising=False)
    return monkeypatch


def test_the_environment_builds_a_client(environment: pytest.MonkeyPatch) -> None:
    """from_env reads the key pair or the token, and the host if it is set."""
    environment.setenv("AIOZ_PIN_API_KEY", "a")
    environment.setenv("AIOZ_PIN_SECRET_KEY", "b")
    assert AiozBilling.from_env().base_url == AIOZ_PIN_URL
    environment.setenv("AIOZ_PIN_BASE_URL", "https://api.w3ipfs.storage/")
    assert AiozBilling.from_env(timeout=5).base_url == "https://api.w3ipfs.storage"
    environment.setenv("AIOZ_PIN_TOKEN", "jwt")
    with pytest.raises(ConfigurationError, match="unset one"):
        AiozBilling.from_env()
    environment.delenv("AIOZ_PIN_API_KEY")
    environment.delenv("AIOZ_PIN_SECRET_KEY")
    AiozBilling.from_env()


@pytest.mark.parametrize(
    ("given_names", "message"),
    [
        ((), "variables AIOZ_PIN_API_KEY and AIOZ_PIN_SECRET_KEY (or AIOZ_PIN_TOKEN)"),
        (("AIOZ_PIN_API_KEY",), "variable AIOZ_PIN_SECRET_KEY"),
        (("AIOZ_PIN_SECRET_KEY",), "variable AIOZ_PIN_API_KEY"),
    ],
)
def test_a_missing_variable_is_named(
    environment: pytest.MonkeyPatch, given_names: tuple[str, ...], message: str
) -> None:
    """The error names the missing variables only."""
    for name in given_names:
        environment.setenv(name, "x")
    with pytest.raises(ConfigurationError) as caught:
        AiozBilling.from_env()
    assert str(caught.value) == f"set the environment {message}"


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"api_key": "a"},
        {"secret_key": "b"},
        {"api_key": "a", "secret_key": "b", "token": "c"},
        {"api_key": "a", "token": "c"},
    ],
)
def test_credentials_are_one_way_or_the_other(credentials: dict[str, str]) -> None:
    """Half of a key pair, both kinds of credentials, or none are refused."""
    with pytest.raises(ConfigurationError, match="either api_key and secret_key, or token"):
        AiozBilling(**credentials)


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": 0},
        {"timeout": None},
        {"timeout": float("inf")},
        {"deadline": -1},
        {"retry": 3},
        {"rate_limit": 180},
        {"max_body": 0},
        {"session": "x"},
        {"timeout": 10**400},
        {"on_attempt": 5},
        {"on_attempt": client_of_nothing},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    """An invalid setting is a ConfigurationError that names it."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        AiozBilling(token="t", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["top_ups", "history_usage"])
async def test_limit_is_answered_with_the_options_that_do_it(name: str) -> None:
    """The API's parameter limit raises a TypeError that names page_size and max_items."""
    async with AiozBilling(token="t") as billing:
        method = getattr(billing, name)
        with pytest.raises(TypeError, match=rf"^{name}\(\) takes no limit: max_items .* page_size "):
            method(limit=10)
        with pytest.raises(TypeError, match="unexpected keyword argument 'lmit'"):
            method(lmit=10)
    assert list(inspect.signature(method).parameters)[:3] == ["offset", "page_size", "max_items"]


@pytest.mark.parametrize("found", [None, ("only",), ["a", "b", "c"], 5, b"bytes", {}])
async def test_a_function_must_return_a_token_or_a_pair(billing_simulator: Simulator, found: object) -> None:
    """Any other result of the credentials function is refused before a request, with what it must return."""
    async with AiozBilling(credentials=lambda: found, base_url=billing_simulator.url) as billing:  # type: ignore[arg-type, return-value]
        with pytest.raises(ConfigurationError, match="a token, or a pair"):
            await billing.this_month_usage()
    assert not billing_simulator.requests
