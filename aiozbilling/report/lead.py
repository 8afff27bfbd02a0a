"""The month in a few sentences, at the head of the report."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from aiozbilling.records.amounts import exact_sum
from aiozbilling.report.grid import shown
from aiozbilling.report.numbers import day_name, money_short, month_name, percent
from aiozbilling.report.period import ReportMonth
from aiozbilling.statement.calendar import next_month

__all__ = ["lead"]


def lead(of: ReportMonth) -> str:
    """Return the month in sentences, or an empty text if nothing is known of it."""
    return " ".join(_sentences(of))


def _sentences(of: ReportMonth) -> Iterator[str]:
    month = of.spend_month
    if month is None:
        return
    so_far = "" if month.is_closed else " so far"
    yield f"{month_name(of.month)} cost {money_short(month.spend)}{so_far}{_compared(of)}."
    opening, closing = of.balances
    credited = exact_sum(*(row.usd for row in of.deposits if row.credited))
    if opening is not None and closing is not None:
        yield f"{_deposits(credited)} the balance {_moved(opening, closing)}."
    yield from _runway(of)


def _compared(of: ReportMonth) -> str:
    if of.change is None:
        return ""
    before = month_name(next_month(of.month, -1))
    if not round(of.change, 3):
        return f", as much as {before}"
    return f", {percent(abs(of.change))} {'more' if of.change > 0 else 'less'} than {before}"


def _deposits(credited: Decimal) -> str:
    return f"Deposits of {money_short(credited)} were credited, and" if credited else "No deposit was credited, and"


def _moved(opening: Decimal, closing: Decimal) -> str:
    if opening == closing:
        return f"stayed at {money_short(closing)}"
    return f"{'rose' if closing > opening else 'fell'} from {money_short(opening)} to {money_short(closing)}"


def _runway(of: ReportMonth) -> Iterator[str]:
    first = of.statement.runway
    if first is None:
        return
    whose = f"account {shown(first.account)}" if len(of.statement.accounts) > 1 else "the balance"
    if first.balance <= 0:
        name = f"Account {shown(first.account)}" if len(of.statement.accounts) > 1 else "The account"
        yield f"{name} has no balance left."
    elif first.empty_on is not None:
        yield f"At the present rate of spend, {whose} is empty on {day_name(first.empty_on)}."
