"""The exact counts and sums of an export. The checkpoint stores them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

import attrs

from aiozbilling.export.span import Order
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.window import Consistency, WalkReport
from aiozbilling.records import DayUsage, TopUp
from aiozbilling.records.amounts import EXACT, scaled

__all__ = ["Facts", "Progress", "gaps", "since", "worst"]

_CONSISTENCIES: tuple[Consistency, ...] = ("static", "grown", "changed")
_ZERO = Decimal(0)


def worst(*seen: Consistency) -> Consistency:
    """Return the worst of several consistencies."""
    return _CONSISTENCIES[max(map(_CONSISTENCIES.index, seen))]


def since(cursor: Cursor, offset: int, total: int, nulls: int) -> tuple[Consistency, bool]:
    """Return how a list changed since a cursor, and whether it changed at most by an append.

    The first row after the cursor that is not null is now at `offset`; at most `nulls` null rows are before it.
    """
    moved, came = offset - (cursor.position + 1), total - cursor.total
    if 0 < moved <= nulls:
        moved = 0
    if 0 <= moved <= came:
        return ("grown" if came else "static"), not moved
    return "changed", False


@attrs.frozen(kw_only=True)
class Progress:
    """How far an export is.

    Attributes:
        rows: written so far, those of earlier interrupted runs included.
        read: rows read from the list so far; more than `rows` where a span leaves some out.
        resumed: rows that earlier interrupted runs had read.
        total: rows of the list by the server's latest count.
        pages: read so far, in all runs.
    """

    rows: int
    read: int
    resumed: int
    total: int
    pages: int


@attrs.define(kw_only=True)
class Facts:
    """Count rows, times and sums over all runs of one export.

    Attributes:
        rows: written.
        read: of the list, written or not.
        outside: left out because their time is outside the span, or because they have none.
        first_time: earliest time of a written row.
        last_time: latest time of a written row.
        amounts: sum of the wire's amounts by denomination.
        attousd: sum in USD * 10^18.
        uncredited_rows: of `rows`, deposits whose status is not true.
        uncredited_amounts: their part of `amounts`.
        uncredited_attousd: their part of `attousd`.
        days: days that have a row, sorted; only of `DayUsage`.
        host: the host that the latest run read from.
        order: of the rows read, where the export may stop early.
        stopped_early: the rest of the list was not read, because it is before the span.
        rows_without_usd: rows without an amount in USD; that sum does not include them.
        runs: 1, plus one for each time that the export was resumed.
        consistency: the worst of all runs, and of the changes between two runs.
    """

    started_at: datetime
    rows: int = 0
    read: int = 0
    outside: int = 0
    first_time: datetime | None = None
    last_time: datetime | None = None
    amounts: dict[str, Decimal] = attrs.field(factory=dict)
    attousd: Decimal = _ZERO
    rows_without_usd: int = 0
    uncredited_rows: int = 0
    uncredited_amounts: dict[str, Decimal] = attrs.field(factory=dict)
    uncredited_attousd: Decimal = _ZERO
    days: list[date] = attrs.field(factory=list)
    host: str = ""
    order: Order = Order()
    stopped_early: bool = False
    runs: int = 0
    pages: int = 0
    requests: int = 0
    duplicates_skipped: int = 0
    null_rows_skipped: int = 0
    total_first: int | None = None
    total_last: int | None = None
    consistency: Consistency = "static"

    @property
    def usd(self) -> Decimal:
        """Sum in USD, not rounded."""
        return scaled(self.attousd)

    def add(self, rows: Sequence[Any], times: Sequence[datetime | None]) -> None:
        """Count rows that are written."""
        self.rows += len(rows)
        self._add_times([time for time in times if time is not None])
        if rows and isinstance(rows[0], TopUp):
            self._add_top_ups(rows)
        elif rows and isinstance(rows[0], DayUsage):
            self.days = sorted({*self.days, *(row.day for row in rows)})
            self._add_usd([row.total_amount for row in rows])

    def walked(self, before: Facts, report: WalkReport) -> None:
        """Add what this run's walk saw to what the runs `before` it saw."""
        for name in ("pages", "requests", "duplicates_skipped", "null_rows_skipped"):
            setattr(self, name, getattr(before, name) + getattr(report, name))
        self.total_first = report.total_first if before.total_first is None else before.total_first
        self.total_last = before.total_last if report.total_last is None else report.total_last
        self.consistency = worst(before.consistency, report.consistency)

    def _add_times(self, times: Sequence[datetime]) -> None:
        if times:
            first, last = min(times), max(times)
            self.first_time = first if self.first_time is None else min(self.first_time, first)
            self.last_time = last if self.last_time is None else max(self.last_time, last)

    def _add_top_ups(self, rows: Sequence[TopUp]) -> None:
        self.amounts = _added(self.amounts, rows)
        self._add_usd(list(map(_attousd, rows)))
        uncredited = [row for row in rows if row.status is not True]
        if uncredited:
            self.uncredited_rows += len(uncredited)
            self.uncredited_amounts = _added(self.uncredited_amounts, uncredited)
            with localcontext(EXACT):
                known = [amount for amount in map(_attousd, uncredited) if amount is not None]
                self.uncredited_attousd = sum(known, self.uncredited_attousd)

    def _add_usd(self, amounts: Sequence[Decimal | None]) -> None:
        known = [amount for amount in amounts if amount is not None]
        self.rows_without_usd += len(amounts) - len(known)
        with localcontext(EXACT):
            self.attousd = sum(known, self.attousd)


def gaps(days: Sequence[date]) -> list[tuple[date, date]]:
    """Return the first and the last day of each gap in sorted days."""
    one = timedelta(days=1)
    return [(day + one, later - one) for day, later in pairwise(days) if later - day > one]


def _attousd(row: TopUp) -> Decimal | None:
    return row.total_amount if row.credit is None else row.credit


def _added(amounts: dict[str, Decimal], rows: Sequence[TopUp]) -> dict[str, Decimal]:
    """Return sums by denomination with those of more rows."""
    added = dict(amounts)
    with localcontext(EXACT):
        for denom in {row.amount.denom for row in rows}:
            of_denom = [row.amount.amount for row in rows if row.amount.denom == denom]
            added[denom] = sum(of_denom, added.get(denom, _ZERO))
    return added
