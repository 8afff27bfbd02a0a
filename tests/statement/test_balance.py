"""The derived balance: what counts in it, and on which day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from aiozbilling.statement import account_facts, balance_days, balance_on, combined_balance
from tests.statement.rows import day_usage, top_up

OCT = [date(2026, 10, n) for n in range(1, 6)]


def at(day: date) -> datetime:
    """Return noon of a day."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def test_each_opening_is_the_closing_of_the_day_before():
    """Deposits are added and spend is subtracted day by day; a day without rows keeps the balance."""
    facts = account_facts(
        "a", top_ups=[top_up("1", at(OCT[0]), "10")], history=[day_usage(OCT[1], "3"), day_usage(OCT[3], "2")]
    )
    rows = balance_days(facts)
    assert [row.closing for row in rows] == [10, 7, 7, 5]
    assert [row.opening for row in rows] == [0, 10, 7, 7]


def test_deposits_that_are_not_credited_do_not_count():
    """An uncredited deposit and a deposit without a value in USD do not change the balance."""
    rows = [top_up("1", at(OCT[0]), "10", status=False), top_up("2", at(OCT[0]), None)]
    (row,) = balance_days(account_facts("a", top_ups=rows, history=[day_usage(OCT[0], "3")]))
    assert row.closing == -3


def test_a_deposit_without_a_time_counts_from_the_first_day():
    """A credited deposit without a time is in the balance from the first day on."""
    facts = account_facts("a", top_ups=[top_up("1", None, "10")], history=[day_usage(OCT[0], "3")])
    assert [(row.opening, row.closing) for row in balance_days(facts)] == [(10, 7)]
    assert balance_days(account_facts("a", top_ups=[top_up("1", None, "10")]), OCT[0])[0].closing == 10


def test_balances_of_several_accounts_add_up():
    """An account counts from its first day on, and keeps its last balance after its last row."""
    one = balance_days(account_facts("a", top_ups=[top_up("1", at(OCT[0]), "10")]))
    two = balance_days(account_facts("b", top_ups=[top_up("2", at(OCT[1]), "5")], history=[day_usage(OCT[2], "1")]))
    together = combined_balance([one, two, ()])
    assert [row.closing for row in together] == [10, 15, 14]
    assert combined_balance([()]) == ()


def test_the_balance_of_any_day_can_be_looked_up():
    """Before the first day, the balance is None; after the last day, it is that of the last day."""
    rows = balance_days(account_facts("a", top_ups=[top_up("1", at(OCT[1]), "10")]))
    assert [balance_on(rows, day) for day in (OCT[0], OCT[1], OCT[4])] == [None, 10, 10]
    assert balance_on((), OCT[0]) is None


def test_the_balance_is_exact():
    """An attodollar is not lost in a large balance."""
    facts = account_facts(
        "a",
        top_ups=[top_up("1", at(OCT[0]), "1000000000000000")],
        history=[day_usage(OCT[0], "0.000000000000000001")],
    )
    assert balance_days(facts)[0].closing == Decimal("999999999999999.999999999999999999")
