"""What a walk has delivered, and the place from which it continues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiozbilling.listing.last_rows import LastRows
from aiozbilling.listing.memory import FLOATING, Memory, Overlap, overlap_at, refuse_repeated
from aiozbilling.listing.window import Anchors, FetchedWindow, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Delivered"]


class Delivered:
    """Keep the keys of the rows delivered, and the place of the last one.

    Args:
        offset: position of the first row wanted.
        after: the place to continue from instead.
        shared: how many rows windows share.

    Attributes:
        begun: whether there is a last row; until then, `place` is before the first row wanted.
        place: the last row.
    """

    def __init__(self, offset: int, after: Anchors | None, shared: int) -> None:
        self.begun: bool = after is not None
        self.place: Place = Place(offset - 1, 0, 0, [], 0)
        self.memory: Memory = Memory()
        self._last_rows = LastRows(after)
        if after is not None:
            self.place = Place(after.position, 0, after.total, list(after.keys[-shared:]), 0)
            self.memory.add(overlap_at(after.keys, -1, after.position - len(after.keys)))
            self.memory.is_complete = False

    def next_offset(self, shared: int) -> int:
        """Return where the next window begins, if windows share `shared` rows."""
        place = self.place
        position = place.rank + place.shift + 1
        return max(0, position - (len(place.last_keys) or shared)) if self.begun else position

    def overlap(self, window: FetchedWindow[Any]) -> Overlap | None:
        """Return where a window joins what was delivered; None if it shares no row with it.

        Raises:
            DriftError: a key occurs twice, or rows delivered before are in another order.
        """
        place, keys = self.place, window.keys
        if not self.begun:
            refuse_repeated(keys)
            return overlap_at(keys, -1, place.rank)
        overlap = None
        if not window.has_nulls and (window.is_full or window.end < window.total):  # it won't be requested again
            overlap = self.memory.continued(keys, place.last_keys, place.rank)
        return overlap or self.memory.overlap(keys, place.rank)

    def is_doubtful(self, window: FetchedWindow[Any], overlap: Overlap, pushed: int, added: int) -> bool:
        """Return whether an overlap may be wrong: a key that occurs twice, or rows in another order.

        Args:
            window: what came.
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
        # Other rows come first: they are right if they were added at the head.
        return any(key is not None for key in window.keys[:index]) and window.offset + index - rank > added

    def begin_page(self) -> None:
        """Begin a page after the latest one."""
        self._last_rows.begin_page(self.place.position, self.place.total)

    def add(self, window: FetchedWindow[Any], overlap: Overlap, shared: int, epoch: int) -> Sequence[Any]:
        """Add the rows after an overlap to the page, move the place to the last of them, and return them.

        Args:
            window: what came.
            overlap: where it joins; only its fresh rows are added.
            shared: how many rows windows share.
            epoch: the number of windows accepted up to this one.
        """
        old, rank, index = self.place, overlap.rank, overlap.index
        shift, last = window.offset + index - rank, old.rank
        if overlap.fresh:
            pushed = self.memory.cut(rank) if rank < last else []
            self._last_rows.push(window.keys, pushed)
            self._last_rows.add(overlap.fresh, overlap.ranks)
            self.memory.add(overlap)
            last = overlap.ranks[-1]
            index += last - rank
            self.begun = True
        elif rank != last:  # the window does not reach the last row
            self.place = Place(last, shift, window.total, [], epoch)
            return []
        self.place = Place(last, shift, window.total, window.keys[max(0, index + 1 - shared) : index + 1], epoch)
        return window.rows[overlap.index + 1 : index + 1]

    def first_position(self) -> int:
        """Return the position of the first row of the latest page, or of the next one if it is empty."""
        ranks = self._last_rows.ranks
        return (ranks[0] if ranks else self.place.rank + 1) + self.place.shift

    def anchors(self, yielded: int | None) -> Anchors | None:
        """Return the place after the first `yielded` rows of the latest page; None if nothing was delivered."""
        place = self.place
        return self._last_rows.anchors(yielded, place.shift, place.position, place.total)
