"""Runway, projection and unusual days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from aiozbilling.statement import (
    Facts,
    account_facts,
    complete_days,
    daily_spend,
    projection,
    runway,
    statement,
    unusual_days,
)
from aiozbilling.statement.estimates import forecast
from tests.statement.rows import day_usage, top_up

READ_AT = datetime(2026, 11, 11, 9, tzinfo=UTC)


def account(label: str = "a", *, usd: str = "100", per_day: str = "2", days: int = 40, today: str = "0.5", **more):
    """Build an account that was read on 11 November 2026 at 9:00."""
    read_at = more.get("read_at", READ_AT)
    rows = [day_usage(READ_AT.date() - timedelta(days=n), per_day if n else today) for n in range(days)]
    deposits = [top_up("1", READ_AT - timedelta(days=days), usd)]
    return account_facts(label, top_ups=deposits, history=rows, read_at=read_at)


def test_the_day_of_the_reading_is_not_complete():
    """The day of the reading is not complete; without a time of reading, the last day is not."""
    assert complete_days(account())[-1].day == date(2026, 11, 10)
    assert complete_days(account(read_at=None))[-1].day == date(2026, 11, 10)
    assert complete_days(account(read_at=READ_AT + timedelta(days=1)))[-1].day == date(2026, 11, 11)


def test_runway_is_balance_divided_by_mean_spend():
    """39 complete days at 2 USD leave 100 - 78 - 0.5 of today: 10 days at 2 USD a day."""
    estimate = runway(account())
    assert (estimate.balance, estimate.per_day, estimate.basis_days) == (Fraction(43, 2), 2, 30)
    assert estimate.days == Fraction(43, 4)
    assert estimate.empty_on == date(2026, 11, 21)
    assert estimate.days_left(date(2026, 11, 15)) == Fraction(27, 4)
    assert estimate.days_left(date(2027, 11, 15)) == 0


def test_an_overdrawn_account_has_no_day_left():
    """A negative balance is a runway of 0 days, not a negative one."""
    assert runway(account(usd="1")).days == 0


def test_an_overdrawn_account_that_was_stopped_has_no_day_left():
    """A negative balance is no runway without an end, if nothing was spent for 30 days."""
    rows = [day_usage(READ_AT.date() - timedelta(days=n), "0" if n < 40 else "2") for n in range(60)]
    estimate = runway(account_facts("a", history=rows, read_at=READ_AT))
    assert (estimate.per_day, estimate.days, estimate.empty_on) == (0, 0, READ_AT.date())


def test_an_account_that_spends_nothing_has_no_end():
    """Without spend, or without a complete day, the runway has no end; without rows there is none."""
    assert runway(account(per_day="0", today="0")).days is None
    assert runway(account(days=1)).empty_on is None
    assert runway(account_facts("a")) is None
    assert runway(account_facts("a", read_at=READ_AT)).balance == 0


def test_a_runway_of_centuries_has_no_date():
    """A day more than a century away is None, even if the number of days is huge."""
    assert runway(account(usd="1e30", per_day="0.000000000000000001")).empty_on is None


def test_the_runway_of_several_accounts_is_the_one_that_ends_first():
    """The runway of several accounts is that of the account which is empty first."""
    together = statement(Facts((account("rich", usd="1000"), account("poor"), account("idle", per_day="0", today="0"))))
    assert together.runway.account == "poor"
    assert statement(Facts((account("idle", per_day="0", today="0"),))).runway is None


def test_the_projection_uses_the_mean_for_each_day_that_is_not_complete():
    """Ten complete days of November at 2 USD and twenty estimated ones are 60 USD."""
    assert projection(account(), "2026-11") == 60
    assert projection(account(today="100"), "2026-11") == 120
    assert projection(account(), "2026-12") == 62
    assert projection(account(), "2026-10") is None
    assert projection(account(days=1), "2026-11") is None


def test_the_mean_is_of_the_last_thirty_days_only():
    """Rows more than 30 days before the last complete day don't count, and missing days don't count as zero."""
    rows = [day_usage(date(2026, 11, 10), "2"), day_usage(date(2026, 11, 5), "4"), day_usage(date(2026, 10, 1), "99")]
    assert daily_spend(account_facts("a", history=rows, read_at=READ_AT)) == (3, 2)


def test_the_forecast_ends_at_zero_for_each_account():
    """The sum falls until each account is empty, but never below 0."""
    runways = [runway(account("a", usd="98.5", per_day="2")), runway(account("b", usd="88.5", per_day="2"))]
    until = date(2026, 12, 31)
    corners = forecast(runways, until)
    assert corners[0] == (date(2026, 11, 11), 30)
    assert corners[1] == (date(2026, 11, 16), 10)
    assert corners[2] == (date(2026, 11, 21), 0)
    assert corners[-1] == (until, 0)
    assert forecast([], until) == []


@pytest.mark.parametrize(("usd", "is_unusual"), [("1.05", False), ("3", True), ("0.1", True)])
def test_a_day_far_from_the_days_before_it_is_unusual(usd, is_unusual):
    """A day is unusual if it is far above or far below the median of the days before it."""
    noise = [f"{1 + n % 5 / 50}" for n in range(30)]
    days = account_facts(
        "a", history=[day_usage(date(2026, 9, 1) + timedelta(days=n), value) for n, value in enumerate([*noise, usd])]
    ).days
    assert [day.day for day in unusual_days(days)] == ([date(2026, 10, 1)] if is_unusual else [])


def test_a_trend_is_not_unusual():
    """Spend that grows evenly has no unusual day."""
    rows = [day_usage(date(2026, 9, 1) + timedelta(days=n), f"{1 + n / 100}") for n in range(60)]
    assert unusual_days(account_facts("a", history=rows).days) == ()


def test_small_changes_are_usual_and_spend_after_days_of_zero_is_not():
    """The deviation is at least 1 % of the median; after days of 0, any spend is unusual."""
    flat = [day_usage(date(2026, 9, 1) + timedelta(days=n), "1") for n in range(20)]
    free = [day_usage(date(2026, 9, 1) + timedelta(days=n), "0") for n in range(20)]
    last = date(2026, 9, 21)
    assert unusual_days(account_facts("a", history=[*flat, day_usage(last, "1.04")]).days) == ()
    assert unusual_days(account_facts("a", history=[*free, day_usage(last, "0")]).days) == ()
    (day,) = unusual_days(account_facts("a", history=[*free, day_usage(last, "0.01")]).days)
    assert (day.day, day.expected) == (last, 0)


@pytest.mark.parametrize(("before", "refund"), [("0", "-5"), ("-5", "-6")])
def test_a_refund_is_an_unusually_low_spend(before, refund):
    """A negative spend after equal days has a negative score, and a tiny difference of refunds is not unusual."""
    flat, last = [day_usage(date(2026, 10, n), before) for n in range(1, 21)], date(2026, 10, 21)
    (day,) = unusual_days(account_facts("a", history=[*flat, day_usage(last, refund)]).days)
    assert day.score < 0
    assert unusual_days(account_facts("a", history=[*flat, day_usage(last, before)]).days) == ()
    refunds = [day_usage(date(2026, 10, n), "-5") for n in range(1, 21)]
    assert unusual_days(account_facts("a", history=[*refunds, day_usage(last, "-5.001")]).days) == ()


def test_the_first_days_are_never_unusual():
    """A day is compared only if fourteen days are before it."""
    rows = [day_usage(date(2026, 9, 1) + timedelta(days=n), "100" if n == 13 else "1") for n in range(14)]
    assert unusual_days(account_facts("a", history=rows).days) == ()


def test_a_day_that_is_not_complete_is_never_unusual():
    """Today's small row would look like a fall in spend."""
    assert statement(Facts((account(today="0.001"),))).unusual == ()
