"""Rows that were dated in the future when they were read."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from aiozbilling import B3osBilling, PermissionDeniedError
from aiozbilling.report.attention import remarks
from aiozbilling.report.period import ReportMonth
from aiozbilling.simulator import Simulator
from aiozbilling.statement import (
    AccountFacts,
    Facts,
    SpendDay,
    account_months,
    combined_months,
    is_closed,
    read_ledger,
    runway,
    statement,
)
from aiozbilling.sync import sync
from aiozbilling.sync.layout import HISTORY
from tests.report.cases import READ_AT, account
from tests.simulated import client_of
from tests.sync.written import WrittenLedger, day_row


def in_november(*, future: bool, tried_at=None):
    """Return an account of two months that was read on 21 November, perhaps with a day and a deposit of the future."""
    one = account("main", 51)
    if not future:
        return one
    day = attrs.evolve(one.days[-1], day=date(2028, 2, 29), usd=Decimal(0))
    deposit = attrs.evolve(one.deposits[0], id="later", at=datetime(2028, 1, 1, tzinfo=UTC), usd=Decimal(0))
    return attrs.evolve(one, days=(*one.days, day), deposits=(*one.deposits, deposit), tried_at=tried_at)


def test_a_row_of_the_future_moves_no_date():
    """A day in 2028 does not close an earlier month, and does not lengthen the runway by the years in between."""
    usual, odd = (statement(Facts((in_november(future=future),))) for future in (False, True))
    assert odd.as_of == usual.as_of == READ_AT
    assert odd.runway == usual.runway
    assert [month.month for month in odd.months if month.is_closed] == ["2026-10"]
    assert odd.facts.accounts[0].future_rows == 2
    assert usual.facts.accounts[0].future_rows == 0
    assert any("2 rows are dated in the future" in each.text for each in remarks(ReportMonth(odd, "2026-10")))


def test_rows_of_a_later_reading_that_failed_are_not_of_the_future():
    """Rows that a failed sync stored after the latest complete one count as before."""
    later = in_november(future=True, tried_at=datetime(2028, 3, 1, tzinfo=UTC))
    assert later.future_rows == 0
    assert runway(later).day == date(2028, 2, 29)
    assert is_closed(later, "2028-01")


def test_the_last_month_of_the_calendar_ends() -> None:
    """Rows at the end of the calendar, a way to write "never", have a last month, which is not closed."""
    days = tuple(SpendDay(day, Decimal(1), 1, 1) for day in (date(9999, 11, 30), date(9999, 12, 31)))
    one = AccountFacts("a", days=days, read_at=READ_AT)
    expected = [("9999-11", False), ("9999-12", False)]
    assert [(month.month, month.is_closed) for month in account_months(one)] == expected
    assert [(month.month, month.is_closed) for month in combined_months((one,), READ_AT)] == expected


def test_the_last_month_of_the_calendar_is_open_in_the_view(tmp_path: Path) -> None:
    """The view, which compares texts, agrees with the statement."""
    with contextlib.closing(WrittenLedger(tmp_path / "a.sqlite")) as written:
        written.store(HISTORY, [day_row("9999-12-31", 5)])
        written.execute("UPDATE accounts SET aioz_read_at = '2026-11-01T09:00:00.000000Z'")
    assert closed_months(tmp_path / "a.sqlite") == ({"9999-12": 0}, {"9999-12": 0})


def test_the_ledgers_view_has_the_same_rule(tmp_path: Path) -> None:
    """A day after the latest run does not close a month in the view or in the statement; the day of the run does."""
    path = tmp_path / "a.sqlite"
    with contextlib.closing(WrittenLedger(path)) as written:  # its run is of 1 November 2026
        written.store(HISTORY, [day_row("2026-09-30", 5), day_row("2026-10-31", 5), day_row("2028-02-29", 5)])
        usual = {"2026-09": 1, "2026-10": 0, "2028-02": 0}
        for closed in (usual, {**usual, "2026-10": 1, "2026-11": 0}):
            assert dict(written.rows("SELECT month, is_closed FROM v_spend_month")) == closed
            months = [month for month in statement(read_ledger(path)).months if month.days]
            assert {month.month: int(month.is_closed) for month in months} == closed
            written.store(HISTORY, [day_row("2026-11-01", 5)])


async def test_a_run_of_another_system_changes_nothing(tmp_path: Path) -> None:
    """A later run of B3OS only does not make rows of the future present, and rows of a failed run stay present."""
    path, now = tmp_path / "a.sqlite", [datetime(2026, 11, 20, 12, tzinfo=UTC)]
    async with Simulator(top_ups=3, days=30) as simulator:
        simulator.advance(days=11)  # to December
        async with client_of(simulator) as billing, b3os_client(simulator) as b3os:
            both = {"b3os": b3os, "organization": simulator.organization, "clock": lambda: now[0]}
            await sync(billing, path, **both)
            expected = {"2026-10": 1, "2026-11": 0, "2026-12": 0}
            assert closed_months(path) == (expected, expected)
            now[0] += timedelta(days=20)
            await sync(None, path, **both)
            assert closed_months(path) == (expected, expected)
            simulator.fail("http-403", path="cu/usage")
            with pytest.raises(PermissionDeniedError):
                await sync(None, path, **both)
            assert closed_months(path) == (expected, expected)
            simulator.fail("http-403", path="cu/usage")
            with pytest.raises(PermissionDeniedError):
                await sync(billing, path, **both)
            await sync(None, path, **both)
    expected |= {"2026-11": 1}
    assert closed_months(path) == (expected, expected)
    assert read_ledger(path).accounts[0].future_rows == 0


def b3os_client(simulator: Simulator) -> B3osBilling:
    return B3osBilling(token=simulator.b3os_token, base_url=simulator.url)


def closed_months(path: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Return which months with days are closed, in the view and in the statement."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        view = dict(database.execute("SELECT month, is_closed FROM v_spend_month"))
    months = account_months(read_ledger(path).accounts[0])
    return view, {month.month: int(month.is_closed) for month in months if month.days}
