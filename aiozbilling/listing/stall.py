"""Counts windows without new rows: the same offset is requested again after a pause, and finally an error is raised."""

from __future__ import annotations

from typing import Any

import attrs

from aiozbilling.errors import DriftError, IncompleteError, ListingError, RunawayError
from aiozbilling.listing.limits import LATER
from aiozbilling.listing.memory import Overlap
from aiozbilling.listing.window import FetchedWindow

__all__ = ["EMPTY_PAUSE_S", "Stall", "nothing_new"]

_PAUSES_S = (0.2, 1.0)  # before a reply that contradicts its total is requested again
EMPTY_PAUSE_S = 0.5  # before a list that seems to be empty is requested again
_MOST_WINDOWS = 3  # consecutive windows that join and bring no new row
_OFFSET = "The server ignores or rounds the offset, or the list grows faster than it is read. Try another page_size"
_NEEDS_TWO = "A walk needs pages of at least two rows, to see how they join"


@attrs.define(eq=False, repr=False)
class Stall:
    """Count requests since the last new row; a new row replaces this object.

    Attributes:
        repeats: how often an offset was requested again after a pause.
        windows: windows that joined without a new row, not counting those of a search.
        requests: all requests without a new row.
    """

    repeats: int = 0
    windows: int = 0
    requests: int = 0

    @property
    def is_exhausted(self) -> bool:
        """Whether an offset was requested again as often as allowed."""
        return self.repeats >= len(_PAUSES_S)

    def exhaust(self) -> None:
        """Allow no further pause."""
        self.repeats = len(_PAUSES_S)

    def next_pause(self, error: ListingError) -> float:
        """Return the pause before an offset is requested again.

        Raises:
            ListingError: `error`, after the last pause.
        """
        if self.is_exhausted:
            raise error
        self.repeats += 1
        return _PAUSES_S[self.repeats - 1]

    def add_window(self, window: FetchedWindow[Any]) -> None:
        """Count a window that joins and brings no new row.

        Raises:
            IncompleteError: it is the third in a row, and one was requested again since its total promised more rows.
            RunawayError: it is the third in a row.
        """
        self.windows += 1
        if self.windows < _MOST_WINDOWS:
            return
        if self.repeats:
            raise _missing(window)
        raise RunawayError(f"{_MOST_WINDOWS} windows in a row brought no new row", hint=_OFFSET)


def nothing_new(window: FetchedWindow[Any], overlap: Overlap, size: int) -> ListingError | None:
    """Return the error for a window that joins and brings no new row; None if the offset may be the cause."""
    if size == 1:
        return DriftError("the server returns one row at a time", hint=_NEEDS_TWO)
    if window.is_full and window.keys[-1] is None:
        reason = f"{len(window.keys) - 1 - overlap.index} null rows in a row"
        return DriftError(reason, hint="Rows after them can't be joined")
    if not window.is_full and window.end < window.total:
        return _missing(window)
    return None


def _missing(window: FetchedWindow[Any]) -> IncompleteError:
    reason = f"the server counts {window.total} rows, but returned none from offset {window.end} on"
    return IncompleteError(reason, hint=LATER)
