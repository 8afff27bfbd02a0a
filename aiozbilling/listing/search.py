"""Where to look for a row that is not where it was."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PROBES", "Search"]

PROBES = 24  # of one search, before the place is given up


class Search:
    """Look for the place in ever wider rings, no offset twice."""

    def __init__(self) -> None:
        self.tried: set[int] = set()
        self.blank = True  # no reply of this search had rows

    def next(self, place: int, moved: int, size: int, overlap: int, known: int, total: int) -> int | None:
        """Name the next offset to try for what was at `place` before the total changed by `moved`; None to stop."""
        if len(self.tried) > PROBES:
            return None
        highest = max(total - 1, place, 0)
        for guess in islice(_guesses(place, moved, size, overlap, known), 4 * PROBES):
            offset = min(max(0, guess), highest)
            if offset not in self.tried:
                self.tried.add(offset)
                return offset
        return None


def _guesses(place: int, moved: int, size: int, overlap: int, known: int) -> Iterator[int]:
    # The first guess costs no rows; the others begin half a window early, for a list that keeps moving. A window that
    # shows any of the `known` rows before the place is as good, so the rings may leave gaps that are as wide as these.
    near, far = place + moved + 1 - overlap, place + 1 - overlap
    half = size // 2
    yield from (near, near - half, far - half, far)
    step = max(1, size - overlap)
    ring = step
    while True:
        # Around both: where rows were added at the tail, the total moved and the place did not.
        yield from (near - half - ring, far - half - ring, near - half + ring, far - half + ring)
        ring += min(ring, step + known // 2)
