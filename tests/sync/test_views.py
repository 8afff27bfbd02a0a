"""The views of the ledger: numbers, days and months."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import attrs
import duckdb
import pytest

from aiozbilling import TokenAmount
from aiozbilling.export import sync
from aiozbilling.simulator import Simulator
from aiozbilling.statement import read_ledger, statement
from aiozbilling.sync.layout import HISTORY, MONTHS, TOP_UPS, rows_of
from aiozbilling.sync.store import ListState
from aiozbilling.sync.views import VIEWS
from tests.export.export_lists import top_up
from tests.simulated import client_of
from tests.sync.synced import synced
from tests.sync.written import WrittenLedger, day_row, month_row, top_up_row


@pytest.fixture
def written(tmp_path: Path) -> Iterator[WrittenLedger]:
    with contextlib.closing(WrittenLedger(tmp_path / "b.sqlite")) as written:
        yield written


def test_amounts_compare_as_numbers_of_any_size(written: WrittenLedger) -> None:
    """`credit_usd > 1000` compares numbers in table and view, also amounts above 9.2e12 USD and tiny ones."""
    amounts = [1, 5 * 10**18, 999 * 10**18, 1001 * 10**18, 93 * 10**29, 10**40]
    written.store(TOP_UPS, [top_up_row(f"t{number}", amount) for number, amount in enumerate(amounts)])
    for table in ("top_ups", "v_top_ups"):
        assert written.rows(f"SELECT count(*) FROM {table} WHERE credit_usd > 1000") == [(3,)]
        [(total,)] = written.rows(f"SELECT sum(credit_usd) FROM {table}")
        assert total == pytest.approx(sum(amounts) / 1e18, rel=1e-14)
    assert written.rows("SELECT CAST(credit_usd AS INTEGER) FROM v_top_ups WHERE id = 't3'") == [(1001,)]
    assert written.rows("SELECT credit_attousd FROM top_ups WHERE id = 't5'") == [(str(10**40),)]


def test_rounded_amounts_are_the_nearest_numbers() -> None:
    """A rounded column shows the digits of the exact amount: 856.2996, not 856.2995999999999."""
    record = top_up(1, total_amount=Decimal(8562996 * 10**14), amount=TokenAmount("attoaioz", Decimal(3711 * 10**18)))
    row = dict(zip(TOP_UPS.names, rows_of(TOP_UPS, [record])[0], strict=True))
    assert (row["credit_usd"], row["token_amount"]) == (856.2996, 3711.0)
    unknown = top_up(2, amount=TokenAmount("uatom", Decimal("12.5")))
    row = dict(zip(TOP_UPS.names, rows_of(TOP_UPS, [unknown])[0], strict=True))
    assert (row["token_amount"], row["amount"]) == (12.5, "12.5")


def test_a_whole_number_beyond_64_bits_is_exact(written: WrittenLedger) -> None:
    """It is stored as text with all digits and counted as a misfit, and the view converts it to a number."""
    written.store(HISTORY, [day_row("2026-10-01", 10**18, storage=2**70 + 1), day_row("2026-10-02", 10**18)])
    assert written.rows("SELECT total_storage_bytes FROM history ORDER BY day") == [(str(2**70 + 1),), (5,)]
    assert written.rows("SELECT storage_gb FROM v_history ORDER BY day")[0][0] == (2**70 + 1) / 1e9
    assert written.rows("SELECT misfits FROM v_data_quality WHERE list = 'history'") == [(1,)]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_no_time_zone_moves_a_day(written: WrittenLedger, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """`day` is the UTC day as a DATE, whatever the time zone of the reader."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        written.store(HISTORY, [day_row("2026-10-31", 10**18), day_row("2026-11-01", 10**18)])
        assert written.rows("SELECT month, days FROM v_spend_month ORDER BY 1") == [("2026-10", 1), ("2026-11", 1)]
        [declared] = [row[2] for row in written.rows("PRAGMA table_info(history)") if row[1] == "day"]
        assert declared == "DATE"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_duckdb_runs_the_views_of_an_attached_ledger(written: WrittenLedger, zone: str) -> None:
    """DuckDB, which takes over the text of a view and the types of columns, has the same rows in any time zone.

    Its extension for SQLite can't be loaded here, so the tables are copied with the types that it declares.
    """
    days = [day_row(f"2026-{day}", 10**17, storage=3 * 10**12 + 1) for day in ("10-30", "10-31", "11-01", "12-31")]
    written.store(HISTORY, [*days, day_row("2027-01-01", 10**17)])
    written.store(MONTHS, [month_row("2026-10-30", 10**16, 10**16), month_row("2026-10-31", 5 * 10**16, 10**16)])
    written.store(TOP_UPS, [top_up_row("a", 10**19, "2026-10-31"), top_up_row("b", 10**19, "2026-11-01", status=0)])
    written.store(TOP_UPS, [("c", None, None, *top_up_row("c", 10**19)[3:])])
    written.execute("UPDATE accounts SET aioz_read_at = ?", "2027-02-04T00:00:00.000000Z")
    with duckdb.connect() as database:
        database.execute(f"SET TimeZone = '{zone}'")
        for table in ("accounts", "runs", "run_lists", "top_ups", "history", "months"):
            copy_as_attached(written, database, table)
        for view in ("v_top_ups", "v_history", "v_spend_month", "v_balance_daily"):
            found = database.sql(f"SELECT * FROM ({VIEWS[view]}) ORDER BY ALL").fetchall()
            expected = written.rows(f"SELECT * FROM {view} ORDER BY 1, 2")
            assert [tuple(map(str, row)) for row in found] == [
                tuple(map(str, row)) for row in as_duckdb(expected, view)
            ]
        months = "SELECT strftime(day, '%Y-%m') AS month, sum(usd) FROM ({}) GROUP BY 1 ORDER BY 1"
        by_day = database.sql(months.format(VIEWS["v_history"])).fetchall()
    assert by_day == written.rows("SELECT month, total FROM v_spend_month ORDER BY 1")
    assert [row[0] for row in by_day] == ["2026-10", "2026-11", "2026-12", "2027-01"]


def copy_as_attached(written: WrittenLedger, database: duckdb.DuckDBPyConnection, table: str) -> None:
    """Copy a table to DuckDB with the types that an attached SQLite file has there; a column without one is a BLOB."""
    types = {"TEXT": "VARCHAR", "DATE": "DATE", "REAL": "DOUBLE", "INTEGER": "BIGINT", "": "BLOB", "BLOB": "BLOB"}
    columns = [(row[1], types[row[2]]) for row in written.rows(f"PRAGMA table_info({table})")]
    database.execute(f"CREATE TABLE {table} ({', '.join(' '.join(column) for column in columns)})")
    for row in written.rows(f"SELECT * FROM {table}"):
        cells = [str(cell).encode() if type_ == "BLOB" else cell for cell, (_, type_) in zip(row, columns, strict=True)]
        database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(cells))})", cells)


def as_duckdb(rows: list[tuple[object, ...]], view: str) -> list[tuple[object, ...]]:
    """Return rows of SQLite as DuckDB has them: a comparison is a truth value there."""
    if view != "v_top_ups":
        return rows
    return [(*row[:4], bool(row[4]), *row[5:]) for row in rows]


def test_a_month_is_its_history_and_not_its_last_snapshot(written: WrittenLedger) -> None:
    """The total is the sum of the days; the snapshot splits a part of it, and the rest is not split."""
    written.store(HISTORY, [day_row(f"2026-10-{day:02}", 10**17) for day in range(1, 32)])
    written.store(MONTHS, [month_row("2026-10-30", 10**18, 10**18), month_row("2026-10-31", 2 * 10**18, 10**18)])
    assert written.rows("SELECT month, total, storage, bandwidth, not_split, days FROM v_spend_month") == [
        ("2026-10", 3.1, 2.0, 1.0, 0.1, 31)
    ]


def test_a_month_is_closed_by_a_later_day_or_a_later_reading(written: WrittenLedger) -> None:
    """A day of the next month closes a month, and so does a complete reading three days after its end."""
    written.store(HISTORY, [day_row("2026-09-30", 10**18), day_row("2026-10-31", 10**18)])
    query = "SELECT month, is_closed FROM v_spend_month ORDER BY 1"
    assert written.rows(query) == [("2026-09", 1), ("2026-10", 0)]
    for read_at, is_closed in (("2026-11-03T23:59:59.999999Z", 0), ("2026-11-04T00:00:00.000000Z", 1)):
        written.execute("UPDATE accounts SET aioz_read_at = ?", read_at)
        assert written.rows(query) == [("2026-09", 1), ("2026-10", is_closed)]


def test_the_balance_is_credited_minus_spent(written: WrittenLedger) -> None:
    """Each opening is the closing of the previous day; uncredited and removed rows do not count."""
    written.store(HISTORY, [day_row("2026-10-01", 10**18), day_row("2026-10-03", 2 * 10**18)])
    written.store(
        TOP_UPS,
        [
            top_up_row("a", 10 * 10**18, "2026-10-01"),
            top_up_row("b", 5 * 10**18, "2026-10-02"),
            top_up_row("c", 99 * 10**18, "2026-10-02", status=0),
            top_up_row("d", 99 * 10**18, "2026-10-02"),
        ],
    )
    written.ledger.settle(TOP_UPS, ["d"], ListState())
    assert written.rows("SELECT day, opening, credited, spent, closing FROM v_balance_daily ORDER BY day") == [
        ("2026-10-01", 0.0, 10.0, 1.0, 9.0),
        ("2026-10-02", 9.0, 5.0, 0.0, 14.0),
        ("2026-10-03", 14.0, 0.0, 2.0, 12.0),
    ]
    assert written.rows("SELECT uncredited, missing, stored FROM v_data_quality WHERE list = 'top_ups'") == [(1, 1, 3)]


def test_a_deposit_without_a_time_counts_from_the_first_day(written: WrittenLedger) -> None:
    """The view's balance includes it, as the statement's does, unless it is not credited or was removed."""
    written.store(HISTORY, [day_row("2026-10-01", 10**18), day_row("2026-10-02", 10**18)])
    deposits = [top_up_row("a", 5 * 10**18), top_up_row("b", 7 * 10**18, status=0), top_up_row("c", 9 * 10**18)]
    written.store(TOP_UPS, [(id_, None, None, *cells) for id_, _, _, *cells in deposits])
    written.ledger.settle(TOP_UPS, ["c"], ListState())
    found = written.rows("SELECT day, opening, credited, spent, closing FROM v_balance_daily ORDER BY day")
    assert found == [("2026-10-01", 5.0, 0.0, 1.0, 4.0), ("2026-10-02", 4.0, 0.0, 1.0, 3.0)]
    days = statement(read_ledger(written.path)).balances
    assert [(str(day.day), *map(float, attrs.astuple(day)[1:])) for day in days] == found


def test_a_removed_day_is_a_gap(written: WrittenLedger) -> None:
    """A removed day between two others is a gap, as in the report; if all days were removed, there is none."""
    written.store(HISTORY, [day_row(f"2026-10-{day:02}", 10**17) for day in (1, 2, 3, 4)])
    written.ledger.settle(HISTORY, ["2026-10-02T00:00:00.000000Z"], ListState())
    quality = "SELECT gaps, missing, stored FROM v_data_quality WHERE list = 'history'"
    assert written.rows(quality) == [(1, 1, 3)]
    written.ledger.settle(HISTORY, [f"2026-10-{day:02}T00:00:00.000000Z" for day in (1, 3, 4)], ListState())
    assert written.rows(quality) == [(0, 4, 0)]


def test_quality_names_gaps_and_duplicates(written: WrittenLedger) -> None:
    """Days without a row, and rows that two labels share, are counted for history and months."""
    days = [day_row(f"2026-10-{day:02}", day * 10**17) for day in (1, 2, 5)]
    months = [month_row("2026-10-01", 1, 1), month_row("2026-10-04", 2, 2)]
    written.store(HISTORY, days)
    written.store(MONTHS, months)
    with contextlib.closing(WrittenLedger(written.path, "other")) as other:
        other.store(HISTORY, days[:2])
        other.store(MONTHS, months[:1])
    assert written.rows("SELECT account, list, gaps, duplicates FROM v_data_quality ORDER BY 1, 2") == [
        ("main", "history", 2, 2),
        ("main", "months", 2, 1),
        ("other", "history", 0, 2),
        ("other", "months", 0, 1),
    ]


async def test_views_of_an_older_release_are_renewed(tmp_path: Path) -> None:
    """Views of another release are replaced; a view that the user created stays."""
    async with synced(tmp_path / "b.sqlite", top_ups=2, days=2) as run:
        await run()
        with contextlib.closing(sqlite3.connect(run.path)) as database:
            database.execute("DROP VIEW v_spend_month")
            database.execute("CREATE VIEW v_spend_month AS SELECT 1 AS wrong")
            database.execute("CREATE VIEW mine AS SELECT count(*) FROM v_spend_month")
            database.execute("UPDATE ledger SET value = '{\"v_spend_month\": \"\"}' WHERE name = 'views'")
            database.commit()
        await run()
        assert run.rows("SELECT count(*) FROM v_spend_month WHERE total > 0") == [(1,)]
        assert run.rows("SELECT * FROM mine") == [(1,)]


async def test_the_schema_explains_itself(tmp_path: Path) -> None:
    """Each column of a table has a comment in the schema, which tools show."""
    async with synced(tmp_path / "b.sqlite", top_ups=1, days=1) as run:
        await run()
        [(schema,)] = run.rows("SELECT sql FROM sqlite_schema WHERE name = 'top_ups'")
    assert "-- USD * 10^18, exact" in schema
    assert "-- start of the run that found the row removed by the provider, UTC" in schema


@pytest.mark.parametrize("weeks", [3, pytest.param(15, marks=pytest.mark.slow)])
async def test_months_equal_the_days_that_the_provider_served(tmp_path: Path, weeks: int) -> None:
    """Over simulated weeks of three accounts, the view's months are the rounded exact sums of the provider's days."""
    path = tmp_path / "b.sqlite"
    async with Simulator(accounts=3, top_ups=3, days=30) as simulator:
        for week in range(weeks):
            for number, account in enumerate(simulator.accounts):
                account.add_top_ups(week % (number + 2))
                async with client_of(simulator, account) as billing:
                    await sync(billing, path, account=account.name, clock=lambda: simulator.now)
            simulator.advance(days=7 if week < weeks - 1 else 0)
        expected: dict[tuple[str, str], Fraction] = {}
        for account in simulator.accounts:
            for row in account.history_rows():
                assert row is not None
                key = (account.name, row["date"][:7])
                expected[key] = expected.get(key, Fraction(0)) + Fraction(row["total_amount"]) / 10**18
    with contextlib.closing(sqlite3.connect(path)) as database:
        months = database.execute("SELECT account, month, total FROM v_spend_month").fetchall()
        closed = database.execute("SELECT DISTINCT month FROM v_spend_month WHERE NOT is_closed").fetchall()
        snapshots = database.execute("SELECT count(*) FROM months WHERE account = 'account-1'").fetchone()
    assert {(account, month): total for account, month, total in months} == {
        key: round(float(total), 9) for key, total in expected.items()
    }
    assert closed == [(f"{simulator.now:%Y-%m}",)]
    assert snapshots == (weeks,)
