"""The sheets of the workbook: typed columns, rows and totals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import attrs

from aiozbilling.records.amounts import exact_sum
from aiozbilling.records.calendar import first_day, next_month
from aiozbilling.report.lead import basis, lead
from aiozbilling.report.methods import METHODS
from aiozbilling.report.numbers import days_text, runway_text
from aiozbilling.report.period import ReportMonth, is_whole, opening_and_closing, whole_change
from aiozbilling.report.tiles import tiles
from aiozbilling.statement.controls import control_totals
from aiozbilling.statement.months import cost_per_tb

__all__ = ["Sheet", "sheets"]

_Column = tuple[str, str, int]  # title, kind as in `book`, width


@attrs.frozen
class Sheet:
    """A sheet: its columns as (title, kind, width), its rows, and a row of totals or an empty row."""

    name: str
    columns: Sequence[_Column]
    rows: Sequence[Sequence[Any]]
    total: Sequence[Any] = ()


def sheets(of: ReportMonth) -> list[Sheet]:
    """Return the sheets of a month's workbook. Some sheets contain all months of the statement."""
    makers = (_summary, _months, _accounts, _days, _balance, _deposits, _unusual, _cu, _metered, _controls)
    return [make(of) for make in makers]


def _summary(of: ReportMonth) -> Sheet:
    rows: list[list[Any]] = [[tile.label, tile.value, tile.usd, tile.note] for tile in tiles(of)]
    texts = {"In short": lead(of), "Source": " · ".join(basis(of)), **METHODS}
    rows += [[name, "", None, text] for name, text in texts.items() if text]
    columns: list[_Column] = [("figure", "text", 26), ("value", "text", 20), ("USD", "money", 14)]
    return Sheet("Summary", [*columns, ("basis", "words", 90)], rows)


def _both(title: str) -> list[_Column]:
    """Return two columns of an amount: rounded to cents, and with all digits."""
    return [(f"{title} USD", "money", 14), (f"{title} USD, exact", "exact", 26)]


def _months(of: ReportMonth) -> Sheet:
    months = of.statement.months
    rows: list[list[Any]] = []
    for index, month in enumerate(months):
        closing = opening_and_closing(of.statement.balances, month.month)[1]
        share = whole_change(month, months[index - 1] if index else None)
        amounts = (month.spend, month.storage, month.bandwidth, month.not_split, month.deposits, closing)
        state = "closed" if month.is_closed else "open"
        state += "" if is_whole(month) else f" ({days_text(month.days)})"
        cells = [cell for amount in amounts for cell in (amount, amount)]
        rows.append(
            [
                first_day(month.month),
                state,
                *cells,
                share,
                cost_per_tb(month) if is_whole(month) else None,
                ", ".join(month.not_read),
            ]
        )
    names = ("spend", "storage", "bandwidth", "not split", "deposits", "closing balance")
    columns: list[_Column] = [("month", "month", 10), ("state", "text", 16)]
    columns += [column for name in names for column in _both(name)]
    columns += [("change", "share", 10), ("USD per TB stored", "money", 12), ("not read", "text", 20)]
    sums = [_total(row[position] for row in rows) for position in range(2, 12, 2)]
    totals = [cell for amount in sums for cell in (amount, amount)]
    return Sheet("Months", columns, rows, [None, "total", *totals, None, None, None, None, None] if rows else ())


def _accounts(of: ReportMonth) -> Sheet:
    rows: list[list[Any]] = []
    as_of = of.statement.as_of
    for account in of.statement.accounts:
        months = {month.month: month for month in account.months}
        month, before = months.get(of.month), months.get(next_month(of.month, -1))
        balance = account.balances[-1].closing if account.balances else None
        spend, deposits = (month.spend, month.deposits) if month else (None, None)
        runway = account.runway
        left = runway_text(runway, as_of and as_of.date())
        share = whole_change(month, before)
        empty = runway.empty_on if runway else None
        waiting = sum(not row.is_credited for row in account.facts.deposits)
        rows.append(
            [account.account, spend, spend, share, deposits, deposits, balance, balance, left, empty, waiting,
             account.facts.read_at]
        )  # fmt: skip
    columns: list[_Column] = [
        ("account", "text", 24), *_both(f"spend {of.month}"), ("change", "share", 10), *_both(f"deposits {of.month}"),
        *_both("balance, derived"), ("runway, estimate", "text", 16), ("empty on, estimate", "day", 14),
        ("not credited", "count", 12), ("read at, UTC", "time", 18),
    ]  # fmt: skip
    total: list[Any] = []
    if rows:
        sums = {position: _total(row[position] for row in rows) for position in (1, 2, 4, 5, 6, 7)}
        total = ["total", *(sums.get(position) for position in range(1, 10)), sum(row[10] for row in rows), None]
    return Sheet("Accounts", columns, rows, total)


def _days(of: ReportMonth) -> Sheet:
    rows = [
        [account.account, day.day, day.usd, day.usd, day.storage_bytes, day.bandwidth_bytes]
        for account in of.statement.accounts
        for day in account.facts.days
    ]
    columns: list[_Column] = [("account", "text", 24), ("day", "day", 12), *_both("spend")]
    columns += [("bytes stored", "count", 22), ("bytes transferred", "count", 22)]
    spend = _total(row[2] for row in rows)
    return Sheet("Days", columns, rows, ["total", None, spend, spend, None, None] if rows else ())


def _balance(of: ReportMonth) -> Sheet:
    rows = [
        [
            day.day,
            *(cell for amount in (day.opening, day.credited, day.spent, day.closing) for cell in (amount, amount)),
        ]
        for day in of.statement.balances
    ]
    columns = [column for name in ("opening", "credited", "spent", "closing") for column in _both(name)]
    return Sheet("Balance, derived", [("day", "day", 12), *columns], rows)


def _deposits(of: ReportMonth) -> Sheet:
    rows: list[list[Any]] = [
        [first_day(row.month) if row.month else None, row.token, row.credited, row.tokens, row.tokens, row.usd, row.usd,
         row.rate, row.uncredited, row.uncredited_tokens]
        for row in of.statement.deposits
    ]  # fmt: skip
    columns: list[_Column] = [
        ("month", "month", 10), ("token", "text", 10), ("credited", "count", 10), ("tokens", "number", 16),
        ("tokens, exact", "exact", 28), *_both("worth"), ("USD per token", "number", 14),
        ("not credited", "count", 12), ("tokens not credited", "number", 18),
    ]  # fmt: skip
    total: list[Any] = []
    if rows:
        worth = _total(row[5] for row in rows)
        counts = [sum(row[position] for row in rows) for position in (2, 8)]
        total = [None, "total", counts[0], None, None, worth, worth, None, counts[1], None]
    return Sheet("Deposits", columns, rows, total)


def _unusual(of: ReportMonth) -> Sheet:
    rows = [[day.day, day.usd, day.expected, round(day.score, 1)] for day in of.statement.unusual]
    columns = [
        ("day", "day", 12), ("spend USD", "money", 14), ("median before USD", "money", 18),
        ("deviations", "number", 12),
    ]  # fmt: skip
    return Sheet("Unusual days", columns, rows)


def _cu(of: ReportMonth) -> Sheet:
    rows = [
        [
            account,
            _date(usage.year_month, "-01"),
            _date(day.date),
            line.node_type,
            line.type,
            line.count,
            line.cu,
            line.cu,
        ]
        for account, usage in of.statement.facts.cu
        for day in usage.daily
        for line in day.breakdown
    ]
    columns: list[_Column] = [
        ("account", "text", 20), ("month", "month", 10), ("day", "day", 12), ("node", "text", 24), ("kind", "text", 10),
        ("runs", "count", 10), ("CU", "number", 14), ("CU, exact", "exact", 20),
    ]  # fmt: skip
    units = _total(row[6] for row in rows)
    return Sheet("Compute units", columns, rows, ["total", *[None] * 5, units, units] if rows else ())


def _metered(of: ReportMonth) -> Sheet:
    rows = [
        [account, usage.period.start, usage.period.end, metric.name, metric.unit, metric.included, metric.used,
         metric.overage]
        for account, usage in of.statement.facts.metered
        for metric in usage.metrics.values()
    ]  # fmt: skip
    for account, usage in of.statement.facts.metered:
        cost = usage.estimated_cost
        parts = (("Cost: base", cost.base), ("Cost: over", cost.overage), ("Cost: total", cost.total))
        period = (usage.period.start, usage.period.end)
        rows += [[account, *period, name, cost.currency.upper(), None, amount, None] for name, amount in parts]
    columns: list[_Column] = [
        ("account", "text", 20), ("from, UTC", "time", 18), ("to, UTC", "time", 18), ("metric", "text", 24),
        ("unit", "text", 12), ("included", "number", 14), ("used", "number", 14), ("over", "number", 14),
    ]  # fmt: skip
    return Sheet("Metered billing", columns, rows)


def _controls(of: ReportMonth) -> Sheet:
    rows = [
        [row.list, row.account, row.rows, row.listed, row.counted, row.first, row.last, row.usd, row.usd, row.unpriced,
         row.read_at]
        for account in of.statement.facts.accounts
        for row in control_totals(account)
    ]  # fmt: skip
    columns: list[_Column] = [
        ("list", "text", 24), ("account", "text", 24), ("rows", "count", 10), ("rows of the list", "count", 14),
        ("provider's count", "count", 16), ("first", "day", 12), ("last", "day", 12), *_both("sum"),
        ("without amount", "count", 14), ("read at, UTC", "time", 18),
    ]  # fmt: skip
    return Sheet("Control totals", columns, rows)


def _date(text: str | None, end: str = "") -> dt.date | str | None:
    """Return the day that a text with this end is, or the text. A workbook has no days before 1900."""
    try:
        day = dt.date.fromisoformat(f"{text}{end}")
    except ValueError:
        return text
    return day if day.year >= 1900 else text


def _total(amounts: Iterator[Any]) -> Decimal:
    return exact_sum(*(amount for amount in amounts if amount is not None))
