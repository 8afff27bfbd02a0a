"""Finds exactly the rows of a list that were added since a place, for destinations that only append rows.

A reading of the growing end is enough if the server's count confirms it. Otherwise rows were removed, moved or added
elsewhere: the whole list is read, and the place's summary of all keys shows which rows are new, as in a cursor of
``follow()``.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import attrs

from aiozbilling.errors import DriftError, ListingError
from aiozbilling.fleet.changes import KEY, KEYS, TIME, Changes, Place
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.growth import growing_end
from aiozbilling.listing.known import digest, known_at
from aiozbilling.listing.listing import Begin
from aiozbilling.listing.sketch import Sketch
from aiozbilling.listing.source import key_text
from aiozbilling.records import DayUsage, TopUp

__all__ = ["new_rows", "rows_between"]

_READS = 3  # of a list that changes while it is read


async def new_rows(begin: Begin, kind: type[TopUp | DayUsage], since: Place | None) -> tuple[list[Any], Place]:
    """Return the rows that were added since a place, and the place after them. Without a place, return all rows.

    Raises:
        DriftError: it is another list, or it changed too much to be certain which rows are new.
        IncompleteError: the list is far shorter than at the place.
    """
    if since is not None and since.sketch is not None:
        changes = Changes(begin, kind, since, corrected=False)
        async with aclosing(changes.rows()) as batches:
            found = [row async for rows in batches for row in rows]
        if changes.place.rows == since.rows + len(found):
            sketch = Sketch.from_text(since.sketch)
            for one in _digests(kind, found):
                sketch.change(one, 1)
            return found, attrs.evolve(changes.place, blocks={}, sketch=sketch.as_text())
    rows, total = await _all_rows(begin)
    known = set() if since is None else _known_at(kind, since, rows)
    digests = _digests(kind, rows)
    keys = tuple(key_text(KEY[kind](row)) for row in rows)
    place = Place(
        grows_at=growing_end(map(TIME[kind], rows)) or (None if since is None else since.grows_at),
        rows=total,
        head=keys[:KEYS],
        tail=keys[-KEYS:],
        blocks={},
        sketch=Sketch.of(digests).as_text(),
    )
    return [row for one, row in zip(digests, rows, strict=True) if one not in known], place


async def rows_between(begin: Begin, kind: type[TopUp | DayUsage], since: Place | None, until: Place) -> list[Any]:
    """Read the rows again that were added between two places, in list order, except those that were removed since.

    Raises:
        DriftError: the list changed too much to be certain which rows these are.
        IncompleteError: the list is far shorter than at a place.
    """
    rows, _ = await _all_rows(begin)
    wanted = _known_at(kind, until, rows) - (set() if since is None else _known_at(kind, since, rows))
    return [row for one, row in zip(_digests(kind, rows), rows, strict=True) if one in wanted]


async def _all_rows(begin: Begin) -> tuple[list[Any], int]:
    """Return all rows, and the server's count of them."""
    for _ in range(_READS):
        listing = begin()
        rows = await listing.collect()
        if listing.report.consistency != "changed":
            return rows, listing.report.total_last or 0
    raise DriftError("the list changes too fast to find out which rows are new", hint="Try again later")


def _known_at(kind: type[TopUp | DayUsage], place: Place, rows: list[Any]) -> set[int]:
    last = place.rows - 1
    cursor = Cursor("", "follow", last, place.rows, place.tail, place.head, finished=True, sketch=place.sketch)
    try:
        return known_at(cursor, [KEY[kind](row) for row in rows], place.grows_at)
    except ListingError as error:
        error.hint = "Read all rows again, with a new checkpoint, and replace those that you have"
        raise


def _digests(kind: type[TopUp | DayUsage], rows: list[Any]) -> list[int]:
    return [digest(KEY[kind](row)) for row in rows]
