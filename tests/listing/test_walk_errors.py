"""Replies that a walk doubts: it requests them again, and finally raises one of three errors."""

from __future__ import annotations

import pytest

from aiozbilling.errors import ConfigurationError, DriftError, IncompleteError, RunawayError
from aiozbilling.listing.window import Anchors
from tests.listing.feeding import feed, rows
from tests.listing.model_server import Row, make_walk


class TestErrors:
    def test_a_limit_of_one_is_refused(self) -> None:
        """Windows of one row can't overlap."""
        with pytest.raises(ConfigurationError, match="at least 2"):
            make_walk(1)

    def test_more_rows_than_asked(self) -> None:
        """If a server ignores the limit, the error names the page size to use."""
        with pytest.raises(DriftError, match=r"asked for 2 rows and got 3.*page_size=3") as caught:
            feed(make_walk(2), 9, rows(1, 2, 3))
        assert caught.value.delivered == 0

    def test_a_key_twice_in_a_page(self) -> None:
        """The key that occurs twice is named, and what was delivered is counted."""
        with pytest.raises(DriftError, match="'r5' occurs twice") as caught:
            feed(make_walk(4), 9, rows(1, 2, 3, 4), rows(4, 5, 5, 6))
        assert (caught.value.delivered, caught.value.report.rows) == (4, 4)

    @pytest.mark.parametrize("second", [(4, 6, 6, 7), (3, 2, 6, 7)])
    def test_a_long_key_is_cut(self, second: tuple[int, ...]) -> None:
        """An error shows at most 100 characters of a key, of which a reply may have half a million."""
        long = {number: Row(f"r{number}" * 1000) for number in range(1, 8)}
        with pytest.raises(DriftError, match="occurs twice") as caught:
            feed(make_walk(5), 9, [long[number] for number in (1, 2, 3, 5, 4)], [long[number] for number in second])
        assert len(str(caught.value)) < 400

    def test_known_rows_in_another_order(self) -> None:
        """Rows that swapped places end the walk."""
        with pytest.raises(DriftError, match="order"):
            feed(make_walk(4), 9, rows(1, 2, 3, 4), rows(4, 3, 5, 6))

    def test_a_known_row_after_the_last(self) -> None:
        """A key that occurs again later in the list ends the walk."""
        with pytest.raises(DriftError, match="delivered before"):
            feed(make_walk(4), 9, rows(1, 2, 3, 4), rows(4, 5, 1, 6))

    def test_rows_between_rows_delivered(self) -> None:
        """Rows between delivered rows, where none were before, are requested once more, then end the walk."""
        walk = make_walk(4)
        feed(walk, 9, rows(1, 2, 3, 4))
        assert feed(walk, 9, rows(3, 9, 4, 5)) == []
        with pytest.raises(DriftError, match="among other rows"):
            feed(walk, 9, rows(3, 9, 4, 5))

    def test_an_empty_list_that_counts_rows(self) -> None:
        """A count without any row is an error that names the offset where rows were missing."""
        walk = make_walk(4)
        with pytest.raises(IncompleteError, match="counts 5 rows, but returned none from offset 0 on"):
            feed(walk, 5, *(rows() for _ in range(20)))

    def test_pages_of_one_row(self) -> None:
        """A server that returns one row at a time cannot be walked, and the error says so."""
        walk = make_walk(4)
        with pytest.raises(DriftError, match="one row at a time"):
            feed(walk, 9, rows(1), rows(1), rows(1), rows(1))

    def test_a_page_of_nulls(self) -> None:
        """Rows after more null rows than fit in a window can't be joined."""
        walk = make_walk(3)
        nulls = rows(2, None, None)
        with pytest.raises(DriftError, match="2 null rows"):
            feed(walk, 9, rows(1, 2, None), nulls, nulls, nulls)

    def test_a_total_that_is_too_big(self) -> None:
        """All rows are delivered, then the end is requested twice with pauses, then the walk fails."""
        walk = make_walk(4)
        assert feed(walk, 7, rows(1, 2, 3, 4), rows(4, 5)) == ["r1", "r2", "r3", "r4", "r5"]
        pauses = []
        with pytest.raises(IncompleteError, match="counts 7 rows"):
            while True:
                window = walk.plan(1)[0]
                pauses.append(window.pause_s)
                walk.accept(window, rows(5), 7)
        assert pauses == [0.0, 0.2, 1.0]

    def test_rows_of_a_page_that_is_doubted(self) -> None:
        """A page after which the list would be far too short is requested again, and its rows count as new then."""
        walk = make_walk(20)
        feed(walk, 100, rows(*range(1, 21)))
        assert feed(walk, 25, rows(*range(20, 26))) == []
        assert feed(walk, 100, rows(*range(20, 40))) == [f"r{number}" for number in range(21, 40)]

    def test_a_transient_empty_page(self) -> None:
        """If the total promises more rows, an empty page is requested again after a pause."""
        walk = make_walk(4)
        feed(walk, 6, [])
        window = walk.plan(1)[0]
        assert (window.offset, window.pause_s, window.nonce) == (0, 0.2, 1)
        assert feed(walk, 6, rows(1, 2, 3, 4), [], rows(4, 5, 6)) == ["r1", "r2", "r3", "r4", "r5", "r6"]
        assert walk.done

    @pytest.mark.parametrize("resumed", [False, True])
    def test_an_empty_moment_ends_no_walk(self, resumed: bool) -> None:
        """After delivered rows, a reply with total 0 is requested again, then the list is read to its end."""
        walk = make_walk(4, after=Anchors(3, 6, ("r4",)) if resumed else None)
        delivered = [] if resumed else feed(walk, 6, rows(1, 2, 3, 4))
        assert feed(walk, 0, [], []) == []
        assert (walk.plan(1)[0].pause_s, walk.done) == (1.0, False)
        assert feed(walk, 6, rows(4, 5, 6)) == ["r5", "r6"]
        assert delivered == ([] if resumed else ["r1", "r2", "r3", "r4"])

    @pytest.mark.parametrize("resumed", [False, True])
    def test_a_list_that_stays_empty_after_rows_is_incomplete(self, resumed: bool) -> None:
        """An empty list that had rows before is an error."""
        walk = make_walk(4, after=Anchors(3, 6, ("r4",)) if resumed else None)
        if not resumed:
            feed(walk, 6, rows(1, 2, 3, 4))
        with pytest.raises(IncompleteError, match="counted 6 rows before, and now none"):
            feed(walk, 0, [], [], [])

    def test_a_list_that_ends_far_too_early_is_incomplete(self) -> None:
        """A reply with only a fraction of the rows, as from a replica, is requested again, then the walk fails."""
        walk = make_walk(10)
        server = [Row(f"r{number}") for number in range(100)]
        pauses = []
        with pytest.raises(IncompleteError, match="had 100 rows, and now ends after 12"):
            while not walk.done:
                window = walk.plan(1)[0]
                pauses.append(window.pause_s)
                held = server if not window.offset else server[:12]
                walk.accept(window, held[window.offset : window.offset + 10], len(held))
        assert pauses == [0.0, 0.0, 0.2, 1.0]

    def test_an_empty_list_is_requested_twice(self) -> None:
        """A first reply without rows is requested again after a pause; rows in the second reply are delivered."""
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
        """If a server counts 100 rows and never stops sending new ones, the walk ends after about a thousand."""
        walk = make_walk(100)
        with pytest.raises(RunawayError, match="but its total is 100"):
            while True:
                window = walk.plan(1)[0]
                walk.accept(window, [Row(f"r{window.offset + i}") for i in range(100)], 100)
        assert walk.report.rows <= 1300

    def test_a_first_page_that_stays_empty(self) -> None:
        """A total without rows is incomplete."""
        with pytest.raises(IncompleteError):
            feed(make_walk(4), 6, [], [], [])

    def test_an_ignored_offset(self) -> None:
        """If a server always returns the first page, the walk ends after three windows."""
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
