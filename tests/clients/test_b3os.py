from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from aiozbilling import B3osBilling, ConfigurationError, NotFoundError, PermissionDeniedError
from aiozbilling.simulator import Simulator


def client(simulator: Simulator) -> B3osBilling:
    return B3osBilling(token=simulator.b3os_token, base_url=simulator.url)


@pytest.mark.parametrize(
    "month",
    [
        "2026-10",
        date(2026, 10, 31),
        datetime(2026, 10, 1),  # noqa: DTZ001
        datetime(2026, 11, 1, 3, tzinfo=timezone(timedelta(hours=7))),
    ],
)
async def test_a_month_is_given_in_any_form(billing_simulator: Simulator, month: str | date) -> None:
    """Text, date and datetime (an aware one in UTC) name the same month, and its parts add up exactly."""
    async with client(billing_simulator) as b3os:
        usage = await b3os.cu_usage(billing_simulator.organization, month)
    assert usage.year_month == "2026-10"
    assert len(usage.daily) == 31
    assert usage.daily[0].day == date(2026, 10, 1)
    assert usage.summary is not None
    assert {line.type for day in usage.daily for line in day.breakdown} == {"trigger", "action"}
    assert all(isinstance(line.cu, Decimal) for day in usage.daily for line in day.breakdown)


@pytest.mark.parametrize("code", [0, 200, 201, None])
async def test_every_success_code_is_success(billing_simulator: Simulator, code: int | None) -> None:
    """The codes 0, 200 and 201, and a missing code, mean success."""
    billing_simulator.behaviour.b3os_success_code = code
    async with client(billing_simulator) as b3os:
        assert (await b3os.cu_balance(billing_simulator.organization)).balance is not None


async def test_months_come_in_order_with_both_ends(billing_simulator: Simulator) -> None:
    """The months of a range over a new year are returned oldest first, including both ends."""
    billing_simulator.behaviour.latency_s = 0.02
    async with client(billing_simulator) as b3os:
        months = [
            usage.year_month
            async for usage in b3os.cu_usage_by_month(billing_simulator.organization, since="2025-11", until="2026-02")
        ]
    assert months == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert billing_simulator.peak_in_flight == 4


@pytest.mark.parametrize(
    "month", ["2026-13", "2026-00", "2026-1", "2026", "0000-01", "", "2026-10-01", "２０２６-10", None, 202610]
)
async def test_impossible_months_are_refused_before_any_request(billing_simulator: Simulator, month: object) -> None:
    """A month that is invalid is refused with what a month looks like."""
    async with client(billing_simulator) as b3os:
        with pytest.raises(ConfigurationError, match="2026-10"):
            await b3os.cu_usage(billing_simulator.organization, month)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="since"):
            b3os.cu_usage_by_month(billing_simulator.organization, since=month)  # type: ignore[arg-type]
    assert not billing_simulator.requests


def test_a_month_off_the_calendar_is_refused() -> None:
    """A datetime that can't be converted to UTC is a ConfigurationError."""
    with pytest.raises(ConfigurationError, match="calendar"):
        B3osBilling(token="b3sk_x").cu_usage_by_month(
            "org_1", since=datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))
        )


def test_a_span_backwards_is_refused() -> None:
    """Since after until is refused at the call, not at the first row."""
    b3os = B3osBilling(token="b3sk_x")
    with pytest.raises(ConfigurationError, match="after until"):
        b3os.cu_usage_by_month("org_1", since="2026-02", until="2026-01")


@pytest.mark.parametrize(
    "organization", ["", "..", "a/b", "org 1", "org_1?x", "org_1#", "org_%2e", "ö", None, 7, "x" * 200]
)
async def test_impossible_organizations_are_refused(billing_simulator: Simulator, organization: object) -> None:
    """An id that would change the path is refused before any request."""
    async with client(billing_simulator) as b3os:
        with pytest.raises(ConfigurationError, match="organization"):
            await b3os.cu_usage(organization, "2026-10")  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="organization"):
            await b3os.cu_balance(organization)  # type: ignore[arg-type]
    assert not billing_simulator.requests


async def test_another_organization_is_an_error_that_says_what_to_check(billing_simulator: Simulator) -> None:
    """An organization that the token doesn't see is NotFound or PermissionDenied with a hint."""
    async with client(billing_simulator) as b3os:
        with pytest.raises((NotFoundError, PermissionDeniedError), match="organization"):
            await b3os.cu_usage("org_other", "2026-10")


def test_the_environment_builds_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """from_env reads the key and, if it is set, the server; the error names a missing key."""
    monkeypatch.delenv("B3OS_API_KEY", raising=False)
    monkeypatch.delenv("B3OS_SERVER_URL", raising=False)
    with pytest.raises(ConfigurationError, match="B3OS_API_KEY"):
        B3osBilling.from_env()
    monkeypatch.setenv("B3OS_API_KEY", "b3sk_x")
    assert B3osBilling.from_env().base_url == "https://api.b3os.org"
    monkeypatch.setenv("B3OS_SERVER_URL", "https://b3os.example.com")
    assert B3osBilling.from_env().base_url == "https://b3os.example.com"


def test_the_default_end_is_the_current_month() -> None:
    """Without until the span ends with the current month."""
    from aiozbilling.clients.months import checked_months

    today = datetime.now(UTC)
    first, *more = checked_months(today, None)
    assert first == f"{today:%Y-%m}"
    assert not more or datetime.now(UTC).month != today.month  # the month has ended meanwhile
