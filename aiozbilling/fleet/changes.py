"""Finds new and corrected rows of a list since it was last read, for destinations that replace rows by their key.

A list that grows at its head is read from the head to a known row; a list that grows at its tail is read from its last
known rows on. The rows are compared with short digests of blocks of rows. So corrected rows are found among the rows
that are read again: at least the latest `RECENT` rows, or all rows with ``full=True``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import attrs
import msgspec

from aiozbilling.errors import DriftError, IncompleteError
from aiozbilling.fleet.blocks import BLOCK, Blocks
from aiozbilling.listing.growth import End, growing_end
from aiozbilling.listing.listing import Begin
from aiozbilling.listing.page import Page
from aiozbilling.listing.source import key_text
from aiozbilling.records import DayUsage, TopUp
from aiozbilling.tables.table import HISTORY, TOP_UPS

__all__ = ["KEY", "KEYS", "RECENT", "TIME", "Changes", "Place"]

RECENT = 100  # rows that every run reads again
KEYS = 32  # of the first and of the last rows, in a place
KEY = {table.kind: table.key for table in (TOP_UPS, HISTORY)}
TIME = {table.kind: table.time for table in (TOP_UPS, HISTORY)}


@attrs.frozen(kw_only=True)
class Place:
    """How far a list was read, as plain values that can be stored as JSON.

    Attributes:
        grows_at: the end at which new rows appear, or None if unknown.
        rows: the server's count of rows.
        head: keys of the first rows.
        tail: keys of the last rows.
        blocks: number of rows and digest of each block, by block number, counted from the end that doesn't grow.
        sketch: a summary of the keys of all rows, or None where nothing needs it.
    """

    grows_at: End | None
    rows: int
    head: tuple[str, ...]
    tail: tuple[str, ...]
    blocks: dict[str, tuple[int, str]]
    sketch: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the place as values that JSON supports."""
        fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return fields

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Place:
        """Create a place from the result of `as_dict`."""
        return msgspec.convert(fields, cls)


class Changes:
    """Reads the rows that are new or corrected since a place.

    After the last page, `place` is the new place, and `new` is the number of new rows.

    Args:
        begin: ``billing.top_ups`` or ``billing.history_usage``.
        kind: class of the rows.
        since: the place, or None to read all rows.
        full: read to the end of the list, to find corrections of old rows.
        corrected: whether to return corrected rows, too; without them, each row is returned once.
    """

    def __init__(
        self,
        begin: Begin,
        kind: type[TopUp | DayUsage],
        since: Place | None,
        *,
        full: bool = False,
        corrected: bool = True,
    ) -> None:
        self._begin = begin
        self._key = KEY[kind]
        self._time = TIME[kind]
        self._since = since or _NOWHERE
        self._full = full or self._since.rows <= RECENT
        self._grows_at: End = self._since.grows_at or "head"
        self._known = frozenset((*self._since.head, *self._since.tail))
        self._corrected = corrected
        self._blocks = Blocks(self._since.blocks, corrected=corrected)
        self._edge: frozenset[str] = frozenset()  # known keys at the growing end
        self._met = False
        self.new: int = 0
        self.place: Place = self._since

    async def rows(self) -> AsyncGenerator[list[Any], None]:
        """Iterate the rows in batches. A batch with a changed row may also contain unchanged rows.

        Raises:
            DriftError: the list has no row in common with the list that was read before, so it is another account's.
            IncompleteError: the list had rows before, and is empty now.
        """
        offset = 0
        if not self._full and self._grows_at == "tail":
            offset = max(0, (self._since.rows - RECENT) // BLOCK * BLOCK)
        head: list[str] = []
        tail: list[str] = []
        read, total, is_whole = 0, 0, True
        async with aclosing(self._begin(offset=offset).pages()) as pages:
            async for page in pages:
                keys = [key_text(self._key(row)) for row in page.items]
                if not read:
                    await self._first(page, keys)
                    if self._full and offset:
                        break
                head, tail, total = (head or keys[:KEYS]), [*tail, *keys][-KEYS:], page.total
                read += len(keys)
                if changed := self._changed(page, keys):
                    yield changed
                if self._is_enough(read, total):
                    is_whole = False
                    break
        if changed := self._blocks.finish(is_whole=is_whole):
            yield changed
        # Read everything if the list was reversed, is shorter than the offset now, or has new rows before it.
        if offset and (self._full or not read or self._is_behind(total)):
            self._full, self._met, self.new = True, False, 0
            async with aclosing(self.rows()) as batches:
                async for rows in batches:
                    yield rows
            return
        if not read and self._since.rows:
            raise IncompleteError(
                f"the list had {self._since.rows} rows, and has none now",
                hint="If the provider removed them, export the account again from the beginning",
            )
        if read:
            self._arrived(total, self._since.head if offset else tuple(head), tuple(tail) if is_whole else None)

    def _is_enough(self, read: int, total: int) -> bool:
        """Return whether the rest of the list is known. If the count is higher, rows were added elsewhere."""
        is_counted = total <= self._since.rows + self.new
        return self._met and self._grows_at == "head" and not self._full and read >= RECENT and is_counted

    def _is_behind(self, total: int) -> bool:
        """Return whether rows were added before the offset. They are read with rows that were returned already."""
        return self._corrected and total > self._since.rows + self.new

    async def _first(self, page: Page[Any], keys: Sequence[str]) -> None:
        """Find the growing end from the first page, and make sure that the list is the one that was read before."""
        known_end = self._since.grows_at  # the edge is where the list grew, even if the server reversed it since
        if (grows_at := growing_end(map(self._time, page.items))) and grows_at != self._grows_at:
            self._grows_at, self._full = grows_at, True
            self._blocks.known.clear()
        self._edge = frozenset(self._since.head if (known_end or self._grows_at) == "head" else self._since.tail)
        if not self._since.rows or not self._known.isdisjoint(keys):
            return
        last = await self._begin(offset=max(0, page.total - RECENT)).collect()
        if not self._is_known(last) and not self._is_known(await self._begin(max_items=RECENT).collect()):
            raise DriftError(
                "the list has none of the rows that were read before",
                hint="If this is another account, use another label for it",
            )

    def _is_known(self, rows: Sequence[Any]) -> bool:
        return not self._known.isdisjoint(key_text(self._key(row)) for row in rows)

    def _changed(self, page: Page[Any], keys: list[str]) -> list[Any]:
        """Add a page, and return the changed rows of the blocks that it completes."""
        changed: list[Any] = []
        at_head = self._grows_at == "head"
        for number, (row, key) in enumerate(zip(page.items, keys, strict=True)):
            is_known = key in self._edge
            self._met = self._met or is_known
            is_new = not is_known and (not self._edge or self._met != at_head)
            self.new += is_new
            place = page.offset + number
            index = page.total - 1 - place if at_head else place
            changed += self._blocks.add(index, row, is_new=is_new)
        return changed

    def _arrived(self, total: int, head: tuple[str, ...], tail: tuple[str, ...] | None) -> None:
        self.place = Place(
            grows_at=self._grows_at,
            rows=total,
            head=head,
            tail=self._since.tail if tail is None else tail,
            blocks=self._blocks.latest(),
        )


_NOWHERE = Place(grows_at="head", rows=0, head=(), tail=(), blocks={})
