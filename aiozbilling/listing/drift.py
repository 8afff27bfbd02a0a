"""Decide from the overlaps whether the list stayed the same, grew, or changed."""

from __future__ import annotations

from typing import Any

from aiozbilling.errors import DriftError
from aiozbilling.listing.memory import Overlap
from aiozbilling.listing.window import Consistency, FetchedWindow

__all__ = ["Drift"]

_PEAKS = 128  # more than there are windows in flight


class Drift:
    """Compare each overlap with the ones before it.

    The shift of an overlap is how far its rows are from where they were at first. Servers often count rows in a
    separate query, and late. So a total decides only what no row can show.

    Args:
        is_strict: whether any change but an append at the tail is an error.

    Attributes:
        begun: whether there is an overlap to compare with.
        counted: the rows of the list when its first window was read.
    """

    def __init__(self, *, is_strict: bool) -> None:
        self.begun: bool = False
        self.counted: int = 0
        self._is_strict = is_strict
        self._shift = 0
        self._highest_total = self._highest_epoch = 0
        self._peaks: list[tuple[int, int]] = []  # (epoch, highest shift seen by then), in rising order

    def judge(self, window: FetchedWindow[Any], overlap: Overlap, last_rank: int, epoch: int) -> Consistency:
        """Return how the list changed, by comparing an overlap with the earlier ones; the first one shows nothing.

        Args:
            window: the window and its reply.
            overlap: where it joins the delivered rows.
            last_rank: rank of the last row delivered before this window.
            epoch: the number of windows accepted up to this one.

        Raises:
            DriftError: the walk is strict, and the list changed in another way than by an append.
        """
        shift, total = window.offset + overlap.index - overlap.rank, window.total
        if not self.begun:
            self._begin(epoch, shift, total)
            return "static"
        verdict: Consistency = "grown" if shift != self._shift or total > self._highest_total else "static"
        if self._is_changed(window, overlap, shift, last_rank):
            verdict = "changed"
        if self._is_strict and (verdict == "changed" or shift != self._shift):
            raise _changed()
        self._shift = shift
        if total > self._highest_total:
            self._highest_total, self._highest_epoch = total, epoch
        if shift > self._peaks[-1][1]:
            self._peaks = [*self._peaks[-_PEAKS:], (epoch, shift)]
        return verdict

    def refuse_lost(self) -> None:
        """Refuse a window that does not join.

        Raises:
            DriftError: the walk is strict, and a window came before.
        """
        if self._is_strict and self.begun:
            raise _changed()

    def _begin(self, epoch: int, shift: int, total: int) -> None:
        self.begun = True
        self._shift, self._highest_total, self._highest_epoch = shift, total, epoch
        self.counted = total - shift
        self._peaks = [(epoch, shift)]

    def _is_changed(self, window: FetchedWindow[Any], overlap: Overlap, shift: int, last_rank: int) -> bool:
        if overlap.has_gaps or (overlap.rank != last_rank and overlap.fresh):
            return True
        if shift < self._peaks[-1][1] and shift < self._lowest(window.epoch):
            return True
        if window.is_full or (end := window.end) < window.total:
            return False
        # The list ends before the place where it ended at first, not counting rows that were added at the head: a row
        # was removed, or moved from where the walk had not been to where it had been.
        if end - shift < self.counted:
            return True
        return end == window.total < self._highest_total and window.epoch >= self._highest_epoch

    def _lowest(self, epoch: int) -> int:
        """Return the lowest shift of a window that was planned in this epoch, in a list that only grows.

        It was read after every overlap accepted by then, so it is shifted at least as far as they were. A window that
        is shifted less than a later one may have been read before.
        """
        for known, peak in reversed(self._peaks):
            if known <= epoch:
                return peak
        return self._peaks[0][1]


def _changed() -> DriftError:
    return DriftError("the list changed while it was read", hint='Use on_drift="repair" to continue')
