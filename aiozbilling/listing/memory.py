"""Remembers which rows were delivered, and finds where a window joins them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import chain, pairwise

import attrs

from aiozbilling.errors import DriftError

__all__ = ["FLOATING", "ORDER", "Memory", "Overlap", "overlap_at", "refuse_repeated"]

FLOATING = -1  # rank of a row whose order among its neighbours is no longer known
_GENERATION = 8192  # keys; two generations are remembered, so a walk's memory is flat however long the list
ORDER = "A walk needs unique keys and an order that does not change"


@attrs.define(eq=False, repr=False)
class Overlap:
    """Where a window joins the delivered rows.

    Attributes:
        index: index of the last row of the window that was delivered before; -1 for none.
        rank: rank of that row.
        shared: how many rows of the window were delivered before.
        fresh: keys of the rows after that row.
        ranks: their ranks.
        first_shared: index and rank of the first row that was delivered before.
        has_gaps: whether rows were removed or added between the shared rows.
        has_strangers: whether rows were added between them.
        is_continued: whether the window begins with the last rows delivered, and the memory has the fresh keys already.
    """

    index: int
    rank: int
    shared: int
    fresh: Sequence[Hashable]
    ranks: Sequence[int]
    first_shared: tuple[int, int] = (0, 0)
    has_gaps: bool = False
    has_strangers: bool = False
    is_continued: bool = True

    def keep(self, count: int) -> None:
        """Drop all fresh rows but the first `count`."""
        self.fresh, self.ranks = self.fresh[:count], self.ranks[:count]


class Memory:
    """Remember the keys of delivered rows and their ranks; a rank is the position in the list as the walk first saw it.

    Ranks rise along the list; those of neighbours differ by one, or by more if null rows are between them.

    Attributes:
        is_complete: whether it has every row that was delivered.
    """

    def __init__(self) -> None:
        self._young = _Generation()
        self._old = _Generation()
        self._floating: dict[Hashable, None] = {}
        self.is_complete: bool = True

    def __len__(self) -> int:
        return len(self._young.keys) + len(self._old.keys)

    def add(self, overlap: Overlap) -> None:
        """Remember the fresh rows of an overlap."""
        if len(self._young.keys) > _GENERATION:
            self._age()
        self._young.keys.update(overlap.fresh)
        self._young.unranked.append((overlap.fresh, overlap.ranks))

    def _age(self) -> None:
        self.is_complete = self.is_complete and not self._old.keys
        self._old, self._young = self._young, _Generation()
        self._floating = dict.fromkeys([*self._floating][-_GENERATION:])

    def cut(self, rank: int) -> list[Hashable]:
        """Make the rows after `rank` floating and return them, in order: they were pushed further or deleted."""
        after = [*self._old.cut(rank), *self._young.cut(rank)]
        self._floating |= dict.fromkeys(after)
        return after

    def continued(self, keys: list[Hashable], last: list[Hashable], rank: int) -> Overlap | None:
        """Join and remember a window that begins with `last`, the last rows delivered; None if it begins otherwise.

        Nearly every window takes this path. It handles whole windows in C, and computes no rank before one is
        needed. `keys` has no None.

        Raises:
            DriftError: a row after them was delivered before.
        """
        shared = len(last)
        if not shared or keys[:shared] != last or (self._floating and not self._floating.keys().isdisjoint(keys)):
            return None
        if len(self._young.keys) > _GENERATION:
            self._age()
        fresh = keys[shared:]
        known, old = self._young.keys, self._old.keys
        size = len(known) + len(fresh)
        known.update(fresh)
        if len(known) != size or (old and not old.isdisjoint(fresh)):
            refuse_repeated(keys)
            raise DriftError("rows delivered before appear again after the last one", hint=ORDER)
        ranks = range(rank + 1, rank + 1 + len(fresh))
        self._young.unranked.append((fresh, ranks))
        return Overlap(shared - 1, rank, shared, fresh, ranks)

    def forget(self, overlap: Overlap) -> None:
        """Forget the fresh rows of the overlap that `continued` returned last."""
        self._young.keys.difference_update(overlap.fresh)
        self._young.unranked.pop()

    def overlap(self, keys: Sequence[Hashable], newest: int) -> Overlap | None:
        """Find the last row of a window that was delivered before; None if there is none. `newest` is the highest rank.

        Raises:
            DriftError: a key occurs twice, or known rows are in another order.
        """
        refuse_repeated(keys)
        met = [(index, rank) for index, key in enumerate(keys) if (rank := self._rank(key)) is not None]
        if not met:
            return None
        index, rank = met[-1]
        overlap = overlap_at(keys, index, newest if rank == FLOATING else rank)
        overlap.shared, overlap.first_shared = len(met), met[0]
        overlap.has_strangers = self._has_strangers(keys, met)
        overlap.has_gaps = self._has_gaps(keys, met) or overlap.has_strangers
        return overlap

    def _rank(self, key: Hashable) -> int | None:
        if key in self._floating:
            return FLOATING
        rank = self._young.ranks().get(key)
        return self._old.ranks().get(key) if rank is None else rank

    def _has_gaps(self, keys: Sequence[Hashable], met: list[tuple[int, int]]) -> bool:
        ranked = [(index, rank) for index, rank in met if rank != FLOATING]
        has_gaps = len(ranked) != len(met)
        for (i, low), (j, high) in pairwise(ranked):
            if high <= low:
                reason = f"rows delivered before are in another order now, or the key {keys[j]!r:.100} occurs twice"
                raise DriftError(reason, hint=ORDER)
            has_gaps = has_gaps or j - i != high - low
        return has_gaps

    def _has_strangers(self, keys: Sequence[Hashable], met: list[tuple[int, int]]) -> bool:
        first, rank = met[0]
        lowest = next(chain(self._old.ranks().values(), self._young.ranks().values()), rank)
        begin = 0 if rank - lowest >= first else first  # from the first row that must be known
        return sum(key is not None for key in keys[begin : met[-1][0]]) >= len(met)


class _Generation:
    """Keys that were delivered in one stretch; `unranked` are those whose ranks are not computed yet."""

    def __init__(self) -> None:
        self.keys: set[Hashable] = set()
        self.unranked: list[tuple[Sequence[Hashable], Sequence[int]]] = []
        self._ranks: dict[Hashable, int] = {}

    def ranks(self) -> dict[Hashable, int]:
        for keys, ranks in self.unranked:
            self._ranks.update(zip(keys, ranks, strict=True))
        self.unranked.clear()
        return self._ranks

    def cut(self, rank: int) -> list[Hashable]:
        ranks, after = self.ranks(), []
        while ranks and next(reversed(ranks.values())) > rank:
            after.append(ranks.popitem()[0])
        after.reverse()
        return after


def overlap_at(keys: Sequence[Hashable], index: int, rank: int) -> Overlap:
    """Return an overlap after the row at `index`, which has `rank`; null rows count, but are not fresh."""
    fresh = keys[index + 1 :]
    if None not in fresh:
        return Overlap(index, rank, 0, fresh, range(rank + 1, rank + 1 + len(fresh)), is_continued=False)
    ranked = [(key, place) for place, key in enumerate(fresh, rank + 1) if key is not None]
    fresh, ranks = [key for key, _ in ranked], [place for _, place in ranked]
    return Overlap(index, rank, 0, fresh, ranks, is_continued=False)


def refuse_repeated(keys: Sequence[Hashable]) -> None:
    """Raise `DriftError` if a key other than None occurs in `keys` twice."""
    if len(set(keys)) == len(keys):
        return
    seen: set[Hashable] = set()
    for key in keys:
        if key is not None and key in seen:
            raise DriftError(f"the key {key!r:.100} occurs twice in one reply", hint=ORDER)
        seen.add(key)
