"""The month in a few sentences, at the head of the report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from aiozbilling.records.amounts import exact_sum
from aiozbilling.report.grid import shown
from aiozbilling.report.numbers import (
    day_name,
    days_text,
    money_in,
    money_short,
    month_name,
    percent,
    quantity,
    time_text,
)
from aiozbilling.report.period import ReportMonth, is_whole

__all__ = ["basis", "lead"]


def lead(of: ReportMonth) -> str:
    """Return the month in sentences, or an empty text if nothing is known of it."""
    return " ".join(_sentences(of))


def basis(of: ReportMonth) -> list[str]:
    """Return what the report rests on: systems, time, units and source."""
    facts = of.statement.facts
    number = len(facts.accounts)
    systems = [f"{number} AIOZ Pin account{'s' * (number != 1)}"] if number else []
    systems += ["B3OS"] if facts.cu else []
    systems += ["metered billing"] if facts.metered else []
    read = [f"as of {time_text(of.statement.as_of)}"] if of.statement.as_of else [] if systems else ["nothing was read"]
    parts = [", ".join(systems) or "no account", *read, "amounts in USD, exact in the source, rounded here"]
    return [*parts, shown(facts.source)] if facts.source else parts


def _sentences(of: ReportMonth) -> Iterator[str]:
    month = of.spend_month
    if month is None:
        yield from _units(of)
        yield from _metered(of)
        return
    so_far = "" if month.is_closed else " so far"
    on = " on AIOZ Pin" if of.statement.facts.metered else ""
    yield f"{month_name(of.month)} cost {_usd(month.spend)}{on}{so_far}{_compared(of)}."
    yield from _metered(of)
    opening, closing = of.balances
    credited = exact_sum(*(row.usd for row in of.deposits if row.credited))
    if opening is not None and closing is not None:
        yield f"{_deposits(credited)} the balance{on} {_moved(opening, closing)}."
    yield from _runway(of)


def _usd(amount: Decimal) -> str:
    text = money_short(amount)
    if text.startswith("\u2212<"):
        return f"less than {text[2:]} below zero"
    return text.replace("<", "less than ")


def _compared(of: ReportMonth) -> str:
    month, previous = of.spend_month, of.previous
    if month is None or previous is None or not month.is_closed:
        return ""
    before = month_name(previous.month)
    if of.change is None:
        return f", after {_usd(previous.spend)} in {before}"
    if not is_whole(previous):
        before = f"the {days_text(previous.days)} of {before}"
    if not round(of.change, 3):
        return f", as much as {before}"
    return f", {percent(abs(of.change))} {'more' if of.change > 0 else 'less'} than {before}"


def _deposits(credited: Decimal) -> str:
    return f"Deposits of {_usd(credited)} were credited, and" if credited else "No deposit was credited, and"


def _moved(opening: Decimal, closing: Decimal) -> str:
    if _usd(opening) == _usd(closing):  # also if they differ by less than a cent
        return f"stayed at {_usd(closing)}"
    return f"{'rose' if closing > opening else 'fell'} from {_usd(opening)} to {_usd(closing)}"


def _runway(of: ReportMonth) -> Iterator[str]:
    first = of.statement.runway
    if first is None:
        return
    whose = f" of account {shown(first.account)}" if len(of.statement.accounts) > 1 else ""
    if first.balance <= 0:
        name = f"Account {shown(first.account)}" if len(of.statement.accounts) > 1 else "The account"
        yield f"{name} has no balance left."
    elif first.empty_on is not None:
        yield f"At the present rate of spend, the balance{whose} lasts until {day_name(first.empty_on)}."


def _units(of: ReportMonth) -> Iterator[str]:
    used = [usage.summary.used for _, usage in of.cu if usage.summary is not None and usage.summary.used is not None]
    if used:
        yield f"{quantity(exact_sum(*used))} compute units were used on B3OS."


def _metered(of: ReportMonth) -> Iterator[str]:
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for _, usage in of.metered:
        cost = usage.estimated_cost
        totals[cost.currency] = exact_sum(totals[cost.currency], cost.total)
    if totals:
        amounts = " and ".join(money_in(amount, shown(currency)) for currency, amount in totals.items())
        yield f"Metered billing costs {amounts}, estimated by the provider."
