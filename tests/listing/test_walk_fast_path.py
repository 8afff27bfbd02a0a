"""The short road of a list that stands still comes to the same as the general one."""

from __future__ import annotations

import random
from unittest.mock import patch

import attrs
import pytest

from aiozbilling.errors import ListingError
from aiozbilling.listing.walk import Anchors, Walk, Window


@attrs.frozen
class Row:
    id: int


def trace(seed: int) -> list[object]:
    """Walk a list that changes in a way told by the seed, and give all that the walk says on the way."""
    chance = random.Random(seed)
    rows: list[Row | None] = [Row(i) for i in range(chance.randint(0, 300))]
    limit, fresh = chance.choice([2, 3, 10, 50, 100]), 1000
    restless = chance.choice([0.0, 0.0, 0.05, 0.3])
    walk = Walk[Row](key=lambda row: row.id, limit=limit, max_items=chance.choice([None, None, 7, 120]))
    told: list[object] = []
    while not walk.done:
        (window, *_) = walk.plan(1)
        if chance.random() < restless:
            fresh += 1
            match chance.choice(["head", "tail", "delete", "null"]):
                case "head":
                    rows.insert(0, Row(fresh))
                case "tail":
                    rows.append(Row(fresh))
                case "delete" if rows:
                    del rows[chance.randrange(len(rows))]
                case _ if rows:
                    rows[chance.randrange(len(rows))] = None
        total = max(0, len(rows) - (chance.randint(0, 3) if chance.random() < restless else 0))
        try:
            page = walk.accept(window, rows[window.offset : window.offset + window.limit], total)
        except ListingError as error:
            told.append(str(error))
            break
        told.append((page, walk.anchors(len(page.items) // 2), walk.anchors()))
    return [*told, walk.report]


@pytest.mark.parametrize("block", range(10))
def test_both_paths_agree(block: int) -> None:
    """Pages, anchors, reports and errors are the same with the fast path and without it."""
    taken = 0
    go_on = Walk._go_on

    def counted(self: Walk[Row], *args: object) -> object:
        nonlocal taken
        page = go_on(self, *args)  # type: ignore[arg-type]
        taken += page is not None
        return page

    for seed in range(block * 100, block * 100 + 100):
        with patch.object(Walk, "_go_on", counted):
            quick = trace(seed)
        with patch.object(Walk, "_is_calm", lambda *_: False):
            assert trace(seed) == quick, seed
    assert taken > 500


@pytest.mark.parametrize("deleted", [60, 150, 250])
@pytest.mark.parametrize("appended", [0, 300, 1000, 2000])
def test_a_place_is_found_again_in_a_list_that_grew_at_its_tail(deleted: int, appended: int) -> None:
    """Anchors are found though rows before it were deleted and more rows appended than the total lost."""
    anchors = Anchors(499, 1000, tuple(range(468, 500)))
    rows = [Row(i) for i in range(deleted, 1000 + appended)]
    walk = Walk[Row](key=lambda row: row.id, limit=100, after=anchors)
    delivered: list[int] = []
    while not walk.done:
        (window,) = walk.plan(1)
        page = walk.accept(window, rows[window.offset : window.offset + window.limit], len(rows))
        delivered += [row.id for row in page.items]
    assert delivered == list(range(500, 1000 + appended))


def test_a_window_without_news_slows_the_walk_down() -> None:
    """After a window that brought nothing new one is asked for at a time, and more again as rows come."""
    rows = [Row(i) for i in range(100)]
    walk = Walk[Row](key=lambda row: row.id, limit=10)

    def accept() -> int:
        window, *_ = walk.plan(16)
        return len(walk.accept(window, rows[window.offset : window.offset + window.limit], len(rows)).items)

    assert accept() == 10
    stale = walk.plan(16)[0]
    rows[:0] = [Row(1000 + i) for i in range(9)]
    assert walk.accept(stale, rows[stale.offset : stale.offset + stale.limit], len(rows)).items == []
    assert len(walk.plan(16)) == 1
    accept()
    assert 1 <= len(walk.plan(16)) <= 3


def test_a_list_that_shrank_back_has_changed() -> None:
    """A row that came at the head and went again is a change, seen by the next window though it is as at first."""
    rows = [Row(i) for i in range(1000)]
    walk = Walk[Row](key=lambda row: row.id, limit=100)

    def read(window: Window) -> tuple[list[Row], int]:
        return rows[window.offset : window.offset + window.limit], len(rows)

    (window,) = walk.plan(1)
    walk.accept(window, *read(window))
    late, early = walk.plan(2)
    read_before = read(early)
    rows.insert(0, Row(-1))
    walk.accept(late, *read(late))
    walk.accept(early, *read_before)
    assert walk.report.consistency == "grown"
    del rows[0]
    (window,) = walk.plan(1)
    walk.accept(window, *read(window))
    assert walk.report.consistency == "changed"
