"""Reads top-ups again that are not credited yet, at their estimated positions in the list."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from aiozbilling.export.in_thread import in_thread
from aiozbilling.listing.listing import Begin
from aiozbilling.sync.layout import TOP_UPS, rows_of
from aiozbilling.sync.runs import ListCounts
from aiozbilling.sync.store import Ledger, ListState

__all__ = ["recheck_uncredited", "windows_of"]

_WINDOW = 1000  # rows of one request
_MARGIN = 20  # rows by which the estimated position of a row may be wrong
_YOUNG_REQUESTS = 3  # per run, for the youngest ones
_OLD_REQUESTS = 1  # per run, for the others in turn


async def recheck_uncredited(
    ledger: Ledger, begin: Begin, state: ListState, counts: ListCounts, seen: set[int]
) -> tuple[ListCounts, int]:
    """Read the uncredited top-ups again that this run has not read yet; return the new counts and the requests made.

    Every run reads the youngest ones, and older ones in turn, with at most four requests of 1000 rows each. A position
    is estimated from the number of newer rows, or of older rows if the list grows at its tail.
    """
    positions = await in_thread(_positions, ledger, state, seen)
    windows = windows_of(positions)
    newest_first = windows if state.grows_at != "tail" else windows[::-1]
    chosen, following = _choose(newest_first, state.uncredited_from)
    requests = 0
    for start, size in chosen:
        listing = begin(offset=start, max_items=size)
        records = await listing.collect()
        requests += listing.report.requests
        rows = rows_of(TOP_UPS, records)
        counts = counts.plus(await in_thread(ledger.store, TOP_UPS, rows), read=len(rows))
    if chosen:
        await in_thread(ledger.save, TOP_UPS, attrs.evolve(state, uncredited_from=following))
    return counts, requests


def windows_of(positions: Sequence[int]) -> list[tuple[int, int]]:
    """Cover positions, in ascending order, with as few windows of offset and size as needed."""
    windows: list[tuple[int, int]] = []
    for position in positions:
        start, end = max(0, position - _MARGIN), position + _MARGIN + 1
        if windows and end - windows[-1][0] <= _WINDOW:
            windows[-1] = (windows[-1][0], end - windows[-1][0])
        else:
            windows.append((start, end - start))
    return windows


def _choose(windows: list[tuple[int, int]], at: int) -> tuple[list[tuple[int, int]], int]:
    """Choose the youngest windows and the older one at index `at`; return them and the next index."""
    young, old = windows[:_YOUNG_REQUESTS], windows[_YOUNG_REQUESTS:]
    if not old:
        return young, 0
    at %= len(old)
    return young + old[at : at + _OLD_REQUESTS], (at + _OLD_REQUESTS) % len(old)


def _positions(ledger: Ledger, state: ListState, seen: set[int]) -> list[int]:
    """Estimate the positions of the uncredited rows that were not read in this run, in ascending order."""
    order = "created_at, rowid DESC" if state.grows_at == "tail" else "created_at DESC, rowid"
    uncredited = ledger.select(
        "SELECT id FROM top_ups WHERE account = ? AND status = 0 AND missing_since IS NULL", ledger.account
    )
    wanted = {key for (key,) in uncredited if hash(key) not in seen}
    if not wanted:
        return []
    ids = ledger.select(
        f"SELECT id FROM top_ups WHERE account = ? AND missing_since IS NULL ORDER BY {order}",  # noqa: S608
        ledger.account,
    )
    share = state.total / len(ids)  # null rows have positions too
    return [int(rank * share) for rank, (key,) in enumerate(ids) if key in wanted]
