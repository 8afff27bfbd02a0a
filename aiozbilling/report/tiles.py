"""The tiles at the head of the report."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import attrs

from aiozbilling.records.amounts import exact_sum
from aiozbilling.records.calendar import first_day, last_day, month_of
from aiozbilling.report.grid import shown
from aiozbilling.report.numbers import (
    NOTHING,
    days_text,
    long_month,
    money,
    money_short,
    month_name,
    percent,
    quantity,
    runway_text,
    time_text,
)
from aiozbilling.report.period import SOON_DAYS, ReportMonth, is_whole

__all__ = ["Tile", "tiles"]


@attrs.frozen
class Tile:
    """A figure with its label and a note. `tone` is ``"bad"`` if it needs action; `usd` is the value if it is money."""

    label: str
    value: str
    note: str
    tone: str = ""
    usd: Decimal | Fraction | None = None


def tiles(of: ReportMonth) -> list[Tile]:
    """Return the six tiles."""
    return [_spend(of), _opening(of), _deposits(of), _closing(of), _runway(of), _running(of)]


def _spend(of: ReportMonth) -> Tile:
    month = of.spend_month
    if month is None:
        return Tile(f"Spend, {long_month(of.month)}", money(None), "no data for this month")
    previous = of.previous
    if of.change is not None and previous is not None:
        part = "" if is_whole(previous) else f"{days_text(previous.days)} of "
        note = f"{percent(of.change, signed=True)} on {part}{month_name(previous.month)}"
    elif month.is_closed and previous is not None:
        note = f"{month_name(previous.month)}: {money_short(previous.spend)}"
    elif month.is_closed:
        note = "first month with spend" if month.spend else "nothing was spent"
    else:
        note = f"{days_text(month.days)} so far"
    note = f"AIOZ Pin; {note}" if of.statement.facts.metered else note
    return Tile(f"Spend, {long_month(of.month)}", money_short(month.spend), note, usd=month.spend)


def _opening(of: ReportMonth) -> Tile:
    opening = of.balances[0]
    return Tile("Opening balance", money_short(opening), f"{first_day(of.month)} 00:00 UTC, derived", usd=opening)


def _closing(of: ReportMonth) -> Tile:
    closing = of.balances[1]
    as_of = of.statement.as_of
    when = time_text(as_of) if of.is_running else f"{last_day(of.month)} 24:00 UTC"
    tone = "bad" if (closing or 0) < 0 else ""
    return Tile("Closing balance", money_short(closing), f"{when}, derived", tone, closing)


def _deposits(of: ReportMonth) -> Tile:
    if of.spend_month is None:
        return Tile("Deposits credited", money(None), "no data for this month")
    credited = [row for row in of.deposits if row.credited]
    total = exact_sum(*(row.usd for row in credited))
    waiting = sum(row.uncredited for row in of.deposits)
    if len(credited) == 1 and credited[0].rate is not None:
        note = f"{quantity(credited[0].tokens)} {shown(credited[0].token)} at {money(credited[0].rate, 4)}"
    else:
        note = f"in {len(credited)} tokens" if len(credited) > 1 else "none" if not credited else "no value in USD"
    note += f"; {waiting} not credited" if waiting else ""
    return Tile("Deposits credited", money_short(total), note, usd=total)


def _runway(of: ReportMonth) -> Tile:
    as_of, first = of.statement.as_of, of.statement.runway
    if as_of is None or not of.statement.runways:
        return Tile("Runway", money(None), "no account was read")
    if first is None:
        spent = any(runway.basis_days for runway in of.statement.runways)
        return Tile("Runway", "no end" if spent else NOTHING, "nothing is spent" if spent else "no complete day yet")
    left = first.days_left(as_of.date())
    whose = f"{shown(first.account)} first, " if len(of.statement.accounts) > 1 else ""
    when = "overdrawn" if first.balance < 0 else f"empty {first.empty_on}" if first.empty_on else "not within a century"
    note = f"{whose}{when}" + (f"; {money_short(first.per_day)} a day" if first.basis_days else "")
    tone = "bad" if left is not None and left < SOON_DAYS else ""
    return Tile("Runway", runway_text(first, as_of.date()), note, tone)


def _running(of: ReportMonth) -> Tile:
    as_of = of.statement.as_of
    if as_of is None:
        return Tile("This month", money(None), "no data")
    now = month_of(as_of.date())
    projected = of.statement.projection(now)
    if of.is_running:
        note = "no complete day yet" if projected is None else "estimate: the 30-day mean for the days left"
        return Tile("At the month's end", _about(projected), note, usd=projected)
    month = of.statement.month(now)
    end = "" if projected is None else f"; {_about(projected)} at its end"
    days = days_text(0 if month is None else month.days)
    spend = month.spend if month else Decimal(0)
    return Tile(f"{month_name(now)} so far", money_short(spend), f"{days}{end}", usd=spend)


def _about(projected: Fraction | None) -> str:
    return money(None) if projected is None else f"≈ {money_short(projected)}"
