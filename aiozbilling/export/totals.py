"""The counts and sums of an export, while it reads pages and over several runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

import attrs

from aiozbilling.export.facts import Facts
from aiozbilling.export.span import Order
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.window import Consistency, WalkReport
from aiozbilling.records import DayUsage, TopUp
from aiozbilling.records.amounts import EXACT, TokenAmount, scaled

__all__ = ["Progress", "Totals", "change_since", "gaps", "worst"]

_ZERO = Decimal(0)
_CONSISTENCIES: tuple[Consistency, ...] = ("static", "grown", "changed")


def worst(*seen: Consistency) -> Consistency:
    """Return the worst of several consistencies; ``"changed"`` is the worst."""
    return _CONSISTENCIES[max(map(_CONSISTENCIES.index, seen))]


def change_since(cursor: Cursor, offset: int, total: int, nulls: int) -> tuple[Consistency, bool]:
    """Return how a list changed since a cursor, and whether rows were at most appended.

    `offset` is where the first row after the cursor is now, null rows not counted. Up to `nulls` null rows are between
    the two.
    """
    moved, came = offset - (cursor.position + 1), total - cursor.total
    if 0 < moved <= nulls:
        moved = 0
    if 0 <= moved <= came:
        return ("grown" if came else "static"), not moved
    return "changed", False


@attrs.frozen(kw_only=True)
class Progress:
    """The progress of an export.

    Attributes:
        rows: rows written so far, in all runs.
        read: rows read from the list so far, in all runs; more than `rows` if `since` or `until` leaves rows out.
        resumed: rows that earlier runs had read.
        total: rows in the list, by the server's latest count.
        pages: pages read so far, in all runs.
    """

    rows: int
    read: int
    resumed: int
    total: int
    pages: int


@attrs.frozen(kw_only=True)
class Totals:
    """What an export has counted in all of its runs. The checkpoint stores it.

    Attributes:
        facts: for the report and the manifest.
        read: rows of the list that were read; each is written or outside the span.
        pages: pages read.
        days: days that have a row, sorted; only for `DayUsage`.
        order: the order of the rows read; only if the export may stop early.
    """

    facts: Facts
    read: int = 0
    pages: int = 0
    days: tuple[date, ...] = ()
    order: Order = Order()

    def of_next_run(self, host: str, fingerprint: str) -> Totals:
        """Return the totals at the start of the next run, with the host and the credentials that it reads with."""
        facts = attrs.evolve(
            self.facts,
            host=host,
            key_fingerprint=fingerprint,
            key_changed=self.facts.key_changed or (self.read > 0 and fingerprint != self.facts.key_fingerprint),
            runs=self.facts.runs + 1,
            stopped_early=False,
        )
        return attrs.evolve(self, facts=facts)

    def with_walk(self, before: Totals, report: WalkReport) -> Totals:
        """Return the totals with what this run's walk saw so far; `before` are the totals of the earlier runs."""
        then = before.facts
        facts = attrs.evolve(
            self.facts,
            requests=then.requests + report.requests,
            duplicates_skipped=then.duplicates_skipped + report.duplicates_skipped,
            null_rows_skipped=then.null_rows_skipped + report.null_rows_skipped,
            total_first=report.total_first if then.total_first is None else then.total_first,
            total_last=then.total_last if report.total_last is None else report.total_last,
            consistency=worst(then.consistency, report.consistency),
        )
        return attrs.evolve(self, facts=facts, pages=before.pages + report.pages)

    def with_change(self, seen: Consistency) -> Totals:
        """Return the totals with how the list changed between two runs."""
        return attrs.evolve(self, facts=attrs.evolve(self.facts, consistency=worst(self.facts.consistency, seen)))

    def with_page(self, times: Sequence[datetime | None], stop_before: datetime | None) -> Totals:
        """Return the totals with one more page that was read, by the times of its rows."""
        totals = attrs.evolve(self, read=self.read + len(times))
        if stop_before is None:
            return totals
        order = self.order.followed_by(times)
        facts = attrs.evolve(self.facts, stopped_early=order.is_past(stop_before, times))
        return attrs.evolve(totals, order=order, facts=facts)

    def with_rows(self, rows: Sequence[Any], times: Sequence[datetime | None]) -> Totals:
        """Return the totals with more rows for the file; their page was counted before."""
        written = self.facts.rows + len(rows)
        facts = attrs.evolve(
            self.facts,
            rows=written,
            rows_outside=self.read - written,
            **_bounds(self.facts, [time for time in times if time is not None]),
            **_sums(self.facts, rows),
        )
        days = tuple(sorted({*self.days, *(row.day for row in rows)})) if _are(DayUsage, rows) else self.days
        return attrs.evolve(self, facts=facts, days=days)


def gaps(days: Sequence[date]) -> list[tuple[date, date]]:
    """Return the first and the last day of each gap in sorted days."""
    one = timedelta(days=1)
    return [(day + one, later - one) for day, later in pairwise(days) if later - day > one]


def _are(kind: type, rows: Sequence[Any]) -> bool:
    return bool(rows) and isinstance(rows[0], kind)


def _bounds(facts: Facts, times: Sequence[datetime]) -> dict[str, Any]:
    if not times:
        return {}
    first, last = min(times), max(times)
    return {
        "first_time": first if facts.first_time is None else min(facts.first_time, first),
        "last_time": last if facts.last_time is None else max(facts.last_time, last),
    }


def _sums(facts: Facts, rows: Sequence[Any]) -> dict[str, Any]:
    """Return the sums of `facts` with those of more rows."""
    if _are(DayUsage, rows):
        return _with_usd(facts, [row.total_amount for row in rows])
    if not _are(TopUp, rows):
        return {}
    uncredited = [row for row in rows if row.status is not True]
    return {
        **_with_usd(facts, _attousd(rows)),
        "amounts": _with_amounts(facts.amounts, rows),
        "rows_uncredited": facts.rows_uncredited + len(uncredited),
        "usd_uncredited": _with_attousd(facts.usd_uncredited, _known(_attousd(uncredited))),
        "amounts_uncredited": _with_amounts(facts.amounts_uncredited, uncredited),
    }


def _with_usd(facts: Facts, amounts: Sequence[Decimal | None]) -> dict[str, Any]:
    known = _known(amounts)
    return {
        "usd": _with_attousd(facts.usd, known),
        "rows_without_usd": facts.rows_without_usd + len(amounts) - len(known),
    }


def _attousd(rows: Sequence[TopUp]) -> list[Decimal | None]:
    return [row.total_amount if row.credit is None else row.credit for row in rows]


def _known(amounts: Sequence[Decimal | None]) -> list[Decimal]:
    # count(None) takes ten times as long, because a Decimal compares itself with None in Python code.
    return [amount for amount in amounts if amount is not None]


def _with_attousd(usd: Decimal, amounts: Sequence[Decimal]) -> Decimal:
    with localcontext(EXACT):
        return usd + scaled(sum(amounts, _ZERO))


def _with_amounts(amounts: dict[str, TokenAmount], rows: Sequence[TopUp]) -> dict[str, TokenAmount]:
    """Return sums by denomination with those of more rows, in the order of the denominations."""
    added = dict(amounts)
    for denom in {row.amount.denom for row in rows}:
        of_denom = [row.amount.amount for row in rows if row.amount.denom == denom]
        with localcontext(EXACT):  # the sum of a list takes a third of the time of exact_sum
            added[denom] = TokenAmount(denom, sum(of_denom, added[denom].amount if denom in added else _ZERO))
    return dict(sorted(added.items()))
