"""The last rows delivered, from which the anchors of a cursor are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiozbilling.listing.window import Anchors

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

__all__ = ["LastRows"]

ANCHORS = 32  # at most
PUSHED = 16  # of them at most for rows that were pushed after the last one


class LastRows:
    """Keep the last rows delivered, so that there are anchors after any row of the latest page."""

    def __init__(self, after: Anchors | None) -> None:
        self._tail: list[Hashable] = list(after.keys) if after else []
        self._pushed: list[Hashable] = []
        self._fresh: Sequence[Hashable] = ()
        self.ranks: Sequence[int] = ()  # of the latest page
        self._before: tuple[list[Hashable], list[Hashable]] | None = None  # the tail and what was pushed, if it changed
        self._place = (0, 0)  # position and total before the latest page

    def roll(self, position: int, total: int) -> None:
        """Add the latest page to the rows before it; its last row was at `position` when there were `total`."""
        if self._fresh:
            self._tail = [*self._tail, *self._fresh[-ANCHORS:]][-ANCHORS:]
            self._fresh = self.ranks = ()
        self._before, self._place = None, (position, total)

    def go_on(self, fresh: Sequence[Hashable], ranks: Sequence[int], position: int, total: int) -> None:
        """Do as `roll` and `deliver`, in fewer steps."""
        self._tail = [*self._tail, *self._fresh[-ANCHORS:]][-ANCHORS:]
        self._fresh, self.ranks, self._before, self._place = fresh, ranks, None, (position, total)

    def deliver(self, fresh: Sequence[Hashable], ranks: Sequence[int]) -> None:
        """Take the keys of the latest page, or more of them, with their ranks."""
        more = bool(self._fresh)
        self._fresh = [*self._fresh, *fresh] if more else fresh
        self.ranks = [*self.ranks, *ranks] if more else ranks

    def push(self, keys: Sequence[Hashable], behind: list[Hashable]) -> None:
        """Note which rows are now after the last one (or are gone), given the keys of a window that joined."""
        if self._pushed or behind:
            here, gone = set(keys), set(behind)
            self._before = self._before or (self._tail, self._pushed)
            met = [key for key in self._pushed if key in here]
            self._tail = [*(key for key in self._tail if key not in gone), *met][-ANCHORS:]
            self._pushed = [*behind, *(key for key in self._pushed if key not in here)][-PUSHED:]

    def anchors(self, yielded: int | None, shift: int, position: int, total: int) -> Anchors | None:
        """Return the anchors after the first `yielded` rows of the latest page; None before the first row."""
        count = len(self._fresh) if yielded is None else yielded
        if not 0 <= count <= len(self._fresh):
            raise ValueError(f"the latest page has {len(self._fresh)} rows, not {yielded}")
        tail, pushed = self._tail, self._pushed
        if not count and self._fresh:
            position, total = self._place
            tail, pushed = self._before or (tail, pushed)
        elif count:
            position = self.ranks[count - 1] + shift
            tail = [*tail, *self._fresh[max(0, count - ANCHORS) : count]]
        keys = (*tail[-(ANCHORS - len(pushed)) :], *pushed)
        return Anchors(position + len(pushed), total, keys) if keys else None
