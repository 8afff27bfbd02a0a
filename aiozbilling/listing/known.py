"""The rows of a list that a follow knows, now and when its cursor was taken."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from functools import reduce
from hashlib import blake2b
from operator import xor

import attrs

from aiozbilling.errors import DriftError, IncompleteError
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.growth import End, is_far_shorter
from aiozbilling.listing.sketch import Sketch
from aiozbilling.listing.source import key_from_text, key_text

__all__ = ["BEGIN_AGAIN", "KnownRows", "digest", "known_at"]

BEGIN_AGAIN = (
    "Read the whole list, compare its rows with those that you have, and follow from the cursor of that reading"
)
_KEPT = 16  # removed rows in the sketch of a cursor: a row that moves may be missing from one reading


@attrs.define(eq=False)
class KnownRows:
    """The keys of all known rows, as digests; its length is the number of known rows that are in the list."""

    sketch: Sketch = attrs.field(factory=Sketch, init=False)  # of the rows in the list, and of the latest removed ones
    _present: set[int] = attrs.field(factory=set, init=False)
    _removed: deque[int] = attrs.field(factory=deque, init=False)
    _removed_earlier: set[int] = attrs.field(factory=set, init=False)

    def __contains__(self, digest: int) -> bool:
        return digest in self._present or digest in self._removed_earlier or digest in self._removed

    def __len__(self) -> int:
        return len(self._present)

    def add(self, digests: Iterable[int]) -> None:
        """Mark rows as known, and as in the list."""
        added = set(digests) - self._present
        for digest in added.difference(self._removed):
            self.sketch.change(digest, 1)
        self._present |= added
        self._removed_earlier -= added
        if not added.isdisjoint(self._removed):
            self._removed = deque(digest for digest in self._removed if digest not in added)

    def see_all(self, present: set[int]) -> None:
        """Mark rows as known, and all other known rows as removed from the list."""
        self.add(present)
        self._removed += self._present - present
        self._present &= present
        while len(self._removed) > _KEPT:
            oldest = self._removed.popleft()
            self.sketch.change(oldest, -1)
            self._removed_earlier.add(oldest)


def known_at(cursor: Cursor, keys: list[Hashable], grows_at: End | None) -> set[int]:
    """Return the digests of the rows that were known at a cursor, with some that are not in the list any more.

    `keys` are those of the whole list, in list order.

    Raises:
        IncompleteError: the list is far shorter than at the cursor.
        DriftError: none of the known rows is in the list any more, or the cursor doesn't show which ones are known.
    """
    before = cursor.position + 1
    if is_far_shorter(len(keys), before):
        raise IncompleteError(f"the list had {before} rows at the cursor, and now has {len(keys)}", hint=BEGIN_AGAIN)
    present = set(map(digest, keys))
    if (known := _known_among(cursor, keys, grows_at)) is None:
        raise DriftError(
            "too many rows were removed, moved or added in the middle of the list since the cursor was taken,"
            " so it is not certain which rows are new",
            hint=BEGIN_AGAIN,
        )
    if before and known.isdisjoint(present):
        raise DriftError("none of the rows known before is in the list any more", hint=BEGIN_AGAIN)
    return known


def _known_among(cursor: Cursor, keys: list[Hashable], grows_at: End | None) -> set[int] | None:
    """Return the digests of the known rows; None if that is not certain."""
    before = cursor.position + 1
    if cursor.sketch is not None:
        sketch = Sketch.from_text(cursor.sketch)
        corrected = (_corrected(set(map(digest, guess)), sketch) for guess in _guesses(cursor, keys, grows_at))
        return next((known for known in corrected if known is not None), None)
    if cursor.made_by == "follow" and _has_all_keys(cursor):
        return set(map(digest, _cursor_keys(cursor)))
    known = set(map(digest, _between_anchors(cursor, keys, grows_at)))
    is_certain = cursor.checksum in (None, reduce(xor, known, 0)) or len(keys) == len(known) < before
    return known if is_certain else None


def _guesses(cursor: Cursor, keys: list[Hashable], grows_at: End | None) -> Iterator[list[Hashable]]:
    """Yield guesses at which rows were known; the sketch can correct one that is wrong by a few rows."""
    before = cursor.position + 1
    if _has_all_keys(cursor):
        yield _cursor_keys(cursor)
        return
    yield _between_anchors(cursor, keys, grows_at)
    if grows_at != "tail":
        yield keys[-before:]
    if grows_at != "head":
        yield keys[:before]


def _corrected(guess: set[int], sketch: Sketch) -> set[int] | None:
    """Return the digests that the sketch summarizes; None if the guess differs from them in too many."""
    if (difference := sketch.difference(Sketch.of(guess))) is None:
        return None
    missed, wrong = difference
    return (guess | missed) - wrong if wrong <= guess and missed.isdisjoint(guess) else None


def _between_anchors(cursor: Cursor, keys: list[Hashable], grows_at: End | None) -> list[Hashable]:
    """Return the keys from the first to the last one in the cursor.

    At the end where the list grows, the cursor has consecutive keys. A key between them that it lacks is new.
    """
    ends = [set(map(key_from_text, texts)) for texts in (cursor.head, cursor.anchors)]
    met = [[i for i, key in enumerate(keys) if key in end] for end in ends]
    if any(end and not found for end, found in zip(ends, met, strict=True)):
        return []
    places = {*met[0], *met[1]}
    if not places:
        return []
    first, last = (met[0] or met[1])[0], (met[1] or met[0])[-1]
    growing = {"head": met[:1], "tail": met[1:]}.get(grows_at or "", met)
    ranges = [range(found[0], found[-1] + 1) for found in growing if found]
    return [
        keys[i]
        for i in range(len(keys))
        if i in places or (first < i < last and not any(i in inside for inside in ranges))
    ]


def _has_all_keys(cursor: Cursor) -> bool:
    return len(_cursor_keys(cursor)) == cursor.position + 1


def _cursor_keys(cursor: Cursor) -> list[Hashable]:
    return [*map(key_from_text, dict.fromkeys((*cursor.head, *cursor.anchors)))]


def digest(key: Hashable) -> int:
    """Return a key as a number of 64 bits, so that 100,000 keys take only a few MB."""
    return int.from_bytes(blake2b(key_text(key).encode(errors="surrogatepass"), digest_size=8).digest())
