"""The values of a walk: its windows and their replies, the last row delivered, and the report."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Literal, NamedTuple, TypeAlias, TypeVar

import attrs

__all__ = ["Anchors", "Consistency", "FetchedWindow", "Place", "WalkOptions", "WalkReport", "Window", "keys_of"]

R = TypeVar("R")
Consistency: TypeAlias = Literal["static", "grown", "changed"]


class Window(NamedTuple):
    """A request for `limit` rows from `offset`, sent after a pause of `pause_s` seconds.

    `nonce` distinguishes repeated requests for the same offset. `epoch` is the number of windows that had been accepted
    when this one was planned; it was requested after those were read.
    """

    offset: int
    limit: int
    nonce: int = 0
    pause_s: float = 0.0
    epoch: int = 0


@attrs.define(eq=False, repr=False)
class FetchedWindow(Generic[R]):
    """A window and its reply.

    Attributes:
        offset: position of the first row, as requested.
        epoch: the epoch of the request.
        rows: the rows; None for a null row.
        keys: their keys; None for a null row.
        total: the server's count of the list, at least 0.
        is_full: whether the reply had no room for more rows.
        has_nulls: whether any row is null.
    """

    offset: int
    epoch: int
    rows: Sequence[R | None]
    keys: list[Hashable]
    total: int
    is_full: bool
    has_nulls: bool

    @property
    def end(self) -> int:
        """Position after the last row."""
        return self.offset + len(self.keys)

    @property
    def reaches_end(self) -> bool:
        """Whether the rows reach the end of the list and the total agrees."""
        return not self.is_full and self.end == self.total


@attrs.define(eq=False, repr=False)
class Place:
    """The last row that was delivered, from which the walk continues; replaced when a window joins.

    `rank` is the position of the row as the walk first saw it, `position` where it was last seen, when the server
    counted `total` rows. `last_keys` are the keys of the last rows up to it, as they were in its
    window; the next window should begin with them. They are empty if the last window that joined did not reach the row.
    `epoch` is the number of windows that had been accepted then.
    """

    rank: int
    position: int
    total: int
    last_keys: list[Hashable]
    epoch: int


@attrs.frozen(repr=False)
class Anchors:
    """Describes a position in a list, so that it is found again after rows were inserted or removed.

    `keys` are those of the last rows delivered (at most 32, oldest first), `position` is where the last of them
    was when the list had `total` rows.
    """

    position: int
    total: int
    keys: tuple[Hashable, ...]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class WalkOptions(Generic[R]):
    """The options of one walk.

    Attributes:
        key: returns the key of a row, which never changes and is never shared by two rows; as `attrgetter` does, it
            raises `AttributeError` or `TypeError` for None.
        limit: rows to request in each window, at least 2; if a server returns fewer, its size is used.
        offset: position of the first row to deliver.
        max_items: stop after that many rows.
        on_drift: "raise" to stop with `DriftError` at the first change other than an append.
        after: begin after these anchors instead of at `offset`.
        believe_empty: accept a first reply without rows; by default it is requested once more, after a pause.
    """

    key: Callable[[R], Hashable]
    limit: int
    offset: int = 0
    max_items: int | None = None
    on_drift: Literal["repair", "raise"] = "repair"
    after: Anchors | None = None
    believe_empty: bool = False


@attrs.define
class WalkReport:
    """The counts of a walk so far.

    `pages` are windows that brought new rows, `requests` all windows read. `duplicates_skipped` are rows met again,
    beyond the planned overlap, because the list moved. `consistency` is "static" when nothing moved, "grown" when rows
    were only added at the head or the tail, else "changed" (and repaired).
    """

    rows: int = 0
    pages: int = 0
    requests: int = 0
    duplicates_skipped: int = 0
    null_rows_skipped: int = 0
    total_first: int | None = None
    total_last: int | None = None
    consistency: Consistency = "static"


def keys_of(rows: Sequence[R | None], key: Callable[[R], Hashable]) -> tuple[list[Hashable], bool]:
    """Return the keys of rows, None for a null row, and whether there are null rows."""
    try:
        return list(map(key, rows)), False  # type: ignore[arg-type]  # null rows are rare, and have no key
    except (AttributeError, TypeError):
        return [None if row is None else key(row) for row in rows], True
