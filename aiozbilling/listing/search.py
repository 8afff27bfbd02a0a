"""Searches for the last delivered row after it moved."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiozbilling.errors import DriftError, IncompleteError
from aiozbilling.listing.limits import LATER, MOST_PROBES
from aiozbilling.listing.plan import Plan
from aiozbilling.listing.window import FetchedWindow, Place

__all__ = ["Search"]


class Search:
    """Search for the last delivered row at growing distances; no offset is tried twice. A window that joins ends it.

    Attributes:
        tried: the offsets that were tried without success; empty if no search is under way.
        is_doubted: whether a window was requested once more because its join was doubtful.
        set_aside: the window that began the search; it may join once the search has found the rows before it.
    """

    def __init__(self) -> None:
        self.tried: set[int] = set()
        self.is_doubted = False
        self.set_aside: FetchedWindow[Any] | None = None
        self._is_blank = True  # no reply of this search had rows

    def next_offset(self, window: FetchedWindow[Any], place: Place, plan: Plan, known: int) -> int:
        """Return the offset to try next, after a window that shares none of the `known` rows.

        Raises:
            IncompleteError: every offset was tried, and no reply had rows.
            DriftError: every offset was tried.
        """
        moved = window.total - place.total
        if not self.tried:
            self.set_aside = window if window.rows else None
            if window.epoch < place.epoch:
                # It may have been read before the last overlap: then nothing moved.
                moved = max(moved, -(plan.size // 2))
            else:
                self.tried.add(window.offset)
        self._is_blank = self._is_blank and not window.rows
        highest = max(window.total - 1, place.position, 0)
        guesses = _guesses(place.position, moved, plan.size or plan.limit, plan.overlap, known)
        offset = self._untried(guesses, highest)
        if offset is None and self._is_blank and window.total:
            reason = f"the server counts {window.total} rows, but returns none"
            raise IncompleteError(reason, hint=LATER)
        if offset is None:
            reason = f"none of the last rows delivered was found near position {place.position}"
            raise DriftError(reason, hint="They were deleted, or the server ignores the offset")
        return offset

    def _untried(self, guesses: Iterator[int], highest: int) -> int | None:
        if len(self.tried) > MOST_PROBES:
            return None
        for guess in islice(guesses, 4 * MOST_PROBES):
            offset = min(max(0, guess), highest)
            if offset not in self.tried:
                self.tried.add(offset)
                return offset
        return None


def _guesses(place: int, moved: int, size: int, overlap: int, known: int) -> Iterator[int]:
    # The first guess begins exactly where the row should be; the others begin half a window earlier, in case the list
    # keeps moving. A window with any of the `known` rows ends the search, so the rings may leave gaps of that width.
    near, far = place + moved + 1 - overlap, place + 1 - overlap
    half = size // 2
    yield from (near, near - half, far - half, far)
    step = max(1, size - overlap)
    ring = step
    while True:
        # Around both: rows that are added at the tail change the total, but don't move the last delivered row.
        yield from (near - half - ring, far - half - ring, near - half + ring, far - half + ring)
        ring += min(ring, step + known // 2)
