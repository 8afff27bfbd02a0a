"""At which end a list grows, and whether it shrank by more than the removal of single rows explains."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Literal, TypeAlias

import attrs

from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.limits import MOST_REMOVED

__all__ = ["End", "growing_end", "is_far_shorter", "with_count"]

End: TypeAlias = Literal["head", "tail"]

_ORDERED = 0.9  # share of neighbouring rows with rising (or falling) times that shows the order


def growing_end(times: Iterable[datetime | None]) -> End | None:
    """Return the end at which rows are added, by the times of rows in list order; None if these don't show it."""
    rising = falling = 0
    for earlier, later in pairwise(time for time in times if time is not None):
        rising += later > earlier
        falling += later < earlier
    if max(rising, falling) < max(1, _ORDERED * (rising + falling)):
        return None
    return "tail" if rising > falling else "head"


def is_far_shorter(rows: int, before: int) -> bool:
    """Return whether a list that had `before` rows lost more than a tenth of them (and more than a few)."""
    return rows < max(min(before, 1), 0.9 * before - MOST_REMOVED)


def with_count(cursor: Cursor, before: int) -> Cursor:
    """Return the cursor with the count from before if the list is far shorter now, so that a resume refuses it, too."""
    return attrs.evolve(cursor, total=before) if is_far_shorter(cursor.total, before) else cursor
