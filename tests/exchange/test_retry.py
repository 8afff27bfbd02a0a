from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiozbilling import errors
from aiozbilling.exchange.retry import RetryBudget, RetryPolicy, is_retried, wait_s
from aiozbilling.exchange.retry_after import retry_after_s

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 7 "}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "Retry-After": "9"}, 1.5),
        ({"retry-after-ms": "soon", "Retry-After": "9"}, 9.0),
        ({"Retry-After": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"Retry-After": "Sat, 21 Nov 2026 12:00:30 GMT", "Date": "Sat, 21 Nov 2026 12:00:20 GMT"}, 10.0),
        ({"Retry-After": "99999999999999999999999999"}, 99999999999999999999.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "1.5.5"}, None),
        ({"Retry-After": "1e5"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "tomorrow"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_each_form(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds and HTTP-dates are read, the server's own clock counts, and the rest is ignored."""
    assert retry_after_s(headers, NOW) == seconds


@given(st.text(max_size=40))
def test_retry_after_never_fails(text: str) -> None:
    """For any text, parsing Retry-After does not fail, and the result is never negative."""
    seconds = retry_after_s({"Retry-After": text, "Date": text}, NOW)
    assert seconds is None or seconds >= 0


@given(st.integers(-10_000, 10_000))
def test_retry_after_dates_are_relative_to_the_servers_clock(offset: int) -> None:
    """The wait is the difference between Retry-After and the reply's Date, whatever the local clock is."""
    headers = {"Date": format_datetime(NOW), "Retry-After": format_datetime(NOW + timedelta(seconds=offset))}
    assert retry_after_s(headers, NOW - timedelta(days=3)) == max(0.0, float(offset))


RETRIED = {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524}


def test_only_statuses_that_may_pass_are_retried() -> None:
    """Only the statuses of the table are retried."""
    assert {status for status in range(200, 600) if is_retried(errors.ApiError(status=status), 1)} == RETRIED


@pytest.mark.parametrize(
    ("error", "retried"),
    [
        (errors.ConnectError("x"), True),
        (errors.CallTimeoutError("x"), True),
        (errors.TLSError("x"), False),
        (errors.ProtocolError("x"), False),
        (errors.BodyTooLargeError("x"), False),
        (errors.ConfigurationError("x"), False),
        (errors.DecodeError(["x"]), False),
        (errors.DecodeError(["x"], malformed=True), True),
        (KeyboardInterrupt(), False),
        (None, False),
    ],
)
def test_each_kind_of_error_is_retried_or_not(error: BaseException | None, retried: bool) -> None:
    """Only lost connections, timeouts and bodies that are not JSON are retried."""
    assert is_retried(error, 1) is retried


def test_a_malformed_body_is_retried_once_only() -> None:
    """A second body that is not JSON is not retried."""
    assert not is_retried(errors.DecodeError(["x"], malformed=True), 2)


@given(st.integers(1, 10_000), st.sampled_from([408, 429, 500, 503]))
def test_waits_are_bounded(attempt: int, status: int) -> None:
    """Random waits are between 0 and a limit that doubles with each attempt, up to the policy's longest wait."""
    policy = RetryPolicy()
    error = errors.ApiError(status=status)
    first = policy.throttled_wait_s if status in (429, 503) else policy.wait_s
    assert 0 <= wait_s(policy, error, attempt) <= min(policy.max_wait_s, first * 2.0 ** min(attempt - 1, 60))


def test_retry_after_is_not_undercut() -> None:
    """If the server sends Retry-After, this is the wait."""
    assert wait_s(RetryPolicy(), errors.RateLimitedError(retry_after=33.0, status=429), 1) == 33.0


def test_budget_ends_retries_of_a_dead_server() -> None:
    """500 tokens are enough for 35 retries of errors, 50 of timeouts or 100 of 429s; successes earn new tokens."""
    for error, retries in (
        (errors.ServerError(status=500), 35),
        (errors.CallTimeoutError("x"), 50),
        (errors.RateLimitedError(status=429), 100),
    ):
        budget = RetryBudget()
        assert sum(budget.spend(error) for _ in range(1000)) == retries
        for _ in range(14):
            budget.earn()
        assert budget.spend(error)


def test_budget_does_not_grow_beyond_its_size() -> None:
    """Successes fill the budget up and no further."""
    budget = RetryBudget()
    for _ in range(10_000):
        budget.earn()
    assert sum(budget.spend(errors.ConnectError("x")) for _ in range(1000)) == 35


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"attempts": True}, {"attempts": 1.5}, {"wait_s": -1}, {"max_wait_s": float("nan")}]
)
def test_impossible_policies_are_refused(wrong: dict[str, float]) -> None:
    """An invalid policy is a ConfigurationError that names the field."""
    with pytest.raises(errors.ConfigurationError, match=next(iter(wrong))):
        RetryPolicy(**wrong)  # type: ignore[arg-type]


def test_a_connection_closed_between_requests_costs_no_budget() -> None:
    """Each success pays for one lost connection; further ones use the budget, like those of a dead server."""
    lost = errors.ConnectError("x")
    lost.before_reply = True
    budget = RetryBudget(tokens=0)
    assert not budget.spend(lost)
    budget.kept_alive = 0
    budget.tokens = 0
    budget.earn()
    assert budget.spend(lost)
    assert not budget.spend(lost)
    assert wait_s(RetryPolicy(), lost, 1) == 0.0
