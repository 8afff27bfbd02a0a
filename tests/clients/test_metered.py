from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from aiozbilling import BadRequestError, ConfigurationError, MeteredBilling
from aiozbilling.simulator import Simulator


def client(simulator: Simulator) -> MeteredBilling:
    return MeteredBilling(simulator.url, token=simulator.metered_token)


async def test_the_current_period_is_read_whole(billing_simulator: Simulator) -> None:
    """Period, metrics, cost and projections have exact numbers."""
    async with client(billing_simulator) as metered:
        usage = await metered.usage()
    assert usage.period.start == datetime(2026, 11, 1, tzinfo=UTC)
    assert {"apiCalls", "storage", "seats", "bandwidth", "emails", "webhooks"} <= set(usage.metrics)
    assert isinstance(usage.estimated_cost.total, Decimal)
    assert usage.estimated_cost.total == usage.estimated_cost.base + usage.estimated_cost.overage
    assert set(usage.projected_usage) < set(usage.metrics)


@pytest.mark.parametrize(
    "metrics", [["api_calls", "storage"], ["apiCalls", "storage"], "apiCalls,storage", ("apiCalls ", "storage")]
)
async def test_metrics_are_chosen(billing_simulator: Simulator, metrics: list[str] | str) -> None:
    """Ids are sent as the caller writes them, separated by commas, and only those are returned."""
    async with client(billing_simulator) as metered:
        usage = await metered.usage(metrics=metrics)
    assert set(usage.metrics) == {"apiCalls", "storage"}
    assert billing_simulator.requests[-1].query["metrics"].lower().replace("_", "") == "apicalls,storage"


@pytest.mark.parametrize(
    ("start", "end", "query"),
    [
        ("2026-10-01", "2026-10-31", {"startDate": "2026-10-01", "endDate": "2026-10-31"}),
        (date(2026, 10, 1), None, {"startDate": "2026-10-01"}),
        (datetime(2026, 10, 1, tzinfo=UTC), None, {"startDate": "2026-10-01T00:00:00Z"}),
        ("2026-10-01T02:00:00+02:00", None, {"startDate": "2026-10-01T00:00:00Z"}),
        (datetime(2026, 10, 1, 7, tzinfo=timezone(timedelta(hours=7))), "2026-10-31", {
            "startDate": "2026-10-01T00:00:00Z", "endDate": "2026-10-31"}),
        ("2026-10-05", "2026-10-05", {"startDate": "2026-10-05", "endDate": "2026-10-05"}),
        ("20261005", None, {"startDate": "2026-10-05"}),
        ("2026-10-05T12:00:00Z", "2026-10-05", {"startDate": "2026-10-05T12:00:00Z", "endDate": "2026-10-05"}),
    ],
)  # fmt: skip
async def test_dates_reach_the_server(
    billing_simulator: Simulator, start: str | date, end: str | date | None, query: dict[str, str]
) -> None:
    """Dates and times are sent in ISO 8601, times in UTC."""
    async with client(billing_simulator) as metered:
        try:
            await metered.usage(start=start, end=end)
        except BadRequestError:
            assert str(start)[:10] == end
    assert dict(billing_simulator.requests[-1].query) == query


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"start": "2026-10-31", "end": "2026-10-01"}, "after end"),
        ({"start": "2026-02-30"}, "start must be a date"),
        ({"end": "yesterday"}, "end must be a date"),
        ({"start": datetime(2026, 10, 1)}, "time zone"),  # noqa: DTZ001
        ({"start": "2026-10-01T00:00:00"}, "time zone"),
        ({"start": 20261001}, "start must be a date"),
        ({"metrics": []}, "metrics"),
        ({"metrics": ""}, "metrics"),
        ({"metrics": ["a,b"]}, "metrics"),
        ({"metrics": [None]}, "metrics"),
        ({"metrics": 5}, "metrics"),
        ({"metrics": "\ud800"}, "metrics"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "calendar"),
        ({"end": "9999-12-31T23:59:59-14:00"}, "calendar"),
    ],
)
async def test_invalid_arguments_are_refused_before_any_request(
    billing_simulator: Simulator, wrong: dict[str, object], why: str
) -> None:
    """An impossible date, range or metric is a ConfigurationError, and no request is made."""
    async with client(billing_simulator) as metered:
        with pytest.raises(ConfigurationError, match=why):
            await metered.usage(**wrong)  # type: ignore[arg-type]
    assert not billing_simulator.requests


async def test_months_come_in_order(billing_simulator: Simulator) -> None:
    """Each month is requested from its first to its last day, oldest first."""
    async with client(billing_simulator) as metered:
        starts = [usage.period.start.month async for usage in metered.usage_by_month(since="2026-02", until="2026-04")]
    assert starts == [2, 3, 4]
    asked = sorted((request.query["startDate"], request.query["endDate"]) for request in billing_simulator.requests)
    assert asked[0] == ("2026-02-01", "2026-02-28")


async def test_a_range_that_the_server_refuses_is_its_error(billing_simulator: Simulator) -> None:
    """The documented 400 is an error with the server's message."""
    async with client(billing_simulator) as metered:
        with pytest.raises(BadRequestError) as caught:
            await metered.usage(start="2026-10-05", end=datetime(2026, 10, 5, tzinfo=UTC))
    assert caught.value.code == "BAD_REQUEST"
    assert "startDate must be before endDate" in str(caught.value)


def test_the_environment_builds_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """from_env reads URL and token, and the error names a missing variable."""
    for name in ("METERED_BILLING_URL", "METERED_BILLING_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="METERED_BILLING_TOKEN"):
        MeteredBilling.from_env()
    monkeypatch.setenv("METERED_BILLING_TOKEN", "t")
    with pytest.raises(ConfigurationError, match="METERED_BILLING_URL"):
        MeteredBilling.from_env()
    monkeypatch.setenv("METERED_BILLING_URL", "https://api.my-saas.com/")
    assert MeteredBilling.from_env().base_url == "https://api.my-saas.com"
