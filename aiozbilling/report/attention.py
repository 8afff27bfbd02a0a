"""Remarks for the reader of the report, most urgent first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import attrs

from aiozbilling.records.calendar import last_day, month_of
from aiozbilling.report.grid import shown
from aiozbilling.report.numbers import count, days_text, money, quantity
from aiozbilling.report.period import SOON_DAYS, ReportMonth
from aiozbilling.statement.controls import control_totals
from aiozbilling.statement.facts import AccountFacts

__all__ = ["Remark", "remarks"]

_MOST = 8


@attrs.frozen
class Remark:
    """A sentence. `tone` is ``"bad"`` if it needs action, and ``"note"`` otherwise."""

    tone: str
    text: str


def remarks(of: ReportMonth) -> list[Remark]:
    """Return the remarks, at most eight."""
    found = sorted(_all(of), key=lambda remark: remark.tone != "bad")
    rest = len(found) - _MOST
    return [*found[:_MOST], *([Remark("note", f"and {rest} more")] if rest > 0 else [])]


def _all(of: ReportMonth) -> Iterator[Remark]:
    yield from _balances(of)
    yield from _overage(of)
    month = of.spend_month
    if month is not None and month.not_read:
        names = _some([shown(name) for name in month.not_read])
        yield Remark("bad", f"Not read since {last_day(of.month)} or earlier, so the month may lack days: {names}.")
    if month is not None and month.has_excess:
        excess = money(month.not_split.copy_negate())
        yield Remark("bad", f"Storage and bandwidth are {excess} more than the sum of the days, which may lack days.")
    yield from _shared(of.statement.facts.accounts)
    for account in of.statement.facts.accounts:
        yield from _lists(account)
    yield from _unusual(of)


def _balances(of: ReportMonth) -> Iterator[Remark]:
    as_of = of.statement.as_of
    for runway in of.statement.runways:
        left = None if as_of is None else runway.days_left(as_of.date())
        if runway.balance < 0:
            yield Remark("bad", f"{shown(runway.account)} is overdrawn: {money(runway.balance)}, derived.")
        elif left is not None and left < SOON_DAYS:
            yield Remark(
                "bad", f"{shown(runway.account)} has {days_text(int(left))} of balance left, until {runway.empty_on}."
            )


def _overage(of: ReportMonth) -> Iterator[Remark]:
    for account, usage in of.metered:
        whose = f"{shown(account)}, " if len(of.metered) > 1 else ""
        for metric in usage.metrics.values():
            if metric.overage:
                over = f"{quantity(metric.overage)} {shown(metric.unit)}"
                yield Remark("bad", f"{whose}{shown(metric.name)}: {over} over the plan.")


def _shared(accounts: Sequence[AccountFacts]) -> Iterator[Remark]:
    """Return remarks about accounts with the same deposits: one account with two labels counts twice."""
    owners: dict[object, str] = {}
    shared: Counter[tuple[str, str]] = Counter()
    for account in accounts:
        for row in account.deposits:
            # Ids alone may be numbers that each account has.
            owner = owners.setdefault((row.id, row.at, row.token, row.tokens), account.account)
            if owner != account.account:
                shared[owner, account.account] += 1
    for (one, other), number in shared.items():
        rows = f"{count(number)} deposit{'s' * (number != 1)}"
        yield Remark("bad", f"{shown(one)} and {shown(other)} share {rows}: one account under two names counts twice.")


def _lists(account: AccountFacts) -> Iterator[Remark]:
    name = shown(account.account)
    _, _, history = totals = control_totals(account)
    for total, noun in ((totals[0], "top-ups"), (history, "days")):
        if total.counted is not None and total.counted != total.listed:
            yield Remark(
                "bad", f"{name}: {count(total.listed)} {noun} are known, the provider counts {count(total.counted)}."
            )
    if account.removed:
        rows = "1 row is" if account.removed == 1 else f"{count(account.removed)} rows are"
        yield Remark("bad", f"{name}: {rows} no longer in the provider's lists.")
    unpriced = totals[0].unpriced + history.unpriced
    if unpriced:
        rows = "1 row has no amount and counts" if unpriced == 1 else f"{count(unpriced)} rows have no amount and count"
        yield Remark("bad", f"{name}: {rows} as 0.")
    if account.future_rows:
        rows = "1 row is" if account.future_rows == 1 else f"{count(account.future_rows)} rows are"
        yield Remark("bad", f"{name}: {rows} dated in the future.")
    if account.days:
        first, last = account.days[0].day, account.days[-1].day
        gaps = (last - first).days + 1 - len(account.days)
        if gaps:
            yield Remark("bad", f"{name}: the history lacks {days_text(gaps)} between {first} and {last}.")
        if totals[0].first is not None and totals[0].first < first:
            yield Remark("note", f"{name}: deposits begin before the history; spend before {first} is unknown.")


def _unusual(of: ReportMonth) -> Iterator[Remark]:
    days = [day for day in of.statement.unusual if month_of(day.day) == of.month]
    if days:
        named = _some([f"{day.day} ({money(day.usd)})" for day in days])
        yield Remark("note", f"Unusual spend on {named}.")


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
