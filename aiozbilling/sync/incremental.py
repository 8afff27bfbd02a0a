"""Updates one list of one account in the ledger, exactly and with as few requests as possible."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import attrs

from aiozbilling.errors import DriftError, IncompleteError, RunawayError
from aiozbilling.export.in_thread import in_thread
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.growth import growing_end, is_far_shorter
from aiozbilling.listing.listing import Begin, Listing
from aiozbilling.listing.source import key_text
from aiozbilling.records.texts import time_text
from aiozbilling.sync.layout import Cell, LedgerTable, rows_of
from aiozbilling.sync.reading import Reading
from aiozbilling.sync.runs import ListCounts
from aiozbilling.sync.store import Ledger, ListState

__all__ = ["ListSync"]

_PAUSES = (0.2, 0.5, 1.0)  # between readings of a list whose total collapsed
_CONFIRMED_AFTER = timedelta(minutes=1)  # a later run accepts a list that lost many rows
_SMALL = 1000  # a history of up to so many days is read whole, because a correction of a day does not change the count


@attrs.define(eq=False)
class ListSync:
    """Reads the new rows of a list and stores them page by page.

    A list that grows at its head is read from the head to a row that was among its first rows when it was last
    complete. Until then, the cursor of this reading is stored, and the next run completes the reading first, so that an
    interruption leaves no gap. A list that grows at its tail is read from its last known rows on. The times of the rows
    show at which end it grows. If the server's count differs from the number of stored rows, rows were added elsewhere
    or removed, and the whole list is read.

    Attributes:
        state: how much of the list is stored now.
        seen: hashes of the keys that were read.
        counts: the rows read and stored.
        requests: the requests made.
    """

    _ledger: Ledger
    _table: LedgerTable
    _begin: Begin
    _on_page: Callable[[int, int, int], object]
    _sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    state: ListState = attrs.field(factory=ListState, init=False)
    seen: set[int] = attrs.field(factory=set, init=False)
    counts: ListCounts = attrs.field(factory=ListCounts, init=False)
    requests: int = attrs.field(default=0, init=False)

    async def run(self, *, full: bool = False) -> None:
        """Update the list.

        Raises:
            IncompleteError: the list is much shorter than the stored one, and no earlier run found it so.
            AiozBillingError: a page could not be read.
        """
        self.state = await in_thread(self._ledger.state, self._table)
        if self.state.unfinished is not None:
            await self._resume(self.state.unfinished)
        if full or not self.state.known or not self.state.is_settled or not await self._read_news():
            await self._read_all()

    async def _resume(self, unfinished: str) -> None:
        reading, place = None, Cursor.parse(unfinished)
        try:
            with suppress(DriftError, RunawayError):  # then the position is unknown
                reading = await self._read(self._begin(after=unfinished), place.total)
        except IncompleteError:
            if not self._is_confirmed():
                await self._save(collapsed_at=self._collapsed_at())
                raise
        if reading is None or reading.has_collapsed or (not reading.met and reading.last_total <= place.position):
            self.state = ListState(excess=self.state.excess, collapsed_at=self.state.collapsed_at)
        else:
            await self._complete(reading, is_settled=True)

    async def _read_all(self) -> None:
        known = self.state
        for pause in (*_PAUSES, None):
            self.state = attrs.evolve(known, known=(), place=None, unfinished=None)
            reading = await self._read(self._begin())
            reading.is_whole = True
            gone = await in_thread(self._ledger.missing_from, self._table, reading.seen)
            if self._is_accepted(reading, gone, pause, is_new=known.place is None):
                await self._settle(reading, gone)
                return
            if pause is None:
                await self._refuse_collapse(reading, len(gone))
            else:
                await self._sleep(pause)

    def _is_accepted(self, reading: Reading, gone: Sequence[Cell], pause: float | None, *, is_new: bool) -> bool:
        """Decide whether a reading can be trusted. The last reading of a run has no pause after it."""
        if reading.has_collapsed:
            return False
        if self._lost_many(gone, reading):
            return pause is None and self._is_confirmed()
        # An empty first reading may be a failure of the server.
        return bool(reading.seen) or not is_new or pause is None

    async def _read_news(self) -> bool:
        """Read the new rows, and return whether the ledger then has all rows of the list."""
        if self.state.grows_at == "tail" and self.state.place is not None:
            return await self._read_news_at_tail(Cursor.parse(self.state.place))
        reading = await self._read(self._begin())
        if reading.is_whole and not reading.has_collapsed:
            gone = await in_thread(self._ledger.missing_from, self._table, reading.seen)
            if not self._lost_many(gone, reading):
                await self._settle(reading, gone)
                return True
            return False
        return reading.met and await self._adds_up(reading, reading.first_total)

    async def _read_news_at_tail(self, place: Cursor) -> bool:
        if self._table.key == "date" and self.state.total <= _SMALL:
            return False
        reading = Reading()
        listing = self._begin(offset=max(0, place.position + 1 - len(place.anchors)))
        async with aclosing(listing.pages()) as pages:
            async for page in pages:
                reading.met = reading.met or not self._keys(page.items).isdisjoint(place.anchors)
                if not reading.met:
                    break
                reading.last_total = page.total
                await self._store(page.items, page.total, attrs.evolve(self.state, place=_text(listing.cursor)))
        self.requests += listing.report.requests
        return reading.met and await self._adds_up(reading, reading.last_total)

    async def _adds_up(self, reading: Reading, total: int) -> bool:
        """Compare the server's count with the stored rows. If they differ, ask for the count again: it may be late."""
        expected = await in_thread(self._ledger.present, self._table) + self.state.excess
        if total != expected:
            again = self._begin(max_items=1)
            await again
            self.requests += again.report.requests
            total = again.report.total_last or 0
        if total != expected:
            return False
        if reading.cursor is not None:
            await self._complete(reading, is_settled=True, total=total)
        else:
            await self._save(total=total, collapsed_at=None)
        return True

    async def _read(self, listing: Listing[Any], counted: int = 0) -> Reading:
        """Read up to a page with a known row, or to the end; `counted` is the list's count where it continues."""
        known, reading, position = frozenset(self.state.known), Reading(counted=counted), 0
        async with aclosing(listing.pages()) as pages:
            async for page in pages:
                reading.met = bool(known) and not known.isdisjoint(self._keys(page.items))
                if not position:
                    self._note_direction(page.items, page.offset)
                position = page.offset + len(page.items)
                await self._store(page.items, page.total, self._unfinished(reading, listing.cursor), reading.seen)
                if reading.met:
                    break
        report = listing.report
        self.requests += report.requests
        reading.nulls, reading.cursor = report.null_rows_skipped, listing.cursor
        reading.first_total, reading.last_total = report.total_first or 0, report.total_last or 0
        whole = len(reading.seen) + reading.nulls
        reading.is_whole = listing.parameters["after"] is None and (not reading.met or whole >= reading.last_total)
        return reading

    def _keys(self, rows: Sequence[Any]) -> set[str]:
        return set(map(key_text, map(attrgetter(self._table.columns[0].path), rows)))

    def _unfinished(self, reading: Reading, cursor: Cursor | None) -> ListState | None:
        return None if reading.met else attrs.evolve(self.state, unfinished=_text(reading.unshortened(cursor)))

    def _lost_many(self, gone: Sequence[Cell], reading: Reading) -> bool:
        """Whether far more rows are gone than the removal of single rows explains."""
        return is_far_shorter(len(reading.seen), len(gone) + len(reading.seen))

    def _is_confirmed(self) -> bool:
        """Return whether a run at least a minute ago also found the list too short."""
        if self.state.collapsed_at is None:
            return False
        return self._ledger.clock() >= datetime.fromisoformat(self.state.collapsed_at) + _CONFIRMED_AFTER

    def _collapsed_at(self) -> str:
        """Return when a run first found the list too short, which is now if none did."""
        return self.state.collapsed_at or time_text(self._ledger.clock())

    async def _refuse_collapse(self, reading: Reading, gone: int) -> None:
        await self._save(collapsed_at=self._collapsed_at(), unfinished=None, is_settled=False)
        raise IncompleteError(
            f"the list of {self._table.name} has {len(reading.seen)} rows, and {gone} stored rows are not among them",
            delivered=len(reading.seen),
            hint="This may be a temporary failure of the server. Sync again after a minute: if they are still absent,"
            " these rows are marked as missing",
        )

    async def _settle(self, reading: Reading, gone: Sequence[Cell]) -> None:
        present = await in_thread(self._ledger.present, self._table) - len(gone)
        at_tail = self.state.grows_at == "tail"
        total = reading.last_total if at_tail else reading.first_total
        excess, is_settled = reading.excess, True
        if excess is None:
            # If the server counts more rows than these, they were added meanwhile, and the next run reads them.
            excess = min(total - present, reading.nulls)
            is_settled = total - present == excess == self.state.excess
        state = attrs.evolve(
            self._completed(reading), total=total, excess=excess, is_settled=is_settled, collapsed_at=None
        )
        self.counts = self.counts.plus(await in_thread(self._ledger.settle, self._table, gone, state))
        self.state = state

    async def _complete(self, reading: Reading, **changes: Any) -> None:
        self.state = self._completed(reading)
        await self._save(collapsed_at=None, **changes)

    def _completed(self, reading: Reading) -> ListState:
        head = () if reading.cursor is None else reading.cursor.head
        return attrs.evolve(self.state, known=head, place=_text(reading.cursor), unfinished=None)

    def _note_direction(self, rows: Sequence[Any], offset: int) -> None:
        """Find out at which end the list grows, if this is its first page; a resumed reading begins elsewhere."""
        if not offset:
            times = map(attrgetter("created_at" if self._table.key == "id" else "date"), rows)
            grows_at = growing_end(times) or self.state.grows_at
            self.state = attrs.evolve(self.state, grows_at=grows_at)

    async def _store(
        self, records: Sequence[Any], total: int, state: ListState | None, seen: set[int] | None = None
    ) -> None:
        rows = rows_of(self._table, records)
        counts = await in_thread(self._ledger.store, self._table, rows, state)
        self.state = state or self.state
        self.counts = self.counts.plus(counts, read=len(rows))
        hashes = {hash(row[0]) for row in rows}
        self.seen |= hashes
        if seen is not None:
            seen |= hashes
        self._on_page(self.counts.read, self.counts.new, total)

    async def _save(self, **changes: Any) -> None:
        self.state = attrs.evolve(self.state, **changes)
        await in_thread(self._ledger.save, self._table, self.state)


def _text(cursor: Cursor | None) -> str | None:
    return None if cursor is None else str(cursor)
