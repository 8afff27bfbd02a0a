"""The last rows delivered, from which the anchors of a cursor are built."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence

from aiozbilling.listing.window import Anchors, Place

__all__ = ["LastRows"]

_MOST_ANCHORS = 32
_MOST_PUSHED = 16  # of the anchors are kept for rows that were pushed after the last one


class LastRows:
    """Keep the last rows delivered, so that there are anchors after any row of the latest page.

    Attributes:
        ranks: ranks of the rows of the latest page.
    """

    def __init__(self, after: Anchors | None) -> None:
        self.ranks: Sequence[int] = ()
        self._page: Sequence[Hashable] = ()  # keys of the latest page
        self._before = deque(after.keys if after else (), _MOST_ANCHORS)  # keys of the last rows before it
        self._pushed: list[Hashable] = []  # keys of rows that are after the last one now, or were removed
        # `_before` and `_pushed` as they were before the latest page changed them
        self._unpushed: tuple[deque[Hashable], list[Hashable]] | None = None
        self._place: Place | None = None  # last row before the latest page

    def begin_page(self, place: Place) -> None:
        """Begin a page after the latest one, whose last row is at `place`."""
        if self._page:
            self._before.extend(self._page[-_MOST_ANCHORS:])
            self._page = self.ranks = ()
        self._unpushed, self._place = None, place

    def add(
        self, fresh: Sequence[Hashable], ranks: Sequence[int], keys: Sequence[Hashable], pushed: list[Hashable]
    ) -> None:
        """Add rows to the page.

        Args:
            fresh: their keys.
            ranks: their ranks.
            keys: all keys of their window.
            pushed: keys of delivered rows that are after the last one now, or were removed.
        """
        if self._pushed or pushed:
            self._push(set(keys), pushed)
        if self._page:
            fresh, ranks = [*self._page, *fresh], [*self.ranks, *ranks]
        self._page, self.ranks = fresh, ranks

    def _push(self, here: set[Hashable], pushed: list[Hashable]) -> None:
        gone = set(pushed)
        self._unpushed = self._unpushed or (self._before, self._pushed)
        met = [key for key in self._pushed if key in here]
        self._before = deque([*(key for key in self._before if key not in gone), *met], _MOST_ANCHORS)
        self._pushed = [*pushed, *(key for key in self._pushed if key not in here)][-_MOST_PUSHED:]

    def anchors(self, yielded: int | None, place: Place) -> Anchors | None:
        """Return the anchors after the first `yielded` rows of the latest page; None before the first row."""
        count = len(self._page) if yielded is None else yielded
        if not 0 <= count <= len(self._page):
            raise ValueError(f"the latest page has {len(self._page)} rows, not {yielded}")
        latest = self._before, self._pushed
        if not count and self._page:
            place = self._place or place
            latest = self._unpushed or latest
        before, pushed = [*latest[0]], latest[1]
        position = place.position
        if count:
            position += self.ranks[count - 1] - place.rank
            before += self._page[max(0, count - _MOST_ANCHORS) : count]
        keys = (*before[-(_MOST_ANCHORS - len(pushed)) :], *pushed)
        return Anchors(position + len(pushed), place.total, keys) if keys else None
