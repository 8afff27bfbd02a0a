"""Sums of months, and when a month is closed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from aiozbilling import MonthUsage
from aiozbilling.statement import (
    Facts,
    account_facts,
    account_months,
    change,
    combined_months,
    cost_per_tb,
    is_closed,
    statement,
)
from tests.statement.rows import USD, day_usage, top_up


def at(month: int, day: int, hour: int = 0) -> datetime:
    """Return a moment of 2026."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


def october(account: str = "main", **facts: object):
    """Build an account with three days in October."""
    rows = [day_usage(date(2026, 10, n), "0.1") for n in (1, 2, 31)]
    return account_facts(account, **{"history": rows, **facts})


def test_a_month_is_the_sum_of_its_days():
    """The month's spend comes from the daily history, not from the last snapshot, which is older."""
    snapshot = MonthUsage(
        total_storage=1, storage_usage=1, bandwidth_usage=1, storage_cost=Decimal(USD // 10), bandwidth_cost=Decimal(0)
    )
    (month,) = account_months(october(months=[(at(10, 31, 9), snapshot)]))
    assert (month.spend, month.storage, month.bandwidth) == (Decimal("0.3"), Decimal("0.1"), 0)
    assert month.not_split == Decimal("0.2")


def test_days_of_several_accounts_count_once():
    """A combined month has as many days as there are days with a row of any account."""
    other = account_facts("other", history=[day_usage(date(2026, 10, n)) for n in (2, 3, 4)])
    (month,) = combined_months((october(), other), at(11, 30))
    assert month.days == 5


def test_only_credited_deposits_count():
    """A deposit that is not credited is counted separately, and one without a value in USD adds nothing."""
    rows = [top_up("a", at(10, 2), "5"), top_up("b", at(10, 3), "7", status=False), top_up("c", at(10, 3), None)]
    (month,) = account_months(october(top_ups=rows))
    assert (month.deposits, month.uncredited) == (5, 1)


@pytest.mark.parametrize(
    ("read_at", "closed"),
    [(None, False), (at(11, 3, 23), False), (at(11, 4), True), (at(12, 1), True)],
)
def test_a_month_closes_three_days_after_its_end(read_at, closed):
    """A reading three days after the month's end closes it; an earlier one, or none, does not."""
    assert is_closed(october(read_at=read_at), "2026-10") is closed


def test_a_day_of_a_later_month_closes_a_month():
    """As soon as the next month has a day, the month before it no longer changes."""
    assert is_closed(account_facts("main", history=[day_usage(date(2026, 11, 1))]), "2026-10")


def test_an_account_that_is_no_longer_read_keeps_no_month_open():
    """The account is named, its rows count, and the month is closed when it is closed for the other accounts."""
    live, gone = october("live", read_at=at(11, 20)), october("gone", read_at=at(10, 31))
    (month,) = statement(Facts((live, gone))).months
    assert (month.spend, month.is_closed, month.not_read) == (Decimal("0.6"), True, ("gone",))


def test_a_month_that_is_not_due_yet_is_open_and_names_no_account():
    """Until three days after the end of the month, `not_read` is empty."""
    (month,) = statement(Facts((october(read_at=at(10, 31)),))).months
    assert (month.is_closed, month.not_read) == (False, ())


def test_months_without_rows_are_included():
    """A month without rows between two others has a spend of 0."""
    rows = [day_usage(date(2026, 8, 31)), day_usage(date(2026, 10, 1))]
    assert [(row.month, row.spend) for row in account_months(account_facts("a", history=rows))] == [
        ("2026-08", 1),
        ("2026-09", 0),
        ("2026-10", 1),
    ]


def test_change_is_relative_to_the_previous_month():
    """The change is a share of the previous month's spend, or None if that is 0."""
    rows = [day_usage(date(2026, 8, 31), "4"), day_usage(date(2026, 9, 1), "5")]
    august, september = account_months(account_facts("a", history=rows))
    assert change(september, august) == Fraction(1, 4)
    assert change(august, None) is None
    assert change(august, account_months(account_facts("b", history=[day_usage(date(2026, 7, 1), "0")]))[0]) is None


def test_cost_per_tb_is_spend_divided_by_mean_storage():
    """Two accounts with a terabyte each that cost 0.3 USD each cost 0.3 USD for a terabyte."""
    (month,) = statement(Facts((october("a"), october("b")))).months
    assert cost_per_tb(month) == Fraction(3, 10)
    rows = [day_usage(date(2026, 10, 1), storage=0)]
    assert cost_per_tb(account_months(account_facts("a", history=rows))[0]) is None
