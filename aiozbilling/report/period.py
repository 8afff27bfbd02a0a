"""The month of a report, and its figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import attrs

from aiozbilling.records import CuUsage, MeteredUsage
from aiozbilling.records.calendar import first_day, last_day, month_of, next_month
from aiozbilling.report.numbers import days_text
from aiozbilling.statement.balance import BalanceDay, balance_on
from aiozbilling.statement.deposits import DepositMonth
from aiozbilling.statement.facts import SpendDay
from aiozbilling.statement.months import SpendMonth, change
from aiozbilling.statement.summary import Statement

__all__ = [
    "SOON_DAYS",
    "ReportMonth",
    "default_month",
    "is_whole",
    "month_label",
    "opening_and_closing",
    "whole_change",
]

SOON_DAYS = 14  # an account whose balance lasts for fewer days needs attention


def default_month(statement: Statement, now: dt.datetime) -> str:
    """Return the latest closed month with a day, or else the month of the statement, of another system, or of `now`."""
    closed = [month.month for month in statement.months if month.is_closed and month.days]
    if closed:
        return closed[-1]
    if statement.as_of is not None:
        return month_of(statement.as_of.date())
    metered = [usage.period.year_month for _, usage in statement.facts.metered]
    units = [usage.year_month for _, usage in statement.facts.cu if usage.year_month]
    return max([*metered, *units], default=month_of(now.date()))


def opening_and_closing(balances: Sequence[BalanceDay], month: str) -> tuple[Decimal | None, Decimal | None]:
    """Return the balance before and at the end of a month, or None if the first row is later."""
    first, last = first_day(month), last_day(month)
    if not balances or balances[0].day > last:
        return None, None
    before = balance_on(balances, first - dt.timedelta(days=1))
    return balances[0].opening if before is None else before, balance_on(balances, last)


def is_whole(month: SpendMonth) -> bool:
    """Return whether a month is closed and has a row for each of its days."""
    return month.is_closed and month.days >= last_day(month.month).day


def whole_change(month: SpendMonth | None, previous: SpendMonth | None) -> Fraction | None:
    """Return the change of spend between two months, or None unless both are whole."""
    if month is None or previous is None or not (is_whole(month) and is_whole(previous)):
        return None
    return change(month, previous)


def month_label(month: SpendMonth) -> str:
    """Return a month as tables name it, so that a part of a month is no month: ``2026-11 *``, ``2025-10 (14 days)``."""
    part = "" if is_whole(month) else f" ({days_text(month.days)})" if month.is_closed else " *"
    return f"{month.month}{part}{' †' if month.not_read else ''}"


@attrs.frozen
class ReportMonth:
    """A statement's view of one month, all accounts together."""

    statement: Statement
    month: str

    @property
    def spend_month(self) -> SpendMonth | None:
        """The month's sums, or None if nothing is known about it."""
        return self.statement.month(self.month)

    @property
    def previous(self) -> SpendMonth | None:
        """The sums of the previous month, or None if nothing was spent before this month."""
        earlier = [month for month in self.statement.months if month.month < self.month]
        return earlier[-1] if any(month.spend for month in earlier) else None

    @property
    def change(self) -> Fraction | None:
        """Change relative to the previous month, or None if the month is open or there is no previous month."""
        month = self.spend_month
        if month is None or not month.is_closed:
            return None
        return change(month, self.previous)

    @property
    def is_running(self) -> bool:
        """Whether the month is that of the statement."""
        as_of = self.statement.as_of
        return as_of is not None and month_of(as_of.date()) == self.month

    @property
    def balances(self) -> tuple[Decimal | None, Decimal | None]:
        """Opening and closing balance."""
        return opening_and_closing(self.statement.balances, self.month)

    @property
    def deposits(self) -> list[DepositMonth]:
        """Deposits of the month by token."""
        return [row for row in self.statement.deposits if row.month == self.month]

    @property
    def days(self) -> list[SpendDay]:
        """Days of the month that have a row, oldest first."""
        return self._days_of(self.month)

    @property
    def days_before(self) -> list[SpendDay]:
        """Days of the previous month."""
        return self._days_of(next_month(self.month, -1))

    @property
    def cu(self) -> list[tuple[str, CuUsage]]:
        """Compute units of the month by account."""
        return [(account, usage) for account, usage in self.statement.facts.cu if usage.year_month == self.month]

    @property
    def metered(self) -> list[tuple[str, MeteredUsage]]:
        """Metered usage by account, of periods that begin in the month."""
        usages = self.statement.facts.metered
        return [(account, usage) for account, usage in usages if usage.period.year_month == self.month]

    def _days_of(self, month: str) -> list[SpendDay]:
        return [day for day in self.statement.days if month_of(day.day) == month]
