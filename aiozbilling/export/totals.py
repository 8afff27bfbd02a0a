"""What an export counts while rows go by, exact, and kept in its checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, localcontext
from typing import Any

import attrs

from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.window import Consistency, WalkReport
from aiozbilling.records import DayUsage, TopUp
from aiozbilling.records.amounts import scaled

__all__ = ["Facts", "Progress", "since", "worst"]

_CONSISTENCIES: tuple[Consistency, ...] = ("static", "grown", "changed")
_ZERO = Decimal(0)
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


def worst(*seen: Consistency) -> Consistency:
    """Give the one that says most against the list."""
    return _CONSISTENCIES[max(map(_CONSISTENCIES.index, seen))]


def since(cursor: Cursor, offset: int, total: int, nulls: int) -> tuple[Consistency, bool]:
    """Tell what became of a list since a cursor, and whether that is at most an append.

    The first row behind the cursor that is not null is at `offset` now; at most `nulls` null rows stand before it.
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
        rows_without_usd: rows that say nothing about USD and so are not in that sum.
        runs: 1, and one more for each time that the export was taken up again.
        consistency: the worst that any run's walk saw, or that shows between two runs.
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
            self._add_amounts(rows)
            self._add_usd([row.total_amount if row.credit is None else row.credit for row in rows])
        elif rows and isinstance(rows[0], DayUsage):
            self._add_usd([row.total_amount for row in rows])

    def walked(self, before: Facts, report: WalkReport) -> None:
        """Take over what this run's walk saw, beside what the runs `before` it saw."""
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

    def _add_amounts(self, rows: Sequence[TopUp]) -> None:
        amounts = [row.amount for row in rows]
        with localcontext(_EXACT):
            for denom in {amount.denom for amount in amounts}:
                of_denom = [amount.amount for amount in amounts if amount.denom == denom]
                self.amounts[denom] = sum(of_denom, self.amounts.get(denom, _ZERO))

    def _add_usd(self, amounts: Sequence[Decimal | None]) -> None:
        known = [amount for amount in amounts if amount is not None]
        self.rows_without_usd += len(amounts) - len(known)
        with localcontext(_EXACT):
            self.attousd = sum(known, self.attousd)
