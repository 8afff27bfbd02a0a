"""Which rows were delivered, and how a window joins on to them."""

from __future__ import annotations

from itertools import chain, pairwise
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

__all__ = ["Memory", "Overlap", "RepeatedKeyError", "opening", "refuse_repeated"]

GENERATION = 8192  # keys; two generations are remembered, so a walk's memory is flat however long the list
FLOATING = -1  # rank of a row whose order among its neighbours is not known any more


class RepeatedKeyError(Exception):
    """A key occurs twice in one reply, or delivered rows came back in another order; its text says which."""


@attrs.define
class Overlap:
    """Say where a window joins what was delivered.

    `index` and `rank` are those of the last row that was delivered before, `first_shared` those of the first, `shared`
    counts all such rows. `fresh` are the keys after them, with their `ranks`. `has_gaps` is set when rows went missing
    or came in between the rows met again, `has_strangers` when they came in. `remembered` says that the memory has the
    fresh keys.
    """

    index: int
    rank: int
    shared: int
    fresh: Sequence[Hashable]
    ranks: Sequence[int]
    first_shared: tuple[int, int] = (0, 0)
    has_gaps: bool = False
    has_strangers: bool = False
    remembered: bool = False


class Memory:
    """Remember the keys of delivered rows and their ranks; a rank is the position in the list as the walk first saw it.

    Ranks rise along the list; those of neighbours differ by one, or by more if null rows are between them.
    """

    def __init__(self) -> None:
        self._young = _Generation()
        self._old = _Generation()
        self._floating: dict[Hashable, None] = {}
        self.complete: bool = True

    def __len__(self) -> int:
        return len(self._young.keys) + len(self._old.keys)

    def add(self, overlap: Overlap) -> None:
        """Remember the fresh rows of an overlap."""
        if not overlap.remembered:
            self._age()
            self._young.keys.update(overlap.fresh)
            self._young.late.append((overlap.fresh, overlap.ranks))

    def _age(self) -> None:
        if len(self._young.keys) > GENERATION:
            self.complete = self.complete and not self._old.keys
            self._old, self._young = self._young, _Generation()
            self._floating = dict.fromkeys([*self._floating][-GENERATION:])

    def unsettle(self, rank: int) -> list[Hashable]:
        """Make the rows after `rank` floating and return them, in order: they were pushed further or deleted."""
        behind = [*self._old.cut(rank), *self._young.cut(rank)]
        self._floating |= dict.fromkeys(behind)
        return behind

    def joined(self, keys: list[Hashable], edge: list[Hashable], rank: int) -> Overlap | None:
        """Join and remember a window that begins with `edge`, the last rows delivered; None if it begins otherwise.

        Raises:
            RepeatedKeyError: what comes after the edge was delivered before.
        """
        if not edge or None in edge or (fresh := self.extend(keys, edge, rank)) is None:
            return None
        overlap = len(edge)
        return Overlap(overlap - 1, rank, overlap, fresh, range(rank + 1, rank + 1 + len(fresh)), remembered=True)

    def extend(self, keys: list[Hashable], edge: list[Hashable], rank: int) -> list[Hashable] | None:
        """Remember what comes after `edge`, the last rows delivered, in a window that begins with it; else None.

        This is the path of every window of a list that does not move: all of it runs over whole windows in C, and no
        rank is written down before one is asked for.

        Raises:
            RepeatedKeyError: what comes after the edge was delivered before.
        """
        overlap = len(edge)
        if keys[:overlap] != edge or (self._floating and not self._floating.keys().isdisjoint(keys)):
            return None
        self._age()
        fresh = keys[overlap:]
        known, old = self._young.keys, self._old.keys
        size = len(known) + len(fresh)
        known.update(fresh)
        if len(known) != size or (old and not old.isdisjoint(fresh)):
            refuse_repeated(keys)
            raise RepeatedKeyError("rows delivered before come again after the last one")
        self._young.late.append((fresh, range(rank + 1, rank + 1 + len(fresh))))
        return fresh

    def overlap(self, keys: Sequence[Hashable], newest: int) -> Overlap | None:
        """Find the last row of a window that was delivered before; None if there is none. `newest` is the highest rank.

        Raises:
            RepeatedKeyError: a key is there twice, or known rows are in another order.
        """
        refuse_repeated(keys)
        met = [(index, rank) for index, key in enumerate(keys) if (rank := self._rank(key)) is not None]
        if not met:
            return None
        index, rank = met[-1]
        overlap = opening(keys, index, newest if rank == FLOATING else rank)
        overlap.shared, overlap.first_shared = len(met), met[0]
        overlap.has_strangers = self._has_strangers(keys, met)
        overlap.has_gaps = self._has_gaps(keys, met) or overlap.has_strangers
        return overlap

    def _rank(self, key: Hashable) -> int | None:
        if key in self._floating:
            return FLOATING
        rank = self._young.index().get(key)
        return self._old.index().get(key) if rank is None else rank

    def _has_gaps(self, keys: Sequence[Hashable], met: list[tuple[int, int]]) -> bool:
        steady = [(index, rank) for index, rank in met if rank != FLOATING]
        has_gaps = len(steady) != len(met)
        for (i, low), (j, high) in pairwise(steady):
            if high <= low:
                raise RepeatedKeyError(f"rows came back in another order, or the key {keys[j]!r} occurs twice")
            has_gaps = has_gaps or j - i != high - low
        return has_gaps

    def _has_strangers(self, keys: Sequence[Hashable], met: list[tuple[int, int]]) -> bool:
        first, rank = met[0]
        lowest = next(chain(self._old.index().values(), self._young.index().values()), rank)
        begin = 0 if rank - lowest >= first else first  # as far back as all rows should be known
        return sum(key is not None for key in keys[begin : met[-1][0]]) >= len(met)


class _Generation:
    """Hold keys that were delivered in one stretch; `late` are those whose ranks are not written down yet."""

    def __init__(self) -> None:
        self.keys: set[Hashable] = set()
        self.late: list[tuple[Sequence[Hashable], Sequence[int]]] = []
        self._ranks: dict[Hashable, int] = {}

    def index(self) -> dict[Hashable, int]:
        for keys, ranks in self.late:
            self._ranks.update(zip(keys, ranks, strict=True))
        self.late.clear()
        return self._ranks

    def cut(self, rank: int) -> list[Hashable]:
        ranks, behind = self.index(), []
        while ranks and next(reversed(ranks.values())) > rank:
            behind.append(ranks.popitem()[0])
        behind.reverse()
        return behind


def opening(keys: Sequence[Hashable], index: int, rank: int) -> Overlap:
    """Make an overlap after the row at `index`, which has `rank`; null rows count, but are not fresh."""
    fresh = keys[index + 1 :]
    if None not in fresh:
        return Overlap(index, rank, 0, fresh, range(rank + 1, rank + 1 + len(fresh)))
    ranked = [(key, place) for place, key in enumerate(fresh, rank + 1) if key is not None]
    return Overlap(index, rank, 0, [key for key, _ in ranked], [place for _, place in ranked])


def refuse_repeated(keys: Sequence[Hashable]) -> None:
    """Raise `RepeatedKeyError` if a key other than None occurs in `keys` twice."""
    if len(set(keys)) == len(keys):
        return
    seen: set[Hashable] = set()
    for key in keys:
        if key is not None and key in seen:
            raise RepeatedKeyError(f"the key {key!r} occurs twice in one reply")
        seen.add(key)
