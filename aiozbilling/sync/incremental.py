"""One list of one account brought up to date in the database, exactly, and with as few requests as that takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Literal, Protocol

import attrs

from aiozbilling.errors import DriftError
from aiozbilling.export.in_thread import in_thread
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.listing import Listing
from aiozbilling.listing.source import key_text
from aiozbilling.sync.store import Ledger, Standing
from aiozbilling.tables.table import Table

__all__ = ["CatchingUp"]


_LAST = 100  # rows at the end of a list in which known ones are looked for


class Begin(Protocol):
    """``billing.top_ups`` or ``billing.history_usage``."""

    def __call__(self, *, offset: int = 0, after: str | None = None) -> Listing[Any]:
        """Give a listing."""
        ...


class CatchingUp:
    """Reads what is new of a list and stores it page by page.

    A list that grows at its head is read from there until a row comes that was among its first when it was last
    complete; until then, the cursor of this reading is kept, and a later run first ends it, so that an interruption
    leaves no gap. A list that grows at its tail is read on from its last rows. Which it is, the times of its rows tell.
    Where the server's count is higher than that of the rows accounted for, some came in elsewhere, and all is read.
    """

    def __init__(self, ledger: Ledger, table: Table, begin: Begin, on_page: Callable[[int, int, int], object]) -> None:
        self._ledger = ledger
        self._table = table
        self._begin = begin
        self._on_page = on_page
        self._standing = Standing()
        self._is_theirs = False  # whether it is sure that the list is the one that is stored
        self._read = 0
        self.new = 0
        self.changed = 0
        self.requests = 0

    async def run(self, *, full: bool = False) -> None:
        """Bring it up to date."""
        self._standing = await in_thread(self._ledger.standing, self._table)
        self._is_theirs = not self._table.tells_accounts or not await in_thread(self._ledger.count, self._table)
        if self._standing.unfinished is not None:
            await self._resumed(self._standing.unfinished)
        if full or not self._standing.known or not await self._news():
            await self._all()

    async def _resumed(self, unfinished: str) -> None:
        is_theirs, self._is_theirs = self._is_theirs, True  # where the place is found again
        try:
            await self._read_on(self._begin(after=unfinished))
        except DriftError:
            self._standing, self._is_theirs = Standing(), is_theirs  # the place is lost: begin again

    async def _all(self) -> None:
        self._standing = Standing(grows_at=self._standing.grows_at)
        await self._read_on(self._begin())

    async def _news(self) -> bool:
        """Read what is new, and tell whether that accounts for all rows of the list."""
        if self._standing.grows_at == "tail" and self._standing.place is not None:
            return await self._news_at_tail(Cursor.parse(self._standing.place))
        before = self.new
        total = await self._read_on(self._begin())
        return await self._accounted(total, self.new - before)

    async def _news_at_tail(self, place: Cursor) -> bool:
        before, total, met = self.new, None, False
        listing = self._begin(offset=max(0, place.position + 1 - len(place.anchors)))
        async with aclosing(listing.pages()) as pages:
            async for page in pages:
                met = met or not self._keys(page.items).isdisjoint(place.anchors)
                if not met:
                    break
                total = page.total
                await self._store(page.items, page.total, place=str(listing.cursor))
        self.requests += listing.report.requests
        return met and await self._accounted(total, self.new - before)

    async def _accounted(self, total: int | None, new: int) -> bool:
        if total is not None and total < self._standing.total and not new:
            await self._save(total=total)  # rows were removed; beside news, the count may only be late
        return total is None or total <= self._standing.total

    async def _read_on(self, listing: Listing[Any]) -> int | None:
        """Read until a known row, or to the end, and tell the server's first count."""
        known, first_total, total = frozenset(self._standing.known), None, None
        met = False
        async with aclosing(listing.pages()) as pages:
            async for page in pages:
                met = not known.isdisjoint(self._keys(page.items))
                total = page.total
                if first_total is None:
                    first_total = total
                    await self._refuse_another(page.items, total)
                    self._begun(page.items, page.offset, total)
                if met:
                    await self._store(page.items, total, **_complete(listing.cursor))
                    break
                await self._store(page.items, total, unfinished=_text(listing.cursor))
        self.requests += listing.report.requests
        if first_total is None:
            await self._refuse_another((), 0)
        if not met:
            at_tail = self._standing.grows_at == "tail" and total is not None
            await self._save(**_complete(listing.cursor), **({"total": total} if at_tail else {}))
        return first_total

    async def _refuse_another(self, first: Sequence[Any], total: int) -> None:
        """Refuse a list that shares no row with what is stored, before a row of it is stored among those.

        Its first rows may all be new. Then its last ones are asked for.
        """
        if self._is_theirs or await in_thread(self._ledger.knows, self._table, first):
            self._is_theirs = True
            return
        end = self._begin(offset=max(0, total - _LAST))
        last = await end.collect() if total else []
        self.requests += end.report.requests
        if not await in_thread(self._ledger.knows, self._table, last):
            await in_thread(self._ledger.refuse_another, self._table)
        self._is_theirs = True

    def _begun(self, rows: Sequence[Any], offset: int, total: int) -> None:
        """Take up what the first page of a reading tells; a reading that was resumed began elsewhere."""
        if offset:
            return
        grows_at = _grows_at([time for time in map(self._table.time, rows) if time is not None])
        self._standing = attrs.evolve(self._standing, grows_at=grows_at or self._standing.grows_at)
        if not self._standing.known:
            self._standing = attrs.evolve(self._standing, total=total)

    async def _store(self, rows: Sequence[Any], total: int, **changes: Any) -> None:
        standing = attrs.evolve(self._standing, **changes)
        counted = bool(self._standing.known)  # else all is read, and the server's count was taken at its beginning
        stored = await in_thread(self._ledger.store, self._table, rows, standing, counted=counted)
        self._standing = stored.standing
        self._read += len(rows)
        self.new += stored.new
        self.changed += stored.changed
        self._on_page(self._read, self.new, total)

    async def _save(self, **changes: Any) -> None:
        await in_thread(self._ledger.store, self._table, (), attrs.evolve(self._standing, **changes))
        self._standing = attrs.evolve(self._standing, **changes)

    def _keys(self, rows: Sequence[Any]) -> set[str]:
        return {key_text(self._table.key(row)) for row in rows}


def _complete(cursor: Cursor | None) -> dict[str, Any]:
    return {"known": () if cursor is None else cursor.head, "place": _text(cursor), "unfinished": None}


def _text(cursor: Cursor | None) -> str | None:
    return None if cursor is None else str(cursor)


def _grows_at(times: Sequence[datetime]) -> Literal["head", "tail"] | None:
    if not times or times[0] == times[-1]:
        return None
    return "tail" if times[0] < times[-1] else "head"
