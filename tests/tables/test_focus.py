"""Daily costs in the columns of FOCUS 1.2."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from aiozbilling import ConfigurationError, DayUsage, ExportError
from aiozbilling.tables.focus import focus_table
from aiozbilling.tables.table import HISTORY, TOP_UPS
from aiozbilling.tables.texts import csv_page

# The columns that the specification requires in each data set, and those that it recommends for this one.
REQUIRED = {
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
}
RECOMMENDED = {"ChargeFrequency", "InvoiceId", "ServiceSubcategory"}


def day(*date: int, cost: Decimal | None = Decimal(10**17)) -> DayUsage:
    """Return the usage of a day."""
    return DayUsage(date=datetime(*date, tzinfo=UTC), total_storage=5, total_bandwidth=7, total_amount=cost)


def row_of(usage: DayUsage) -> dict[str, object]:
    """Return a day's cells by column."""
    table = focus_table(HISTORY.endpoint, "main")
    return {column.name: cells[0] for column, cells in zip(table.columns, table.cells([usage]), strict=True)}


def test_required_columns_have_values() -> None:
    """The columns are those of FOCUS 1.2 in alphabetical order, or begin with x_; only two of them are null."""
    row = row_of(day(2026, 10, 31))
    of_focus = [name for name in row if not name.startswith("x_")]
    assert set(of_focus) == REQUIRED | RECOMMENDED
    assert of_focus == sorted(of_focus)
    assert {name for name, cell in row.items() if cell is None} == {"ChargeClass", "InvoiceId"}


def test_periods_are_the_day_and_its_month() -> None:
    """Ends are exclusive, even at the end of a year and if the provider's time is not midnight."""
    row = row_of(day(2026, 12, 31, 9, 30))
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == (
        datetime(2026, 12, 31, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )


def test_all_costs_are_the_cost_of_the_day() -> None:
    """The provider reports one cost, with all its digits; no discount is known."""
    row = row_of(day(2026, 10, 31, cost=Decimal(1)))
    assert {row[name] for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")} == {Decimal("1E-18")}


def test_times_have_no_fraction_in_csv() -> None:
    """FOCUS requires times such as 2026-10-31T00:00:00Z."""
    table = focus_table(HISTORY.endpoint, "main")
    assert b",2026-10-31T00:00:00Z," in csv_page(table.columns, table.cells([day(2026, 10, 31)]))


def test_a_whole_number_has_a_decimal_point_in_csv() -> None:
    """A reader that derives types from cells finds a decimal column, even if all costs are whole numbers."""
    table = focus_table(HISTORY.endpoint, "main")
    line = csv_page(table.columns, table.cells([day(2026, 10, 31, cost=Decimal(2 * 10**18))]))
    assert line.startswith(b"2.0,main,")
    assert b",1.0,Days," in line


def test_a_day_without_cost_is_refused() -> None:
    """FOCUS requires a cost, and zero would be wrong."""
    with pytest.raises(ExportError, match="2026-10-31 has no cost"):
        row_of(day(2026, 10, 31, cost=None))


def test_only_history_of_a_named_account_can_be_written() -> None:
    """Deposits are not costs, and BillingAccountId must not be null."""
    with pytest.raises(ConfigurationError, match="export the history"):
        focus_table(TOP_UPS.endpoint, "main")
    with pytest.raises(ConfigurationError, match="account"):
        focus_table(HISTORY.endpoint, None)
