"""Rate limits and their windows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiozbilling import ConfigurationError, RateLimit
from aiozbilling.exchange.rate import SlidingWindow


@pytest.mark.parametrize(("requests", "per_s"), [(0, 1), (1.5, 1), (True, 1), (1, 0), (1, -1), (1, float("nan"))])
def test_invalid_limits_are_refused(requests: int, per_s: float) -> None:
    """An invalid limit is a ConfigurationError."""
    with pytest.raises(ConfigurationError, match="RateLimit"):
        RateLimit(requests, per_s)


@given(st.integers(1, 6), st.floats(0.5, 20), st.lists(st.floats(0, 5), max_size=30), st.integers(0, 20))
def test_the_wait_of_a_request_counts_those_before_it(
    requests: int, per_s: float, gaps: list[float], ahead: int
) -> None:
    """`wait_s` returns how long a request waits when the others before it are sent as early as possible."""
    now = 0.0
    window = SlidingWindow(RateLimit(requests, per_s), clock=lambda: now)
    for gap in gaps:
        now += gap
        window.take(0.0)
    expected, begun = window.wait_s(ahead), now
    for _ in range(ahead):
        while wait := window.take(0.0):
            now += wait
    assert now + window.wait_s(0) - begun == pytest.approx(expected, abs=1e-6)


def test_an_arrival_that_may_be_late_makes_the_window_longer() -> None:
    """A request that may arrive late counts for longer, but at most for 4 % of the period."""
    now = 0.0
    window = SlidingWindow(RateLimit(1, 10), clock=lambda: now)
    assert window.take(0.1) == 0
    assert window.wait_s(0) == pytest.approx(10.1)
    now = 20.0
    assert window.take(3.0) == 0
    assert window.wait_s(0) == pytest.approx(10.4)


def test_a_window_is_empty_after_its_period() -> None:
    """A window without a request in the latest period can be discarded."""
    now = 0.0
    window = SlidingWindow(RateLimit(2, 10), clock=lambda: now)
    assert window.is_empty()
    window.take(0.0)
    assert not window.is_empty()
    now = 10.0
    assert window.is_empty()
