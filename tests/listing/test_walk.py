"""The walk against a model server: each row that lives comes once and in order, or one of three errors."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiozbilling.errors import ConfigurationError, DriftError, IncompleteError, RunawayError
from aiozbilling.listing.walk import Anchors, Walk, Window
from tests.listing.model_server import (
    BEHAVIOURS,
    Behaviour,
    ModelServer,
    Row,
    check,
    drive,
    make_walk,
    survivors,
    trial,
)

SLOW_TRIALS = 4_000  # of each behaviour: more than 100,000 in all


def rows(*numbers: int | None) -> list[Row | None]:
    """Make rows r1, r2, ...; None for null."""
    return [None if number is None else Row(f"r{number}") for number in numbers]


def ids(delivered: list[Row]) -> list[str]:
    """Name rows."""
    return [row.id for row in delivered]


def feed(walk: Walk[Row], total: int, *replies: list[Row | None]) -> list[str]:
    """Answer the walk's windows in turn, and name what was delivered."""
    delivered: list[str] = []
    for reply in replies:
        delivered += ids(walk.accept(walk.plan(1)[0], reply, total).items)
    return delivered


def still(size: int, limit: int, ahead: int = 1, **options: Any) -> tuple[ModelServer, Walk[Row], list[str]]:
    """Walk a list that does not move."""
    server = ModelServer(size, Behaviour(), random.Random(1))
    walk = make_walk(limit, **options)
    outcome = drive(server, walk, ahead)
    assert outcome.error is None
    return server, walk, outcome.rows


class TestPromise:
    @pytest.mark.parametrize("name", BEHAVIOURS)
    @given(seed=st.integers(0, 2**32))
    def test_holds(self, name: str, seed: int) -> None:
        """Under each behaviour every surviving row comes once and in order, or the walk fails, also across a resume."""
        trial(name, seed)

    @pytest.mark.slow
    @pytest.mark.timeout(600)
    def test_holds_a_hundred_thousand_times(self) -> None:
        """The same over more than 100,000 seeded trials."""
        first = random.SystemRandom().randrange(2**32)
        for name in BEHAVIOURS:
            for seed in range(first, first + SLOW_TRIALS):
                try:
                    trial(name, seed)
                except Exception as error:
                    raise AssertionError(f"trial({name!r}, {seed}): {error}") from error

    @pytest.mark.parametrize("ahead", [1, 4, 16])
    @pytest.mark.parametrize("where", ["head", "tail"])
    def test_growth_slower_than_the_walk_never_fails(self, where: str, ahead: int) -> None:
        """A list that grows at one end, with totals that lag, is always walked to its end and never called changed."""
        for seed in range(150):
            rng = random.Random(seed)
            server = ModelServer(rng.randint(0, 200), Behaviour(lag=3, **{where: 0.3}), rng)
            walk = make_walk(rng.randint(5, 30))
            outcome = drive(server, walk, ahead, changes=1)
            assert outcome.error is None
            check(server, outcome.rows, complete=True)
            assert walk.report.consistency in {"static", "grown"}

    @pytest.mark.parametrize("ahead", [1, 4, 16])
    def test_growth_at_the_head_is_delivered_as_first_seen(self, ahead: int) -> None:
        """Rows that come in at the head during the walk are not delivered."""
        for seed in range(100):
            server = ModelServer(100, Behaviour(head=0.4), random.Random(seed))
            outcome = drive(server, make_walk(12), ahead, changes=1)
            assert outcome.rows == survivors(server)

    def test_deletions_seldom_end_in_an_error(self) -> None:
        """Slow deletions with lagging totals fail in less than 2 % of the walks."""
        ended: Counter[str] = Counter()
        for seed in range(1000):
            rng = random.Random(seed)
            server = ModelServer(rng.randint(0, 200), Behaviour(delete=0.1, head=0.1, lag=3), rng)
            outcome = drive(server, make_walk(rng.randint(10, 30)), rng.choice([1, 4, 16]), changes=1)
            check(server, outcome.rows, complete=outcome.error is None)
            ended[type(outcome.error).__name__] += 1
        assert ended["NoneType"] >= 980, ended


class TestCost:
    @pytest.mark.parametrize("size", [1, 7, 99])
    def test_one_page_that_is_not_full_costs_one_request(self, size: int) -> None:
        """No probe follows a short page that agrees with the total."""
        server, walk, delivered = still(size, 100)
        assert (server.reads, len(delivered), walk.report.consistency) == (1, size, "static")

    @pytest.mark.parametrize("pages", [1, 2, 10, 100])
    def test_full_pages_cost_three_percent_more(self, pages: int) -> None:
        """N full pages of 100 rows cost at most 1.03 N + 2 requests."""
        server, walk, _ = still(100 * pages, 100)
        assert server.reads <= 1.03 * pages + 2
        assert walk.report.requests == server.reads

    @pytest.mark.parametrize("ahead", [1, 4, 16])
    def test_nothing_is_asked_twice_when_nothing_moves(self, ahead: int) -> None:
        """Windows asked ahead are all used: concurrency costs no request."""
        server, _, _ = still(1000, 10, ahead)
        alone, _, _ = still(1000, 10, 1)
        assert server.reads == alone.reads

    def test_one_window_is_asked_before_the_first_reply(self) -> None:
        """Nothing is speculative before the total is known."""
        assert make_walk(10).plan(8) == [Window(0, 10)]

    def test_no_more_than_wanted_is_asked(self) -> None:
        """max_items bounds the windows and their limit, and no probe follows."""
        server, walk, delivered = still(500, 100, 16, max_items=7)
        assert (server.reads, len(delivered), walk.plan(4)) == (1, 7, [])
        server, _, delivered = still(500, 100, 16, max_items=150)
        assert (server.reads, len(delivered)) == (2, 150)

    def test_no_rows_wanted_costs_nothing(self) -> None:
        """max_items=0 is done at once."""
        walk = make_walk(10, max_items=0)
        assert walk.done
        assert walk.plan(4) == []

    def test_memory_is_flat(self) -> None:
        """What the walk remembers does not grow with the list."""
        _, walk, delivered = still(60_000, 1000)
        assert len(delivered) == 60_000
        assert len(walk._seen) < 20_000


class TestSeams:
    def test_planned_windows_overlap(self) -> None:
        """Each window begins at the last row of the one before it; 2 rows at 100, 5 at 1000."""
        for limit, overlap in [(10, 1), (100, 2), (1000, 5)]:
            server = ModelServer(5000, Behaviour(), random.Random(1))
            walk = make_walk(limit)
            walk.accept(walk.plan(1)[0], *server.read(walk.plan(1)[0]))
            step = limit - overlap
            assert [window.offset for window in walk.plan(3)] == [step, 2 * step, 3 * step]

    def test_a_clamp_is_learned(self) -> None:
        """A server that gives fewer rows than asked is walked by what it gives."""
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
        """Rows that an insertion pushed after the last one delivered are known when they come."""
        walk = make_walk(4)
        assert feed(walk, 9, rows(1, 2, 3, 4), rows(3, 50, 51, 52)) == ["r1", "r2", "r3", "r4"]
        assert feed(walk, 9, rows(3, 50, 51, 52)) == ["r50", "r51", "r52"]
        assert feed(walk, 9, rows(52, 4, 5)) == ["r5"]
        assert walk.report.consistency == "changed"

    def test_all_that_was_delivered_is_gone(self) -> None:
        """When the whole list is in one window and nothing of it is known, it is what is left."""
        walk = make_walk(3)
        assert feed(walk, 6, rows(1, 2, 3)) == ["r1", "r2", "r3"]
        assert feed(walk, 2, [], [], []) == []
        assert feed(walk, 2, rows(5, 6)) == ["r5", "r6"]
        assert walk.done

    def test_null_rows_are_counted_once_and_passed(self) -> None:
        """Null rows count for the position and are no anchors."""
        walk = make_walk(4)
        assert feed(walk, 7, rows(None, 1, 2, None), rows(2, None, 3, None), rows(3, None, None)) == ["r1", "r2", "r3"]
        assert (walk.report.null_rows_skipped, walk.report.rows, walk.done) == (4, 3, True)

    def test_a_stop_key_ends_the_walk(self) -> None:
        """The rows before the first known key are delivered, and nothing is asked after it."""
        walk = make_walk(4, stop_at={"r6"})
        assert feed(walk, 90, rows(1, 2, 3, 4), rows(4, 5, 6, 7)) == ["r1", "r2", "r3", "r4", "r5"]
        assert walk.met
        assert walk.done

    def test_the_reply_must_be_of_the_first_window(self) -> None:
        """Replies are taken in list order only."""
        with pytest.raises(ValueError, match="first window"):
            make_walk(4).accept(Window(3, 4), [], 0)


class TestTrail:
    def test_tells_each_row_of_a_delivery(self) -> None:
        """The anchors after a row name it last, with its position."""
        walk = make_walk(4)
        assert walk.anchors() is None
        feed(walk, 9, rows(1, 2, None, 3))
        assert walk.anchors(0) is None
        assert walk.anchors(2) == Anchors(1, 9, ("r1", "r2"))
        assert walk.anchors() == Anchors(3, 9, ("r1", "r2", "r3"))
        feed(walk, 9, rows(3, 4, 5, 6))
        assert walk.anchors(0) == Anchors(3, 9, ("r1", "r2", "r3"))
        assert walk.anchors(1) == Anchors(4, 9, ("r1", "r2", "r3", "r4"))

    def test_holds_at_most_32_keys(self) -> None:
        """Anchors stay few however large the pages."""
        _, walk, _ = still(500, 100)
        anchors = walk.anchors()
        assert anchors is not None
        assert anchors.keys == tuple(f"r{i}" for i in range(469, 501))

    def test_more_than_delivered_is_refused(self) -> None:
        """There are no anchors after rows that were not delivered."""
        walk = make_walk(4)
        feed(walk, 9, rows(1, 2, 3, 4))
        with pytest.raises(ValueError, match="4 rows"):
            walk.anchors(5)

    def test_an_error_leaves_the_trail(self) -> None:
        """After an error the anchors are still those after the latest page."""
        walk = make_walk(4)
        feed(walk, 9, rows(1, 2, 3, 4))
        with pytest.raises(DriftError):
            feed(walk, 9, rows(4, 5, 5, 6))
        assert walk.anchors(4) == Anchors(3, 9, ("r1", "r2", "r3", "r4"))

    @pytest.mark.parametrize("news", [0, 3, 500])
    def test_goes_on_where_it_stopped(self, news: int) -> None:
        """A walk from anchors delivers what came after it, though the list has grown at its head meanwhile."""
        server = ModelServer(200, Behaviour(), random.Random(1))
        walk = make_walk(50)
        feed(walk, 200, server.rows[:50])
        anchors = walk.anchors(20)
        server.rows[:0] = [Row(f"n{i}") for i in range(news)]
        server.lengths.append(len(server.rows))
        outcome = drive(server, make_walk(50, after=anchors), 4)
        assert outcome.rows == [f"r{i}" for i in range(21, 201)]
        assert outcome.walk.report.consistency == "static"

    def test_what_can_not_be_found_is_an_error(self) -> None:
        """A place that is gone from the list is not guessed."""
        server = ModelServer(200, Behaviour(), random.Random(1))
        outcome = drive(server, make_walk(10, after=Anchors(50, 200, ("gone",))), 4)
        assert isinstance(outcome.error, DriftError)
        assert server.reads < 30


class TestErrors:
    def test_a_limit_of_one_is_refused(self) -> None:
        """Windows of one row can't overlap."""
        with pytest.raises(ConfigurationError, match="at least 2"):
            make_walk(1)

    def test_more_rows_than_asked(self) -> None:
        """A server that ignores the limit is named, with the size to ask for."""
        with pytest.raises(DriftError, match=r"asked for 2 rows and got 3.*page_size=3") as caught:
            feed(make_walk(2), 9, rows(1, 2, 3))
        assert caught.value.delivered == 0

    def test_a_key_twice_in_a_page(self) -> None:
        """The key that occurs twice is named, and what was delivered is counted."""
        with pytest.raises(DriftError, match="'r5' occurs twice") as caught:
            feed(make_walk(4), 9, rows(1, 2, 3, 4), rows(4, 5, 5, 6))
        assert (caught.value.delivered, caught.value.report.rows) == (4, 4)

    def test_known_rows_in_another_order(self) -> None:
        """Rows that swapped places end the walk."""
        with pytest.raises(DriftError, match="order"):
            feed(make_walk(4), 9, rows(1, 2, 3, 4), rows(4, 3, 5, 6))

    def test_a_known_row_behind_the_last(self) -> None:
        """A key that comes again further on ends the walk."""
        with pytest.raises(DriftError, match="delivered before"):
            feed(make_walk(4), 9, rows(1, 2, 3, 4), rows(4, 5, 1, 6))

    def test_rows_between_rows_delivered(self) -> None:
        """Rows at a place where none were are asked for once more, then end the walk."""
        walk = make_walk(4)
        feed(walk, 9, rows(1, 2, 3, 4))
        assert feed(walk, 9, rows(3, 9, 4, 5)) == []
        with pytest.raises(DriftError, match="among other rows"):
            feed(walk, 9, rows(3, 9, 4, 5))

    def test_pages_of_one_row(self) -> None:
        """A server that returns one row at a time cannot be walked, and the error says so."""
        walk = make_walk(4)
        with pytest.raises(DriftError, match="one row at a time"):
            feed(walk, 9, rows(1), rows(1), rows(1), rows(1))

    def test_a_page_of_nulls(self) -> None:
        """What comes after more null rows than fit in a window can't be joined."""
        walk = make_walk(3)
        nulls = rows(2, None, None)
        with pytest.raises(DriftError, match="2 null rows"):
            feed(walk, 9, rows(1, 2, None), nulls, nulls, nulls)

    def test_a_total_that_is_too_big(self) -> None:
        """All rows are delivered, then the total is asked about twice with pauses, then the walk fails."""
        walk = make_walk(4)
        assert feed(walk, 7, rows(1, 2, 3, 4), rows(4, 5)) == ["r1", "r2", "r3", "r4", "r5"]
        pauses = []
        with pytest.raises(IncompleteError, match="counts 7 rows"):
            while True:
                window = walk.plan(1)[0]
                pauses.append(window.pause_s)
                walk.accept(window, rows(5), 7)
        assert pauses == [0.0, 0.2, 1.0]

    def test_a_transient_empty_page(self) -> None:
        """An empty page where the total promises rows is asked for again after a pause."""
        walk = make_walk(4)
        feed(walk, 6, [])
        window = walk.plan(1)[0]
        assert (window.offset, window.pause_s, window.nonce) == (0, 0.2, 1)
        assert feed(walk, 6, rows(1, 2, 3, 4), [], rows(4, 5, 6)) == ["r1", "r2", "r3", "r4", "r5", "r6"]
        assert walk.done

    @pytest.mark.parametrize("resumed", [False, True])
    def test_an_empty_moment_ends_no_walk(self, resumed: bool) -> None:
        """A list that says total 0 after rows were delivered is asked for again with pauses, then read to its end."""
        walk = make_walk(4, after=Anchors(3, 6, ("r4",)) if resumed else None)
        delivered = [] if resumed else feed(walk, 6, rows(1, 2, 3, 4))
        assert feed(walk, 0, [], []) == []
        assert (walk.plan(1)[0].pause_s, walk.done) == (1.0, False)
        assert feed(walk, 6, rows(4, 5, 6)) == ["r5", "r6"]
        assert delivered == ([] if resumed else ["r1", "r2", "r3", "r4"])

    @pytest.mark.parametrize("resumed", [False, True])
    def test_a_list_that_stays_empty_after_rows_is_incomplete(self, resumed: bool) -> None:
        """A list that had rows is never believed to be empty."""
        walk = make_walk(4, after=Anchors(3, 6, ("r4",)) if resumed else None)
        if not resumed:
            feed(walk, 6, rows(1, 2, 3, 4))
        with pytest.raises(IncompleteError, match="counted 6 rows before, and none now"):
            feed(walk, 0, [], [], [])

    def test_a_list_that_ends_far_too_early_is_incomplete(self) -> None:
        """A reply of a replica that has a fraction of the rows is asked for again with pauses, then the walk fails."""
        walk = make_walk(10)
        server = [Row(f"r{number}") for number in range(100)]
        pauses = []
        with pytest.raises(IncompleteError, match="had 100 rows, and ends after 12"):
            while not walk.done:
                window = walk.plan(1)[0]
                pauses.append(window.pause_s)
                held = server if not window.offset else server[:12]
                walk.accept(window, held[window.offset : window.offset + 10], len(held))
        assert pauses == [0.0, 0.0, 0.2, 1.0]

    def test_an_empty_list_is_asked_for_twice(self) -> None:
        """A first reply without rows is confirmed after a pause: rows that come then are delivered."""
        walk = make_walk(4)
        assert feed(walk, 0, []) == []
        assert (walk.done, walk.plan(1)[0].pause_s) == (False, 0.5)
        assert feed(walk, 3, rows(1, 2, 3)) == ["r1", "r2", "r3"]
        empty = make_walk(4)
        feed(empty, 0, [], [])
        assert empty.done

    def test_a_row_that_moves_to_the_head_is_a_change(self) -> None:
        """A row that leaves the part not yet read is missing at the end, so the report says "changed"."""
        walk = make_walk(4)
        assert feed(walk, 7, rows(1, 2, 3, 4), rows(3, 4, 5, 6), rows(6)) == ["r1", "r2", "r3", "r4", "r5", "r6"]
        assert (walk.done, walk.report.consistency) == (True, "changed")
        strict = make_walk(4, on_drift="raise")
        feed(strict, 5, rows(1, 2, 3, 4))
        with pytest.raises(DriftError, match="changed while it was read"):
            feed(strict, 5, rows(3, 4))

    def test_more_rows_than_counted_have_a_bound(self) -> None:
        """A server that counts 100 rows and sends new ones without end is left after about a thousand."""
        walk = make_walk(100)
        with pytest.raises(RunawayError, match="though the server counts 100"):
            while True:
                window = walk.plan(1)[0]
                walk.accept(window, [Row(f"r{window.offset + i}") for i in range(100)], 100)
        assert walk.report.rows <= 1300

    def test_a_first_page_that_stays_empty(self) -> None:
        """A total without rows is incomplete."""
        with pytest.raises(IncompleteError):
            feed(make_walk(4), 6, [], [], [])

    def test_an_ignored_offset(self) -> None:
        """A server that always gives the first page is left after three windows."""
        page = rows(1, 2, 3, 4)
        with pytest.raises(RunawayError, match="3 windows"):
            feed(make_walk(4), 90, page, page, page, page)

    def test_a_strict_walk_takes_appends(self) -> None:
        """on_drift="raise" lets a list grow at its tail."""
        walk = make_walk(4, on_drift="raise")
        feed(walk, 6, rows(1, 2, 3, 4))
        assert feed(walk, 7, rows(4, 5, 6, 7)) == ["r5", "r6", "r7"]
        assert walk.report.consistency == "grown"

    @pytest.mark.parametrize("second", [rows(3, 4, 5, 6), rows(6, 7, 8, 9)])
    def test_a_strict_walk_stops_before_other_changes(self, second: list[Row | None]) -> None:
        """on_drift="raise" delivers no row of the window that shows a change."""
        walk = make_walk(4, on_drift="raise")
        feed(walk, 9, rows(1, 2, 3, 4))
        with pytest.raises(DriftError, match="changed while it was read") as caught:
            feed(walk, 9, second)
        assert caught.value.delivered == 4
