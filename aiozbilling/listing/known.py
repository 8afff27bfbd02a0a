"""Which rows of a list were known when a cursor of a follow was taken."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import reduce
from hashlib import blake2b
from operator import xor

from aiozbilling.errors import DriftError, IncompleteError
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.source import key_from_text, key_text
from aiozbilling.listing.walk import MOST_REMOVED

__all__ = ["BEGIN_ANEW", "checksum", "digest", "known_since", "refuse_doubt"]

BEGIN_ANEW = "follow the list without `after`, and compare its rows with those that you have"


def refuse_doubt(cursor: Cursor, known: list[Hashable], keys: list[Hashable]) -> None:
    """Raise where a cursor doesn't show for certain which rows of a list are known.

    Raises:
        IncompleteError: the list is far shorter than at the cursor.
        DriftError: other rows than the known ones would be taken as known.
    """
    before = cursor.position + 1
    if before and len(keys) < max(1, 0.9 * before - MOST_REMOVED):
        raise IncompleteError(f"the list had {before} rows at the cursor, and has {len(keys)} now", hint=BEGIN_ANEW)
    if cursor.checksum in (None, checksum(map(digest, known))) or _has_all_keys(cursor):
        return
    if len(keys) > len(known) or len(known) >= before:
        raise DriftError(
            "rows were removed, moved or added in the middle of the list since the cursor was taken,"
            " so which ones are new is not certain",
            hint=BEGIN_ANEW,
        )


def known_since(cursor: Cursor, keys: list[Hashable], order: int) -> list[Hashable]:
    """Return the keys from the first to the last one in the cursor.

    At the end where the list grows, the cursor has all keys in a row: one between them that it lacks is new.

    Raises:
        DriftError: none of the rows of one end is in the list any more.
    """
    ends = [set(map(key_from_text, texts)) for texts in (cursor.head, cursor.anchors)]
    met = [[i for i, key in enumerate(keys) if key in end] for end in ends]
    if any(end and not found for end, found in zip(ends, met, strict=True)):
        raise DriftError("none of the rows known before is in the list any more", hint=BEGIN_ANEW)
    places = {*met[0], *met[1]}
    if not places:
        return []
    first, last = (met[0] or met[1])[0], (met[1] or met[0])[-1]
    if cursor.made_by == "follow" and _has_all_keys(cursor):
        return [keys[i] for i in sorted(places)]
    growing = met[:1] if order < 0 else met[1:] if order > 0 else met
    ranges = [range(found[0], found[-1] + 1) for found in growing if found]
    return [
        keys[i]
        for i in range(len(keys))
        if i in places or (first < i < last and not any(i in inside for inside in ranges))
    ]


def checksum(digests: Iterable[int]) -> int:
    """Return one number for a set of digests, in any order."""
    return reduce(xor, digests, 0)


def _has_all_keys(cursor: Cursor) -> bool:
    return len({*cursor.head, *cursor.anchors}) == cursor.position + 1


def digest(key: Hashable) -> int:
    """Return a key as a number of 64 bits, so that 100,000 keys take few MB."""
    return int.from_bytes(blake2b(key_text(key).encode(errors="surrogatepass"), digest_size=8).digest())
