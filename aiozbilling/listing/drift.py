"""Decide from the overlaps whether the list stayed the same, grew, or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiozbilling.listing.window import Consistency

__all__ = ["Drift"]


class Drift:
    """Compare each overlap with the ones before it.

    The shift of an overlap is how far its rows are from where they were at first. Totals are often a query of their own
    and lag, so they decide only what no row can show.
    """

    def __init__(self) -> None:
        self.begun: bool = False
        self._shift = 0
        self._most = self._most_epoch = 0
        self.counted: int = 0  # the rows of the list when its first window was read
        self._peaks: list[tuple[int, int]] = []  # (epoch, highest shift seen by then), rising

    def begin(self, epoch: int, shift: int, total: int) -> None:
        """Take the first overlap as the one that all others are compared with."""
        self.begun = True
        self._shift, self._most, self._most_epoch = shift, total, epoch
        self.counted = total - shift
        self._peaks = [(epoch, shift)]

    def is_static(self, shift: int, total: int) -> bool:
        """Return whether an overlap with this shift shows nothing that the ones before it did not."""
        return self.begun and shift == self._shift >= self._peaks[-1][1] and total <= self._most

    def judge(self, epoch: int, shift: int, total: int, *, has_gaps: bool, ends: bool) -> tuple[Consistency, bool]:
        """Say what an overlap shows, and whether it is at most an append.

        `epoch` is its window's; `ends` says that its rows reach the end of the list and the total agrees.
        """
        shrunk = ends and total < self._most and epoch >= self._most_epoch
        if has_gaps or shrunk or shift < self._floor(epoch):
            return "changed", False
        if shift != self._shift:
            return "grown", False
        return ("grown" if total > self._most else "static"), True

    def misses_rows(self, end: int) -> bool:
        """Whether the list ends before the place where it ended at first, not counting rows added at the head.

        Then a row was removed, or moved from where the walk had not been to where it had been.
        """
        return end < self.counted

    def note(self, epoch: int, shift: int, total: int) -> None:
        """Remember an overlap that was accepted as the `epoch`-th window."""
        self._shift = shift
        if total > self._most:
            self._most, self._most_epoch = total, epoch
        if shift > self._peaks[-1][1]:
            self._peaks = [*self._peaks[-PEAKS:], (epoch, shift)]

    def _floor(self, epoch: int) -> int:
        # A window planned in this epoch was read after every overlap accepted by then, so in a list that only grows it
        # is shifted at least as far as they were. One that is shifted less than a later one may have been read before.
        for known, peak in reversed(self._peaks):
            if known <= epoch:
                return peak
        return self._peaks[0][1]


PEAKS = 128  # more than there are windows in flight
