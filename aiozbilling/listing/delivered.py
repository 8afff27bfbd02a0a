"""The rows that a walk has delivered, and the last of them, from which it continues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiozbilling.listing.last_rows import LastRows
from aiozbilling.listing.memory import FLOATING, Memory, Overlap, overlap_at, refuse_repeated
from aiozbilling.listing.window import Anchors, FetchedWindow, Place

__all__ = ["Delivered"]


class Delivered:
    """Keep the keys of the rows delivered, and the place of the last one.

    Args:
        offset: position of the first row to deliver.
        after: the anchors to continue from instead.
        shared: how many rows windows share.

    Attributes:
        begun: whether there is a last row; until then, `place` is before the first row to deliver.
        place: the last row.
    """

    def __init__(self, offset: int, after: Anchors | None, shared: int) -> None:
        self.begun: bool = after is not None
        self.place: Place = Place(offset - 1, offset - 1, 0, [], 0)
        self.memory: Memory = Memory()
        self._last_rows = LastRows(after)
        if after is not None:
            self.place = Place(after.position, after.position, after.total, list(after.keys[-shared:]), 0)
            self.memory.add(overlap_at(after.keys, -1, after.position - len(after.keys)))
            self.memory.is_complete = False

    def next_offset(self, shared: int) -> int:
        """Return where the next window begins, if windows share `shared` rows."""
        place = self.place
        if not self.begun:
            return place.position + 1
        before = len(place.last_keys) or shared
        return place.position + 1 - before if before <= place.position else 0

    def overlap(self, window: FetchedWindow[Any]) -> Overlap | None:
        """Return where a window joins the delivered rows; None if it shares no row with them.

        Raises:
            DriftError: a key occurs twice, or rows delivered before are in another order.
        """
        place, keys = self.place, window.keys
        if not self.begun:
            refuse_repeated(keys)
            return overlap_at(keys, -1, place.rank)
        overlap = None if window.has_nulls else self.memory.continued(keys, place.last_keys, place.rank)
        return overlap or self.memory.overlap(keys, place.rank)

    def forget(self, overlap: Overlap) -> None:
        """Forget what `overlap` remembered of a window that is requested again."""
        if overlap.is_continued:
            self.memory.forget(overlap)

    def is_doubtful(self, window: FetchedWindow[Any], overlap: Overlap, pushed: int, added: int) -> bool:
        """Return whether an overlap may be wrong: a key that occurs twice, or rows in another order.

        Args:
            window: the window and its reply.
            overlap: where it joins.
            pushed: how many rows, at most, may have been pushed after the rows of the window.
            added: how much the total grew since the walk began.
        """
        if not self.begun:
            return False
        if overlap.has_strangers or (overlap.fresh and self.place.rank - overlap.rank > pushed):
            return True
        index, rank = overlap.first_shared
        if not self.memory.is_complete or rank == FLOATING:
            return False
        # Other rows precede: that is correct if they were added at the head.
        return any(key is not None for key in window.keys[:index]) and window.offset + index - rank > added

    def begin_page(self) -> None:
        """Begin a page after the latest one."""
        self._last_rows.begin_page(self.place)

    def add(self, window: FetchedWindow[Any], overlap: Overlap, shared: int, epoch: int) -> Sequence[Any]:
        """Add the rows after an overlap to the page, make the last of them the place, and return them.

        Args:
            window: the window and its reply.
            overlap: where it joins; only its fresh rows are added.
            shared: how many rows windows share.
            epoch: the number of windows accepted up to this one.
        """
        rank, last_rank, begin = overlap.rank, self.place.rank, overlap.index + 1
        if overlap.fresh:
            pushed = self.memory.cut(rank) if rank < last_rank else []
            self._last_rows.add(overlap.fresh, overlap.ranks, window.keys, pushed)
            if not overlap.is_continued:
                self.memory.add(overlap)
            last_rank = overlap.ranks[-1]
            self.begun = True
        end = begin + last_rank - rank
        reaches_last = overlap.fresh or rank == last_rank
        last_keys = window.keys[end - shared if end > shared else 0 : end] if reaches_last else []
        self.place = Place(last_rank, window.offset + end - 1, window.total, last_keys, epoch)
        return window.rows[begin:end] if overlap.fresh else []

    def first_position(self) -> int:
        """Return the position of the first row of the latest page, or of the next one if it is empty."""
        place, ranks = self.place, self._last_rows.ranks
        return place.position + (ranks[0] - place.rank if ranks else 1)

    def anchors(self, yielded: int | None) -> Anchors | None:
        """Return the anchors after the first `yielded` rows of the latest page; None if nothing was delivered."""
        return self._last_rows.anchors(yielded, self.place)
