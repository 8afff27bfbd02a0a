"""The values of a walk: the windows that it requests, the place where it is, and what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["Anchors", "Consistency", "WalkReport", "Window"]

Consistency: TypeAlias = Literal["static", "grown", "changed"]


class Window(NamedTuple):
    """Name one request: `limit` rows from `offset`, after a pause of `pause_s` seconds.

    `nonce` tells a second asking of the same place from the first. `epoch` is the number of windows that had been
    accepted when this one was planned: it bounds from below when its reply was read.
    """

    offset: int
    limit: int
    nonce: int = 0
    pause_s: float = 0.0
    epoch: int = 0


@attrs.frozen
class Anchors:
    """Remember a place in a list well enough to find it again after rows were inserted or removed.

    `keys` are those of the last rows delivered (at most 32, oldest first), `position` is where the last of them
    stood when the list had `total` rows.
    """

    position: int
    total: int
    keys: tuple[Hashable, ...]


@attrs.define
class WalkReport:
    """Report what a walk saw so far.

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
