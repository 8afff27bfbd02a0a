"""Daily costs in the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification.

A row is the cost of one account on one day. The provider reports one cost for storage and bandwidth together, so the
priced quantity is one day. The bytes are in custom columns, whose names begin with ``x_`` as FOCUS requires.

A whole number is written with a decimal point, because readers of CSV derive the type of a column from its cells.

Source: the columns that FOCUS 1.2 requires or recommends in each data set,
https://focus.finops.org/focus-specification/v1-2/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

from aiozbilling.errors import ConfigurationError, ExportError
from aiozbilling.records import DayUsage
from aiozbilling.records.calendar import last_day, month_of
from aiozbilling.tables.columns import Cell, Column
from aiozbilling.tables.table import HISTORY, Table

__all__ = ["focus_table"]

_PROVIDER = "AIOZ"
_ONE = Decimal(1)


def focus_table(endpoint: str, account: str | None) -> Table:
    """Return the table of an account's daily costs.

    Raises:
        ConfigurationError: the list is not `history_usage()`, or the account has no label.
    """
    if endpoint != HISTORY.endpoint:
        raise ConfigurationError(f"format='focus' needs daily costs: export the history, not {endpoint}")
    if not account:
        raise ConfigurationError("format='focus' needs account='…', the label for BillingAccountId")
    return Table(
        "focus",
        endpoint,
        DayUsage,
        tuple(column for column, _ in _COLUMNS),
        lambda days: _cells(days, account),
        attrgetter("date"),
        attrgetter("date"),
        "ChargePeriodStart",
        misfits="x_Misfits",
    )


def _cells(days: Sequence[DayUsage], account: str) -> list[list[Cell]]:
    return [[value(day, account) for day in days] for _, value in _COLUMNS]


def _cost(day: DayUsage, _account: str) -> Decimal:
    if day.amount_usd is None:
        raise ExportError(f"{day.day} has no cost, which FOCUS requires", hint="Leave that day out: since=, until=")
    return day.amount_usd


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _always(value: Cell) -> Callable[[DayUsage, str], Cell]:
    return lambda _day, _account: value


_Value = Callable[[Any, str], Cell]
_COLUMNS: tuple[tuple[Column, _Value], ...] = (
    (Column("BilledCost", "fraction", "", "Cost of the day, in USD."), _cost),
    (Column("BillingAccountId", "text", "", "Label of the account."), lambda _day, account: account),
    (Column("BillingAccountName", "text", "", "Label of the account."), lambda _day, account: account),
    (Column("BillingCurrency", "text", "", "Currency of the costs."), _always("USD")),
    (
        Column("BillingPeriodEnd", "second", "", "End of the month, exclusive, UTC."),
        lambda day, _: _midnight(last_day(month_of(day.day)) + timedelta(days=1)),
    ),
    (
        Column("BillingPeriodStart", "second", "", "Start of the month, UTC."),
        lambda day, _: _midnight(day.day.replace(day=1)),
    ),
    (Column("ChargeCategory", "text", "", "Kind of charge."), _always("Usage")),
    (Column("ChargeClass", "text", "", "Null: no row corrects an earlier month."), _always(None)),
    (
        Column("ChargeDescription", "text", "", "What the charge is for."),
        lambda day, _: f"Storage and bandwidth of {day.day}",
    ),
    (Column("ChargeFrequency", "text", "", "How often it is charged."), _always("Usage-Based")),
    (
        Column("ChargePeriodEnd", "second", "", "End of the day, exclusive, UTC."),
        lambda day, _: _midnight(day.day + timedelta(days=1)),
    ),
    (Column("ChargePeriodStart", "second", "", "Start of the day, UTC; unique."), lambda day, _: _midnight(day.day)),
    (Column("ContractedCost", "fraction", "", "Cost of the day, in USD: no discount is known."), _cost),
    (Column("EffectiveCost", "fraction", "", "Cost of the day, in USD: no discount is known."), _cost),
    (Column("InvoiceId", "text", "", "Null: the provider reports no invoice."), _always(None)),
    (Column("InvoiceIssuerName", "text", "", "Who issues the invoice."), _always(_PROVIDER)),
    (Column("ListCost", "fraction", "", "Cost of the day, in USD: no discount is known."), _cost),
    (Column("PricingQuantity", "fraction", "", "One day: storage and bandwidth have one cost."), _always(_ONE)),
    (Column("PricingUnit", "text", "", "Unit of PricingQuantity."), _always("Days")),
    (Column("ProviderName", "text", "", "Who provides the service."), _always(_PROVIDER)),
    (Column("PublisherName", "text", "", "Who makes the service."), _always(_PROVIDER)),
    (Column("ServiceCategory", "text", "", "Category of the service."), _always("Storage")),
    (Column("ServiceName", "text", "", "Name of the service."), _always("AIOZ Pin")),
    (Column("ServiceSubcategory", "text", "", "Subcategory of the service."), _always("Object Storage")),
    (Column("x_BandwidthBytes", "int", "", "Bandwidth of the day, in bytes."), lambda day, _: day.total_bandwidth),
    (Column("x_StorageBytes", "int", "", "Storage of the day, in bytes."), lambda day, _: day.total_storage),
)
