"""Facts from records: repeated rows, invalid rows and exact amounts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from aiozbilling import ConfigurationError
from aiozbilling.statement import Facts, account_facts, statement
from tests.statement.rows import day_usage, top_up

AT = datetime(2026, 10, 5, 12, tzinfo=UTC)


def test_a_repeated_row_counts_once():
    """The same deposit and the same day twice are one deposit and one day."""
    facts = account_facts("main", top_ups=[top_up("a", AT)] * 2, history=[day_usage(date(2026, 10, 5))] * 2)
    assert len(facts.deposits) == len(facts.days) == 1


def test_two_different_rows_of_a_day_are_refused():
    """Two different rows for one day are an error, because it is unknown which one is right."""
    rows = [day_usage(date(2026, 10, 5), "1"), day_usage(date(2026, 10, 5), "2")]
    with pytest.raises(ConfigurationError, match="two different rows for the day 2026-10-05"):
        account_facts("main", history=rows)


def test_two_different_rows_of_a_deposit_are_refused():
    """Two different rows for one deposit are an error, for example from before and after it was credited."""
    with pytest.raises(ConfigurationError, match="two different rows for the top-up a"):
        account_facts("main", top_ups=[top_up("a", AT, status=False), top_up("a", AT)])


def test_days_are_sorted():
    """Days are oldest first, whatever the order of the rows."""
    days = [day_usage(date(2026, 10, n)) for n in (3, 1, 2)]
    assert [day.day.day for day in account_facts("main", history=days).days] == [1, 2, 3]


def test_a_statement_without_rows_is_empty():
    """A statement of no account, or of an account without rows, has no months, balances and runways."""
    for facts in (Facts(), Facts(accounts=(account_facts("main"),))):
        empty = statement(facts)
        assert (empty.as_of, empty.months, empty.balances, empty.runways) == (None, (), (), ())
        assert empty.runway is None
        assert empty.projection("2026-10") is None


def test_amounts_are_kept_to_the_last_digit():
    """An amount with more digits than the decimal context is not rounded, neither as a fact nor in a sum."""
    usd = "12345678901234567890.123456789012345678"
    facts = account_facts("main", history=[day_usage(date(2026, 10, 1), usd), day_usage(date(2026, 10, 2), usd)])
    assert facts.days[0].usd == Decimal(usd)
    assert str(statement(Facts((facts,))).months[0].spend) == "24691357802469135780.246913578024691356"


def test_two_accounts_of_one_label_are_refused():
    """Two accounts with the same label are an error."""
    with pytest.raises(ConfigurationError, match="same label"):
        statement(Facts((account_facts("a"), account_facts("a"))))


def test_a_time_without_a_zone_is_refused():
    """A time of reading without a time zone is an error, because it could change the last day."""
    with pytest.raises(ConfigurationError, match="no time zone"):
        account_facts("a", read_at=datetime(2026, 10, 1))  # noqa: DTZ001


def test_a_time_of_another_zone_is_the_same_moment():
    """Days are in UTC, whatever the time zone of the reading."""
    zone = timezone(timedelta(hours=-8))
    assert account_facts("a", read_at=datetime(2026, 9, 30, 20, tzinfo=zone)).read_at == datetime(
        2026, 10, 1, 4, tzinfo=UTC
    )
