"""Where to look for a row that is not where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Search"]

PROBES = 16  # of one search, before the place is given up


class Search:
    """Look for the place in ever wider rings, no offset twice."""

    def __init__(self) -> None:
        self.tried: set[int] = set()
        self.blank = True  # no reply of this search had rows

    def next(self, place: int, moved: int, size: int, overlap: int, known: int, total: int) -> int | None:
        """Name the next offset to try for what was at `place` before the total changed by `moved`; None to give up."""
        if len(self.tried) > PROBES:
            return None
        highest = max(total - 1, place, 0)
        for guess in _guesses(place, moved, size, overlap, known):
            offset = min(max(0, guess), highest)
            if offset not in self.tried:
                self.tried.add(offset)
                return offset
        return None


def _guesses(place: int, moved: int, size: int, overlap: int, known: int) -> Iterator[int]:
    # A window that shows any of the `known` rows before the place is as good, so the rings are as wide as that allows.
    # The first guess costs no rows; the others begin half a window early, for a list that goes on moving.
    near, far = place + moved + 1 - overlap, place + 1 - overlap
    half = size // 2
    yield from (near, near - half, far - half, far)
    ring = max(1, size - overlap) + known // 2
    for i in range(1, 2 * PROBES):
        yield near - half - i * ring
        yield near - half + i * ring
        if moved:
            yield far - half - i * ring
            yield far - half + i * ring
