"""The tables of months, deposits, accounts and days."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from aiozbilling.records.calendar import next_month
from aiozbilling.report.grid import Grid, shown
from aiozbilling.report.marks import sparkline
from aiozbilling.report.numbers import (
    NOTHING,
    count,
    decimal,
    money,
    month_name,
    percent,
    runway_text,
    tokens_text,
)
from aiozbilling.report.period import ReportMonth, is_whole, month_label, opening_and_closing, whole_change
from aiozbilling.statement.estimates import complete_days
from aiozbilling.statement.facts import SpendDay
from aiozbilling.statement.months import SpendMonth, cost_per_tb
from aiozbilling.statement.summary import AccountStatement

__all__ = [
    "accounts_grid",
    "deposits_grid",
    "months_grid",
    "top_days_grid",
    "unusual_grid",
]

_MONTHS, _ACCOUNTS = 12, 20
_SPARK_DAYS = 60


def months_grid(of: ReportMonth) -> Grid:
    """List the months: spend by component, deposits, closing balance, newest first."""
    months = of.statement.months
    rows = [_month_row(of, month, months[index - 1] if index else None) for index, month in enumerate(months)]
    rows.reverse()
    titles = ("<month", "spend", "change", "storage", "bandwidth", "not split", "per TB", "deposits", "closing")
    return Grid(
        columns=titles, rows=rows[:_MONTHS], folded=rows[_MONTHS:], folded_title="Earlier months", marked=of.month
    )


def _month_row(of: ReportMonth, month: SpendMonth, previous: SpendMonth | None) -> list[str]:
    return [
        month_label(month),
        money(month.spend),
        percent(whole_change(month, previous), signed=True),
        money(month.storage),
        money(month.bandwidth),
        money(month.not_split),
        money(cost_per_tb(month) if is_whole(month) else None),
        money(month.deposits),
        money(opening_and_closing(of.statement.balances, month.month)[1]),
    ]


def deposits_grid(of: ReportMonth) -> Grid:
    """List deposits by month and token with their rate, newest first."""
    rows = [
        [
            row.month or "no time",
            shown(row.token),
            count(row.credited),
            tokens_text(row.tokens),
            money(row.usd),
            money(row.rate, 4),
            count(row.uncredited),
            tokens_text(row.uncredited_tokens) if row.uncredited else NOTHING,
        ]
        for row in reversed(of.statement.deposits)
    ]
    titles = ("<month", "<token", "credited", "tokens", "worth", "USD per token", "not credited", "their tokens")
    return Grid(columns=titles, rows=rows[:_MONTHS], folded=rows[_MONTHS:], folded_title="Earlier deposits")


def accounts_grid(of: ReportMonth) -> Grid:
    """List the accounts, highest spend first, with the spend of their last 60 complete days as a line."""
    accounts = sorted(of.statement.accounts, key=lambda account: _spend(account, of.month), reverse=True)
    rows = [_account_row(of, account, with_line=index < _ACCOUNTS) for index, account in enumerate(accounts)]
    titles = (
        "<account", "<60 days", month_name(of.month), "change", "deposits", "balance", "runway", "not credited",
    )  # fmt: skip
    return Grid(
        columns=titles,
        rows=rows[:_ACCOUNTS],
        folded=rows[_ACCOUNTS:],
        folded_title="Further accounts",
        total=_all_accounts(of) if len(rows) > 1 else (),
    )


def _account_row(of: ReportMonth, account: AccountStatement, *, with_line: bool) -> list[Any]:
    months = {month.month: month for month in account.months}
    month, before = months.get(of.month), months.get(next_month(of.month, -1))
    as_of, runway = of.statement.as_of, account.runway
    recent = [float(day.usd or 0) for day in complete_days(account.facts)[-_SPARK_DAYS:]] if with_line else []
    return [
        shown(account.account),
        sparkline(recent),
        money(month.spend if month else None),
        percent(whole_change(month, before), signed=True),
        money(month.deposits if month else None),
        money(account.balances[-1].closing if account.balances else None),
        runway_text(runway, as_of and as_of.date()),
        count(sum(not row.is_credited for row in account.facts.deposits)),
    ]


def _all_accounts(of: ReportMonth) -> list[str]:
    month = of.spend_month
    return [
        f"all {count(len(of.statement.accounts))}",
        "",
        money(month.spend if month else None),
        percent(whole_change(month, of.previous), signed=True),
        money(month.deposits if month else None),
        money(of.statement.balances[-1].closing if of.statement.balances else None),
        "",
        count(sum(row.uncredited for row in of.statement.deposits)),
    ]


def _spend(account: AccountStatement, month: str) -> Decimal:
    return next((row.spend for row in account.months if row.month == month), Decimal(-1))


def top_days_grid(of: ReportMonth) -> Grid:
    """List the days of the month with the highest spend."""
    days = sorted(of.days, key=lambda day: (-Fraction(day.usd or 0), day.day))[:5]
    total = of.spend_month.spend if of.spend_month else Decimal(0)
    rows = [[str(day.day), *_of_total(day, total)] for day in days]
    return Grid(columns=("<day", "spend", "share", "stored", "transferred"), rows=rows)


def _of_total(day: SpendDay, total: Decimal) -> list[str]:
    share = Fraction(day.usd or 0) / Fraction(total) if total else None
    return [money(day.usd, 4), percent(share), _terabytes(day.storage_bytes), _terabytes(day.bandwidth_bytes)]


def _terabytes(size: int) -> str:
    return f"{decimal(Fraction(size, 10**12), 2)} TB" if size >= 10**12 else f"{decimal(Fraction(size, 10**9), 1)} GB"


def unusual_grid(of: ReportMonth) -> Grid:
    """List the unusual days, newest first."""
    rows = [
        [str(day.day), money(day.usd, 4), money(day.expected, 4), f"{day.score:+.1f}".replace("-", "−")]  # noqa: RUF001
        for day in reversed(of.statement.unusual)
    ]
    return Grid(
        columns=("<day", "spend", "median before", "deviations"),
        rows=rows[:5],
        folded=rows[5:50],
        folded_title="Earlier ones",
    )
