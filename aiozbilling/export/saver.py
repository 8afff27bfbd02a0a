"""The way of rows to the disk while a list is read: a few pages at a time, with a checkpoint when one is due."""

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
from aiozbilling.tables.columns import Cell

__all__ = ["Saver"]

# Rows that wait to be written, and for how long they wait. While the thread writes, the event loop reads the next pages
# in small pieces, which took a third of the time where each page was written alone.
_MOST_WAITING = 5000
_LONGEST_WAIT_S = 0.1
_SHARE = 10  # a checkpoint is due when the work since the last one took ten times as long as writing that one


class Saver:
    """Encodes rows on the event loop, and writes and commits them in a thread."""

    def __init__(self, part: PartFile, checkpoint: Checkpoint, clock: Callable[[], float]) -> None:
        self.checkpoint = checkpoint
        self._part = part
        self._clock = clock
        self._waiting: list[bytes] = []
        self._waiting_rows = 0
        self._written_at = 0.0
        self._committed_at = self._cost = 0.0
        self._written: tuple[Totals, str | None] | None = None  # where the rows end that are not committed yet

    def open(self, checkpoint: Checkpoint) -> None:
        """Resume after a checkpoint. It blocks."""
        self.checkpoint = checkpoint
        self._part.open(checkpoint)
        self._committed_at = self._written_at = self._clock()

    def add(self, cells: list[list[Cell]]) -> None:
        """Encode the rows of a page, whose cells are passed column by column."""
        # Not in the thread: two threads that both compute take half as long again.
        self._waiting.append(self._part.encode(cells))
        self._waiting_rows += len(cells[0])

    def discard(self) -> None:
        """Drop the rows that wait."""
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
        await in_thread(self._append, waiting, totals, _text(cursor))
        self._written_at = self._clock()

    async def commit(self) -> None:
        """Make the rows that were written durable, if there are any since the last checkpoint."""
        if self._written is not None:
            totals, cursor = self._written
            await in_thread(self._commit, totals=totals, cursor=cursor)

    async def finish(self, totals: Totals, cursor: Cursor | None) -> None:
        """Write the last rows, and record that all are read."""
        await self.write(totals, cursor)
        await in_thread(self._commit, totals=totals, cursor=_text(cursor), stage="read")

    def _append(self, waiting: list[bytes], totals: Totals, cursor: str | None) -> None:
        self._written = None
        with failures_named(self._part.path):
            for encoded in waiting:
                self._part.append(encoded)
        self._written = (totals, cursor)
        if self._clock() - self._committed_at >= _SHARE * self._cost:
            self._commit(totals=totals, cursor=cursor)

    def _commit(self, **changes: Any) -> None:
        self._written = None  # a commit that fails is not repeated (see failures_named)
        began = self._clock()
        with failures_named(self._part.path):
            self.checkpoint = self._part.commit(attrs.evolve(self.checkpoint, **changes))
        self._committed_at = self._clock()
        self._cost = self._committed_at - began


def _text(cursor: Cursor | None) -> str | None:
    return None if cursor is None else str(cursor)
