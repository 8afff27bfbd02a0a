"""A reply about another month than the one that was requested."""

from __future__ import annotations

import json
from copy import copy
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aiozbilling import B3osBilling, DecodeError, MeteredBilling
from aiozbilling.statement import collect, read_ledger
from aiozbilling.sync import sync, verify

if TYPE_CHECKING:
    from tests.clients.conftest import Serve

PATH = "/v1/organizations/org_1/cu/usage"


def compute_units(**data: Any) -> str:
    return json.dumps({"code": 0, "data": {"daily": [], **data}})


def period(start: str, end: str) -> str:
    cost = {"base": 29, "overage": 0, "total": 29, "currency": "usd"}
    data = {"period": {"start": start, "end": end}, "metrics": {}, "estimatedCost": cost}
    return json.dumps({"success": True, "data": data})


async def test_another_month_of_compute_units_is_refused(serve: Serve) -> None:
    """A server that ignores yearMonth is an error: its figures would be those of another month."""
    url = serve(PATH, compute_units(yearMonth="2026-11"))
    async with B3osBilling(token="b3sk_x", base_url=url) as b3os:
        assert (await b3os.cu_usage("org_1", "2026-11")).year_month == "2026-11"
        with pytest.raises(DecodeError, match=r"expected 2026-10 at \$\.data\.yearMonth, got 2026-11") as caught:
            await b3os.cu_usage("org_1", "2026-10")
        with pytest.raises(DecodeError):
            [usage async for usage in b3os.cu_usage_by_month("org_1", since="2026-10", until="2026-11")]
    assert caught.value.endpoint == "GET /v1/organizations/{organization}/cu/usage"


@pytest.mark.parametrize("month", [{}, {"yearMonth": None}, {"yearMonth": "<string>"}, {"yearMonth": "2026-9"}])
async def test_a_month_without_its_name_is_accepted(serve: Serve, tmp_path: Path, month: dict[str, Any]) -> None:
    """The provider requires no field, so a reply that names no month is taken as the requested one."""
    async with B3osBilling(token="b3sk_x", base_url=serve(PATH, compute_units(**month))) as b3os:
        assert (await b3os.cu_usage("org_1", "2026-10")).year_month == month.get("yearMonth")
        months = [usage.year_month async for usage in b3os.cu_usage_by_month("org_1", since="2026-09", until="2026-10")]
        assert months == ["2026-09", "2026-10"]
        await sync(
            None,
            tmp_path / "b.sqlite",
            b3os=b3os,
            organization="org_1",
            clock=partial(datetime, 2026, 11, 20, tzinfo=UTC),
        )
    assert [usage.year_month for _, usage in read_ledger(tmp_path / "b.sqlite").cu][-2:] == ["2026-10", "2026-11"]


async def test_one_period_for_all_months_is_refused(serve: Serve) -> None:
    """A server that ignores startDate and endDate is an error: each month would have the same cost."""
    url = serve("/api/billing/usage", period("2026-11-01T00:00:00Z", "2026-11-30T23:59:59Z"))
    async with MeteredBilling(url, token="t") as metered:
        assert (await metered.usage(start="2026-09-01", end="2026-09-30")).period.start.month == 11
        with pytest.raises(DecodeError, match="expected a period in 2026-09 .*got 2026-11-01 to 2026-11-30"):
            [usage async for usage in metered.usage_by_month(since="2026-09", until="2026-11")]


async def test_a_server_that_ignores_the_dates_can_not_be_synced(serve: Serve, tmp_path: Path) -> None:
    """The error of a sync says what can be read from such a server; nothing is stored."""
    url = serve("/api/billing/usage", period("2026-11-01T00:00:00Z", "2026-11-30T23:59:59Z"))
    clock = partial(datetime, 2026, 11, 20, tzinfo=UTC)
    async with MeteredBilling(url, token="t") as metered:
        with pytest.raises(DecodeError, match="usage\\(\\) or aiozbilling metered, without dates") as caught:
            await sync(None, tmp_path / "b.sqlite", metered=metered, clock=clock)
        assert copy(caught.value).hint == caught.value.hint
        assert (await metered.usage()).period.start.month == 11
    assert verify(tmp_path / "b.sqlite").rows == 0


@pytest.mark.parametrize("zone", ["Z", "+14:00", "-12:00"])
@pytest.mark.parametrize(("first", "last"), [("2026-09-01", "2026-09-30"), ("2026-11-01", "2026-11-30")])
async def test_the_months_before_and_after_are_refused(serve: Serve, first: str, last: str, zone: str) -> None:
    """The period of a neighbouring month is an error in every time zone; last month is what is asked for most."""
    url = serve("/api/billing/usage", period(f"{first}T00:00:00{zone}", f"{last}T23:59:59{zone}"))
    async with MeteredBilling(url, token="t") as metered:
        with pytest.raises(DecodeError, match="expected a period in 2026-10"):
            [usage async for usage in metered.usage_by_month(since="2026-10", until="2026-10")]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-10-01T00:00:00+14:00", "2026-10-31T23:59:59+14:00"),
        ("2026-10-01T00:00:00-12:00", "2026-10-31T23:59:59-12:00"),
        ("2026-09-15T00:00:00Z", "2026-10-14T23:59:59Z"),
        ("2026-10-31T00:00:00Z", "2026-11-29T23:59:59Z"),
        ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("2026-10-31T15:00:00Z", "2026-10-31T23:59:59Z"),
        ("2026-09-30T17:00:00Z", "2026-10-01T05:00:00Z"),  # until now, in Bangkok
    ],
)
async def test_a_period_that_has_a_part_of_the_month_is_accepted(serve: Serve, start: str, end: str) -> None:
    """A period may have the time zone of the deployment, or begin on another day of the month."""
    async with MeteredBilling(serve("/api/billing/usage", period(start, end)), token="t") as metered:
        assert [usage async for usage in metered.usage_by_month(since="2026-10", until="2026-10")]


async def test_a_period_of_two_months_counts_once(serve: Serve) -> None:
    """A server that returns the same period for two months has one cost in a statement."""
    url = serve("/api/billing/usage", period("2026-10-15T00:00:00Z", "2026-11-14T23:59:59Z"))
    async with MeteredBilling(url, token="t") as metered:
        facts = await collect({}, metered={"main": metered}, months=2, read_at=datetime(2026, 11, 20, tzinfo=UTC))
    assert [usage.period.year_month for _, usage in facts.metered] == ["2026-10"]


@pytest.mark.parametrize("month", ["0001-01", "9999-12"])
async def test_the_first_and_the_last_month_of_the_calendar_are_compared(serve: Serve, month: str) -> None:
    """The comparison does not leave the calendar."""
    url = serve("/api/billing/usage", period("2026-10-01T00:00:00Z", "2026-10-31T23:59:59Z"))
    async with MeteredBilling(url, token="t") as metered:
        with pytest.raises(DecodeError, match=month):
            [usage async for usage in metered.usage_by_month(since=month, until=month)]
