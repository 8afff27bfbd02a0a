"""Writes rows to the disk while a list is read: several pages at a time, with a checkpoint from time to time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from aiozbilling.export.checkpoint import Checkpoint
from aiozbilling.export.disk import failures_named
from aiozbilling.export.in_thread import in_thread
from aiozbilling.export.part import PartFile
from aiozbilling.export.totals import Totals
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.growth import with_count
from aiozbilling.tables.columns import Cell

__all__ = ["Saver"]

# Rows wait until there are this many, or for this long, and are then written together. While the thread writes, the
# event loop runs in small slices: with one write for each page, that took a third of the time of an export.
_MOST_WAITING = 5000
_LONGEST_WAIT_S = 0.1
_FIRST_COST_S = 0.03  # assumed for the first checkpoint, so that a short list needs no checkpoint before its end
_SHARE = 10  # a checkpoint is due when the work since the last one took ten times as long as writing that one


class Saver:
    """Encodes rows on the event loop, and writes and commits them in a thread.

    Attributes:
        checkpoint: the latest checkpoint.
        counted: the server's count of rows when the reading began, or 0 before the first page.
    """

    def __init__(self, part: PartFile, checkpoint: Checkpoint, clock: Callable[[], float]) -> None:
        self.checkpoint: Checkpoint = checkpoint
        self.counted: int = 0
        self._part = part
        self._clock = clock
        self._waiting: list[bytes] = []
        self._waiting_rows = 0
        self._written_at = 0.0
        self._committed_at = 0.0
        self._cost = _FIRST_COST_S
        self._written: tuple[Totals, str | None] | None = None  # up to the last row that is written and not committed

    def open(self, checkpoint: Checkpoint) -> None:
        """Resume after a checkpoint. This blocks."""
        self.checkpoint = checkpoint
        if checkpoint.cursor is not None:
            self.counted = Cursor.parse(checkpoint.cursor).total
        self._part.open(checkpoint)
        self._committed_at = self._written_at = self._clock()

    def add(self, cells: list[list[Cell]]) -> None:
        """Encode the rows of a page, whose cells are passed column by column."""
        # Not in the thread: two threads that compute at a time take 1.5 times as long.
        self._waiting.append(self._part.encoding.encode(cells))
        self._waiting_rows += len(cells[0])

    def discard(self) -> None:
        """Drop the rows that wait to be written."""
        self._waiting, self._waiting_rows = [], 0

    @property
    def has_waiting(self) -> bool:
        """Whether rows wait to be written."""
        return bool(self._waiting)

    @property
    def is_due(self) -> bool:
        """Whether the rows that wait should be written now."""
        return self._waiting_rows >= _MOST_WAITING or self._clock() - self._written_at >= _LONGEST_WAIT_S

    async def write(self, totals: Totals, cursor: Cursor | None) -> None:
        """Write the rows that wait; `totals` and `cursor` include them."""
        waiting = self._waiting
        self.discard()
        # If the list is far shorter at the next resume, that run must refuse it, too.
        place = None if cursor is None else with_count(cursor, self.counted)
        await in_thread(self._append, waiting, totals, _text(place))
        self._written_at = self._clock()

    async def commit(self) -> None:
        """Write a checkpoint, if rows were written after the last one."""
        if self._written is not None:
            totals, cursor = self._written
            await in_thread(self._commit, totals=totals, cursor=cursor)

    async def finish(self, totals: Totals, cursor: Cursor | None) -> None:
        """Write the last rows, and a checkpoint that says that all rows were read."""
        waiting = self._waiting
        self.discard()
        await in_thread(self._end, waiting, totals, _text(cursor))

    def _end(self, waiting: list[bytes], totals: Totals, cursor: str | None) -> None:
        self._write(waiting)
        self._commit(totals=totals, cursor=cursor, stage="read")

    def _append(self, waiting: list[bytes], totals: Totals, cursor: str | None) -> None:
        self._write(waiting)
        self._written = (totals, cursor)
        if self._clock() - self._committed_at >= _SHARE * self._cost:
            self._commit(totals=totals, cursor=cursor)

    def _write(self, waiting: list[bytes]) -> None:
        self._written = None
        with failures_named(self._part.path):
            for encoded in waiting:
                self._part.append(encoded)

    def _commit(self, **changes: Any) -> None:
        self._written = None  # a commit that fails is not repeated (see failures_named)
        began = self._clock()
        with failures_named(self._part.path):
            self.checkpoint = self._part.commit(attrs.evolve(self.checkpoint, **changes))
        self._committed_at = self._clock()
        self._cost = self._committed_at - began


def _text(cursor: Cursor | None) -> str | None:
    return None if cursor is None else str(cursor)
