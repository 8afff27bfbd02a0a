"""The anchors of a walk: another walk can continue after any row."""

from __future__ import annotations

import random

import pytest

from aiozbilling.errors import DriftError
from aiozbilling.listing.window import Anchors
from tests.listing.feeding import feed, rows, still
from tests.listing.model_server import Behaviour, ModelServer, Row, drive, make_walk


class TestAnchors:
    def test_are_after_each_row_of_a_page(self) -> None:
        """The anchors after a row have its key last, and its position."""
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
        """However large the pages are, there are at most 32 anchors."""
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

    def test_stay_after_an_error(self) -> None:
        """After an error the anchors are still those after the latest page."""
        walk = make_walk(4)
        feed(walk, 9, rows(1, 2, 3, 4))
        with pytest.raises(DriftError):
            feed(walk, 9, rows(4, 5, 5, 6))
        assert walk.anchors(4) == Anchors(3, 9, ("r1", "r2", "r3", "r4"))

    @pytest.mark.parametrize("news", [0, 3, 500])
    def test_goes_on_where_it_stopped(self, news: int) -> None:
        """A walk from anchors delivers the rows after them, although the list has grown at its head meanwhile."""
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
        """If none of the anchors is in the list, the walk raises an error instead of guessing."""
        server = ModelServer(200, Behaviour(), random.Random(1))
        outcome = drive(server, make_walk(10, after=Anchors(50, 200, ("gone",))), 4)
        assert isinstance(outcome.error, DriftError)
        assert server.reads < 30
