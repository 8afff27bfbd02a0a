"""A server that says for a moment that a list is empty while an export resumes."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

import pytest

from aiozbilling import IncompleteError, Listing, TopUp
from aiozbilling.export import export
from aiozbilling.listing.source import Source
from tests.export.export_lists import listing_of, top_up, top_ups
from tests.export.test_export import InterruptedExportError, stop_after
from tests.virtual_time import run


def empty_at_first(rows: list[TopUp], replies: int) -> Listing[TopUp]:
    left = iter(range(replies))

    async def fetch(offset: int, limit: int, _received: object = None) -> tuple[Sequence[TopUp | None], int]:
        if next(left, None) is not None:
            return (), 0
        return rows[offset : offset + limit], len(rows)

    return Listing(Source("/api/billing/topUp", fetch, attrgetter("id"), attrgetter("created_at"), {}), page_size=5)


@pytest.mark.parametrize("replies", [1, 2, 3, 8, 1000])
@pytest.mark.parametrize("stop", [5, 30, 60])
def test_empty_moments_cut_no_export_short(tmp_path: Path, replies: int, stop: int) -> None:
    """An export that resumes while the server says that the list is empty has all rows in the end, or fails."""
    rows, path = top_ups(60), tmp_path / "t.csv"
    whole = run(export(listing_of(rows), tmp_path / "whole.csv"))
    with pytest.raises(InterruptedExportError):
        run(export(listing_of(rows), path, on_progress=stop_after(stop)))
    try:
        run(export(empty_at_first(rows, replies), path))
    except IncompleteError:
        assert replies > 2
        assert not path.exists()
        run(export(listing_of(rows), path))
    assert path.read_bytes() == whole.path.read_bytes()


def test_a_list_that_collapses_is_refused_by_each_resume(tmp_path: Path) -> None:
    """A list that became far shorter during an export is not published by the next runs, until it is whole again."""
    rows, shown = top_ups(500), 500

    async def fetch(offset: int, limit: int, _received: object = None) -> tuple[Sequence[TopUp | None], int]:
        nonlocal shown
        if offset > 150 and shown == 500:
            shown = 200
        return rows[:shown][offset : offset + limit], shown

    def listing() -> Listing[TopUp]:
        source = Source("/api/billing/topUp", fetch, attrgetter("id"), attrgetter("created_at"), {})
        return Listing(source, page_size=50)

    for _ in range(3):
        with pytest.raises(IncompleteError, match="the list had 500 rows") as caught:
            run(export(listing(), tmp_path / "t.csv"))
    assert f"remove {tmp_path / 't.csv.part'} and {tmp_path / 't.csv.checkpoint'}" in str(caught.value)
    shown = 501  # it does not collapse again
    rows.insert(0, top_up(1000))
    assert run(export(listing(), tmp_path / "t.csv")).rows == 500
