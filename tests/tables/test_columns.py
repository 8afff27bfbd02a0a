"""Records as flat columns."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiozbilling.records import (
    CuDay,
    CuLine,
    CuUsage,
    DayUsage,
    EstimatedCost,
    MeteredUsage,
    MetricUsage,
    MonthUsage,
    Period,
    TokenAmount,
    TopUp,
)
from aiozbilling.tables.columns import By, cells_of, columns_of, flat

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
AMOUNTS = st.decimals(-(10**40), 10**40, allow_nan=False) | st.sampled_from(
    [Decimal(0), Decimal("-0.00"), Decimal("5E+3")]
)


TOP_UP = TopUp(
    id="1",
    amount=TokenAmount("attoaioz", Decimal(12345678901234567890)),
    sender="aioz1s",
    recipient="aioz1r",
    status=True,
    cosmos_tx_hash="AB",
    total_amount=Decimal(2173368724836762),
    created_at=NOW,
    updated_at=None,
)


@pytest.fixture
def top_up() -> TopUp:
    """Return a top-up that has only the older one of the two amounts in USD."""
    return TOP_UP


def test_a_top_up_has_amounts_in_wire_units_and_scaled(top_up: TopUp) -> None:
    """Each amount has two columns, in wire units and scaled, and both are exact."""
    row = dict(zip((column.name for column in columns_of(TopUp)), *flat(top_up), strict=True))
    assert (row["amount"], row["denom"]) == (Decimal(12345678901234567890), "attoaioz")
    assert (row["token_amount"], row["token"]) == (Decimal("12.345678901234567890"), "AIOZ")
    assert (row["total_amount_attousd"], row["credit_attousd"]) == (Decimal(2173368724836762), None)
    assert row["credit_usd"] == Decimal("0.002173368724836762")


@given(
    st.lists(
        st.tuples(st.sampled_from(["attoaioz", "aioz", "other"]), AMOUNTS, AMOUNTS | st.none(), AMOUNTS | st.none())
    )
)
def test_cells_of_a_page_are_those_of_its_records(
    amounts: list[tuple[str, Decimal, Decimal | None, Decimal | None]],
) -> None:
    """Cells that are computed for a whole page have the same digits as the properties of each record."""
    rows = [
        attrs.evolve(TOP_UP, amount=TokenAmount(denom, amount), total_amount=total, credit=credit)
        for denom, amount, total, credit in amounts
    ]
    days = [DayUsage(date=NOW, total_storage=1, total_bandwidth=2, total_amount=total) for *_, total in amounts]
    for kind, records in ((TopUp, rows), (DayUsage, days)):
        expected = [[*map(attrgetter(column.path), records)] for column in columns_of(kind)]
        assert repr(cells_of(kind)(records)) == repr(expected)


def test_every_record_class_fills_its_columns(top_up: TopUp) -> None:
    """A row has as many cells as its record class has columns, even if most of them are None."""
    day = DayUsage(date=NOW, total_storage=1, total_bandwidth=2)
    month = MonthUsage(total_storage=1, storage_usage=2, bandwidth_usage=3)
    cost = EstimatedCost(base=Decimal(1), overage=Decimal(2), total=Decimal(3), currency="usd")
    metric = MetricUsage(name="API Calls", unit="requests", included=Decimal(0), used=Decimal(1))
    metered = MeteredUsage(period=Period(start=NOW, end=NOW), metrics={"apiCalls": metric}, estimated_cost=cost)
    for record in (top_up, day, month, metered):
        (row,) = flat(record)
        assert len(row) == len(columns_of(type(record)))
    units = CuUsage(year_month="2026-11", daily=(CuDay(date="2026-11-01", breakdown=(CuLine(),)),))
    ways: list[By] = ["node", "day", "month"]
    for by in ways:
        (row,) = flat(units, by)
        assert len(row) == len(columns_of(CuUsage, by))
    (row,) = flat(metered, "period")
    assert row == (NOW, NOW, Decimal(1), Decimal(2), Decimal(3), "usd")
    assert len(columns_of(MeteredUsage, "period")) == len(row)


def test_cu_usage_has_a_row_for_each_line_of_each_day() -> None:
    """Rows keep the provider's order; a day without nodes is only in the rows by day, and no row repeats a total."""
    lines = (CuLine(type="trigger", cu=Decimal("0.30000000000000004")), CuLine(type="action", cu=Decimal(2)))
    days = (CuDay(date="2026-11-01", breakdown=lines), CuDay(date="2026-11-02", used=Decimal(5)))
    usage = CuUsage(year_month="2026-11", daily=days)
    assert flat(usage) == [
        ("2026-11", "2026-11-01", "trigger", None, None, Decimal("0.30000000000000004")),
        ("2026-11", "2026-11-01", "action", None, None, Decimal(2)),
    ]
    assert flat(usage, "day") == [("2026-11", "2026-11-01", None), ("2026-11", "2026-11-02", Decimal(5))]
