"""Which rows were delivered, and how a window joins on to them."""

from __future__ import annotations

from itertools import chain, count, pairwise
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

__all__ = ["FLOATING", "Memory", "RepeatedKeyError", "Seam", "ranked", "refuse_repeated"]

GENERATION = 8192  # keys; two generations are remembered, so a walk's memory is flat however long the list
FLOATING = -1  # rank of a row whose order among its neighbours is not known any more


class RepeatedKeyError(Exception):
    """A key stands twice in one reply, or delivered rows came back in another order; its text says which."""


@attrs.define
class Seam:
    """Say where a window joins what was delivered.

    `index` and `rank` are those of the last row that was delivered before, `fresh` the keys behind it with their ranks.
    `torn` is set when rows went missing or came in between the rows met again, `intruded` when they came in.
    """

    index: int
    rank: int
    fresh: dict[Hashable, int]
    shared: int
    torn: bool = False
    intruded: bool = False


class Memory:
    """Remember the keys of delivered rows and their ranks; a rank is the position in the list as the walk first saw it.

    Ranks rise along the list; those of neighbours differ by one, or by more where null rows stand between them.
    """

    def __init__(self) -> None:
        self._young: dict[Hashable, int] = {}
        self._old: dict[Hashable, int] = {}
        self.complete = True

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def add(self, fresh: dict[Hashable, int]) -> None:
        """Remember delivered rows, and forget the oldest generation when the younger one is full."""
        self._young.update(fresh)
        if len(self._young) > GENERATION:
            self.complete = self.complete and not self._old
            self._old, self._young = self._young, {}

    def unsettle(self, rank: int) -> list[Hashable]:
        """Make the rows behind `rank` floating and name them, in order: they were pushed further or deleted."""
        behind: list[Hashable] = []
        for key, place in chain(reversed(self._young.items()), reversed(self._old.items())):
            if place == FLOATING:
                continue
            if place <= rank:
                break
            behind.append(key)
        behind.reverse()
        for key in behind:
            self._young.pop(key, None)
            self._old.pop(key, None)
            self._young[key] = FLOATING
        return behind

    def joined(self, keys: Sequence[Hashable], edge: list[Hashable], rank: int) -> Seam | None:
        """Find the seam of a window that begins with exactly `edge`, the last rows delivered; None if it is no such.

        This is the road of every window of a list that does not move, so all of it runs over whole windows in C.
        """
        overlap = len(edge)
        if not overlap or keys[:overlap] != edge:
            return None
        fresh: dict[Hashable, int] = dict(zip(keys[overlap:], count(rank + 1)))
        if len(fresh) != len(keys) - overlap or None in fresh:
            return None
        new = fresh.keys()
        if new.isdisjoint(self._young.keys()) and new.isdisjoint(self._old.keys()):
            return Seam(overlap - 1, rank, fresh, overlap)
        return None

    def seam(self, keys: Sequence[Hashable], newest: int) -> Seam | None:
        """Find the last row of a window that was delivered before; None if there is none. `newest` is the highest rank.

        Raises:
            RepeatedKeyError: a key is there twice, or known rows are in another order.
        """
        refuse_repeated(keys)
        met = [(index, rank) for index, key in enumerate(keys) if (rank := self._rank(key)) is not None]
        if not met:
            return None
        index, found = met[-1]
        rank = newest if found == FLOATING else found
        torn, intruded = self._torn(keys, met), self._intruded(keys, met)
        return Seam(index, rank, ranked(keys, index, rank), len(met), torn or intruded, intruded)

    def _rank(self, key: Hashable) -> int | None:
        rank = self._young.get(key)
        return self._old.get(key) if rank is None else rank

    def _torn(self, keys: Sequence[Hashable], met: list[tuple[int, int]]) -> bool:
        steady = [(index, rank) for index, rank in met if rank != FLOATING]
        torn = len(steady) != len(met)
        for (i, low), (j, high) in pairwise(steady):
            if high <= low:
                raise RepeatedKeyError(f"rows came back in another order, or the key {keys[j]!r} stands there twice")
            torn = torn or j - i != high - low
        return torn

    def _intruded(self, keys: Sequence[Hashable], met: list[tuple[int, int]]) -> bool:
        first, rank = met[0]
        lowest = next((rank for rank in chain(self._old.values(), self._young.values()) if rank != FLOATING), rank)
        begin = 0 if rank - lowest >= first else first  # as far back as all rows should be known
        return sum(key is not None for key in keys[begin : met[-1][0]]) >= len(met)


def refuse_repeated(keys: Sequence[Hashable]) -> None:
    """Raise `RepeatedKeyError` if a key other than None stands in `keys` twice."""
    if len(set(keys)) == len(keys):
        return
    seen: set[Hashable] = set()
    for key in keys:
        if key is not None and key in seen:
            raise RepeatedKeyError(f"the key {key!r} stands twice in one reply")
        seen.add(key)


def ranked(keys: Sequence[Hashable], index: int, rank: int) -> dict[Hashable, int]:
    """Give the keys behind `index` their ranks, the row at `index` having `rank`; null rows count and are left out."""
    fresh: dict[Hashable, int] = dict(zip(keys[index + 1 :], count(rank + 1)))
    if None in fresh:
        return {key: place for place, key in enumerate(keys[index + 1 :], rank + 1) if key is not None}
    return fresh
