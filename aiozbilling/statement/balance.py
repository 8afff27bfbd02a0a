"""The balance of each day: credited deposits minus spend. It is derived, because no endpoint returns it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

import attrs

from aiozbilling.records.amounts import exact_sum
from aiozbilling.records.calendar import days_between
from aiozbilling.statement.facts import AccountFacts

__all__ = ["BALANCE_METHOD", "BalanceDay", "balance_days", "balance_on", "combined_balance"]

BALANCE_METHOD = "balance is derived: credited deposits minus spend; no endpoint returns it"
_ZERO = Decimal(0)


@attrs.frozen
class BalanceDay:
    """The derived balance of a day in USD, exact: `closing` is `opening` + `credited` - `spent`."""

    day: dt.date
    opening: Decimal
    credited: Decimal
    spent: Decimal
    closing: Decimal


def balance_days(account: AccountFacts, until: dt.date | None = None) -> tuple[BalanceDay, ...]:
    """Compute an account's balance of each day from its first row to `until`, oldest first, without gaps.

    A credited deposit counts from the day when it was recorded, or from the first day if it has no time. Deposits that
    are not credited don't count. `until` defaults to the latest day that has a row.
    """
    spent = {day.day: day.usd or _ZERO for day in account.days}
    credited: defaultdict[dt.date, Decimal] = defaultdict(Decimal)
    opening = _ZERO
    for row in account.deposits:
        if not row.is_credited or row.usd is None:
            continue
        if row.day is None:
            opening = exact_sum(opening, row.usd)
        else:
            credited[row.day] = exact_sum(credited[row.day], row.usd)
    known = [*spent, *credited, *([until] if until else [])]
    if until and len(known) == 1 and not opening:
        known = []
    return _carried(days_between(min(known), max(known)) if known else [], opening, credited, spent)


def combined_balance(series: Sequence[Sequence[BalanceDay]]) -> tuple[BalanceDay, ...]:
    """Add up the balances of several accounts day by day. After its last day, an account keeps its last balance."""
    known = [rows for rows in series if rows]
    if not known:
        return ()
    credited: defaultdict[dt.date, Decimal] = defaultdict(Decimal)
    spent: defaultdict[dt.date, Decimal] = defaultdict(Decimal)
    first = min(rows[0].day for rows in known)
    opening = exact_sum(*(rows[0].opening for rows in known))
    for row in (row for rows in known for row in rows):
        credited[row.day] = exact_sum(credited[row.day], row.credited)
        spent[row.day] = exact_sum(spent[row.day], row.spent)
    return _carried(days_between(first, max(rows[-1].day for rows in known)), opening, credited, spent)


def balance_on(days: Sequence[BalanceDay], day: dt.date) -> Decimal | None:
    """Return the closing balance of a day: None before the first day, the last known balance after the last day."""
    if not days or day < days[0].day:
        return None
    return days[min((day - days[0].day).days, len(days) - 1)].closing


def _carried(
    days: Sequence[dt.date], opening: Decimal, credited: dict[dt.date, Decimal], spent: dict[dt.date, Decimal]
) -> tuple[BalanceDay, ...]:
    rows = []
    for day in days:
        in_, out = credited.get(day, _ZERO), spent.get(day, _ZERO)
        closing = exact_sum(opening, in_, out.copy_negate())
        rows.append(BalanceDay(day, opening, in_, out, closing))
        opening = closing
    return tuple(rows)
