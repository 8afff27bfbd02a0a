"""Digests of blocks of rows, which show the rows that changed since a list was last read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

__all__ = ["BLOCK", "Blocks"]

BLOCK = 64  # rows
_KEPT = 64  # blocks whose digests are kept


class Blocks:
    """Finds the changed rows among rows that are read in order.

    Args:
        known: number of rows and digest of each block, by block number, when the list was last read.
        corrected: whether to return corrected rows, too; without them, only new rows are returned.

    Attributes:
        known: the same with the blocks that were read since.
    """

    def __init__(self, known: Mapping[str, tuple[int, str]], *, corrected: bool) -> None:
        self.known: dict[str, tuple[int, str]] = dict(known)
        self._corrected = corrected
        self._open: dict[int, tuple[Any, bool]] = {}  # rows of the block that is being read, by index

    def add(self, index: int, row: Any, *, is_new: bool) -> list[Any]:
        """Add the row at an index, and return the changed rows of the block before if this row begins another one."""
        begins = bool(self._open) and index // BLOCK != next(iter(self._open)) // BLOCK
        changed = self.finish(is_whole=True) if begins else []
        self._open[index] = (row, is_new)
        return changed

    def finish(self, *, is_whole: bool) -> list[Any]:
        """Finish the block that is being read, and return its changed rows."""
        read, self._open = sorted(self._open.items()), {}
        if not read:
            return []
        number = str(read[0][0] // BLOCK)
        rows = [row for _, (row, _) in read]
        known, digest = self.known.get(number, (0, ""))
        if not self._corrected or not is_whole or (read[0][0] % BLOCK and number in self.known):
            return [row for _, (row, is_new) in read if is_new]
        self.known[number] = (len(rows), _digest(rows))
        if known and len(rows) >= known and _digest(rows[:known]) == digest:
            return rows[known:]
        return rows

    def latest(self) -> dict[str, tuple[int, str]]:
        """Return the known blocks with the highest numbers: where the list grows, they are the ones that change."""
        return {number: self.known[number] for number in sorted(self.known, key=int)[-_KEPT:]}


def _digest(rows: Sequence[Any]) -> str:
    text = "\n".join(repr(attrs.astuple(row)) for row in rows)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
