"""The walk against a model server: each surviving row comes once and in order, or one of three errors is raised."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiozbilling.listing.window import Window
from tests.listing.feeding import still
from tests.listing.model_server import BEHAVIOURS, Behaviour, ModelServer, check, drive, make_walk, survivors, trial

SLOW_TRIALS = 4_000  # of each behaviour: more than 100,000 in all


class TestPromise:
    @pytest.mark.parametrize("name", BEHAVIOURS)
    @given(seed=st.integers(0, 2**32))
    def test_holds(self, name: str, seed: int) -> None:
        """Under each behaviour every surviving row comes once and in order, or the walk fails, also across a resume."""
        trial(name, seed)

    @pytest.mark.slow
    @pytest.mark.unmeasured
    @pytest.mark.timeout(600)
    def test_holds_a_hundred_thousand_times(self) -> None:
        """The same over more than 100,000 seeded trials."""
        for name in BEHAVIOURS:
            for seed in range(SLOW_TRIALS):
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
        """All windows that are requested ahead are used: concurrency costs no request."""
        server, _, _ = still(1000, 10, ahead)
        alone, _, _ = still(1000, 10, 1)
        assert server.reads == alone.reads

    def test_one_window_is_asked_before_the_first_reply(self) -> None:
        """Before the total is known, no further window is requested."""
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
        assert len(walk._delivered.memory) < 20_000
