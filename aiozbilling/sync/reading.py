"""One reading of a list by `sync`."""

from __future__ import annotations

import attrs

from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.growth import is_far_shorter, with_count

__all__ = ["Reading"]


@attrs.define
class Reading:
    """The result of one reading of a list.

    Attributes:
        seen: hashes of the keys read.
        met: whether it reached a row that was among the first rows when the list was last complete.
        is_whole: whether it includes the list from its first row to its last.
        nulls: number of null rows, which the server counts as rows.
        first_total: the server's count of the rows at the start of the reading.
        last_total: the same at its end.
        cursor: the place where the reading ended.
        counted: the highest count of the server so far.
    """

    seen: set[int] = attrs.field(factory=set)
    met: bool = False
    is_whole: bool = False
    nulls: int = 0
    first_total: int = 0
    last_total: int = 0
    cursor: Cursor | None = None
    counted: int = 0

    def unshortened(self, cursor: Cursor | None) -> Cursor | None:
        """Return the cursor with the count from before, if the list is far shorter now.

        A list that ends there is not complete for the run that continues from the cursor, either.
        """
        if cursor is None:
            return None
        self.counted = max(self.counted, cursor.total)
        return with_count(cursor, self.counted)

    @property
    def has_collapsed(self) -> bool:
        """Whether the total fell during the reading by far more than the removal of some rows would explain."""
        return is_far_shorter(self.last_total, self.first_total)

    @property
    def excess(self) -> int | None:
        """Number of null rows, or None if the rows read do not add up to a total of the server."""
        rows = len(self.seen) + self.nulls
        return self.nulls if rows in (self.first_total, self.last_total) else None
