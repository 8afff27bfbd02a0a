"""How a walk joins windows of a list that changes, finds its last row again, and reports the change."""

from __future__ import annotations

import random

import pytest

from aiozbilling.listing.window import Anchors, Window
from tests.listing.feeding import feed, ids, rows
from tests.listing.model_server import Behaviour, ModelServer, Row, drive, make_walk, survivors


class TestOverlap:
    def test_planned_windows_overlap(self) -> None:
        """Each window begins at the last row of the one before it; 2 rows at 100, 5 at 1000."""
        for limit, overlap in [(10, 1), (100, 2), (1000, 5)]:
            server = ModelServer(5000, Behaviour(), random.Random(1))
            walk = make_walk(limit)
            walk.accept(walk.plan(1)[0], *server.read(walk.plan(1)[0]))
            step = limit - overlap
            assert [window.offset for window in walk.plan(3)] == [step, 2 * step, 3 * step]

    def test_a_clamp_is_learned(self) -> None:
        """If a server returns fewer rows than requested, the walk uses the size of its pages."""
        server = ModelServer(95, Behaviour(clamp=10), random.Random(1))
        outcome = drive(server, make_walk(1000), 4)
        assert outcome.rows == survivors(server)
        assert server.reads <= 13

    def test_inverted_reads_cost_one_more_request(self) -> None:
        """A window read before an insertion is used after the gap before it is closed."""
        walk = make_walk(4)
        feed(walk, 20, rows(1, 2, 3, 4))
        first, second = walk.plan(2)
        walk.accept(first, rows(3, 4, 5, 6), 21)
        assert walk.accept(second, rows(7, 8, 9, 10), 20).items == []
        again = walk.plan(4)[0]
        assert again.nonce > second.nonce
        fresh = rows(*range(again.offset, again.offset + 4))  # r0 came in before r1
        assert ids(walk.accept(again, fresh, 21).items) == ["r7", "r8", "r9", "r10"]
        assert walk.report.consistency == "grown"

    def test_pushed_rows_are_not_delivered_again(self) -> None:
        """Delivered rows that an insertion pushed after the last one are not delivered again."""
        walk = make_walk(4)
        assert feed(walk, 9, rows(1, 2, 3, 4), rows(3, 50, 51, 52)) == ["r1", "r2", "r3", "r4"]
        assert feed(walk, 9, rows(3, 50, 51, 52)) == ["r50", "r51", "r52"]
        assert feed(walk, 9, rows(52, 4, 5)) == ["r5"]
        assert walk.report.consistency == "changed"

    def test_all_delivered_rows_were_removed(self) -> None:
        """If one window has the whole list and no known row, its rows are delivered."""
        walk = make_walk(3)
        assert feed(walk, 6, rows(1, 2, 3)) == ["r1", "r2", "r3"]
        assert feed(walk, 2, [], [], []) == []
        assert feed(walk, 2, rows(5, 6)) == ["r5", "r6"]
        assert walk.done

    def test_null_rows_are_counted_once_and_passed(self) -> None:
        """Null rows count for the position but can't be anchors."""
        walk = make_walk(4)
        assert feed(walk, 7, rows(None, 1, 2, None), rows(2, None, 3, None), rows(3, None, None)) == ["r1", "r2", "r3"]
        assert (walk.report.null_rows_skipped, walk.report.rows, walk.done) == (4, 3, True)

    def test_the_reply_must_be_of_the_first_window(self) -> None:
        """Replies are taken in list order only."""
        with pytest.raises(ValueError, match="first window"):
            make_walk(4).accept(Window(3, 4), [], 0)


@pytest.mark.parametrize("deleted", [60, 150, 250])
@pytest.mark.parametrize("appended", [0, 300, 1000, 2000])
def test_a_place_is_found_again_in_a_list_that_grew_at_its_tail(deleted: int, appended: int) -> None:
    """Anchors are found although rows before them were deleted and more rows were appended."""
    anchors = Anchors(499, 1000, tuple(f"r{i}" for i in range(468, 500)))
    held = [Row(f"r{i}") for i in range(deleted, 1000 + appended)]
    walk = make_walk(100, after=anchors)
    delivered: list[str] = []
    while not walk.done:
        (window,) = walk.plan(1)
        page = walk.accept(window, held[window.offset : window.offset + window.limit], len(held))
        delivered += ids(page.items)
    assert delivered == [f"r{i}" for i in range(500, 1000 + appended)]


def test_a_window_without_news_slows_the_walk_down() -> None:
    """After a window without new rows, one is requested at a time, and more again when new rows come."""
    held = [Row(f"r{i}") for i in range(100)]
    walk = make_walk(10)

    def accept() -> int:
        window, *_ = walk.plan(16)
        return len(walk.accept(window, held[window.offset : window.offset + window.limit], len(held)).items)

    assert accept() == 10
    stale = walk.plan(16)[0]
    held[:0] = [Row(f"n{i}") for i in range(9)]
    assert walk.accept(stale, held[stale.offset : stale.offset + stale.limit], len(held)).items == []
    assert len(walk.plan(16)) == 1
    accept()
    assert 1 <= len(walk.plan(16)) <= 3


def test_a_list_that_shrank_back_has_changed() -> None:
    """A row that was added at the head and removed again is a change, although the next window is as at first."""
    held = [Row(f"r{i}") for i in range(1000)]
    walk = make_walk(100)

    def read(window: Window) -> tuple[list[Row], int]:
        return held[window.offset : window.offset + window.limit], len(held)

    (window,) = walk.plan(1)
    walk.accept(window, *read(window))
    late, early = walk.plan(2)
    read_before = read(early)
    held.insert(0, Row("n0"))
    walk.accept(late, *read(late))
    walk.accept(early, *read_before)
    assert walk.report.consistency == "grown"
    del held[0]
    (window,) = walk.plan(1)
    walk.accept(window, *read(window))
    assert walk.report.consistency == "changed"
