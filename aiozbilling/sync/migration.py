"""Migrates a ledger from version 1 to version 2 without losing a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from aiozbilling.records.texts import time_text
from aiozbilling.sync.layout import HISTORY, MONTHS, TOP_UPS, Cell, LedgerColumn, LedgerTable, with_derived
from aiozbilling.sync.rows import Run, store_rows
from aiozbilling.sync.runs import begin_run, end_run

__all__ = ["migrate"]

_OLD_TABLES = ("accounts", "lists", "top_ups", "history", "months")
_OLD_VIEWS = ("v_top_ups", "v_history", "v_months")
_AT_ONCE = 5000


def migrate(database: sqlite3.Connection, create_tables: Callable[[sqlite3.Connection], None]) -> None:
    """Migrate from version 1 to 2 in the open transaction."""
    for view in _OLD_VIEWS:
        database.execute(f"DROP VIEW IF EXISTS {view}")
    database.execute("DROP INDEX IF EXISTS top_ups_by_time")
    for table in _OLD_TABLES:
        database.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    create_tables(database)
    # Lists were complete when they were synced. The next sync finds the rows that were removed since then.
    database.execute("INSERT INTO accounts SELECT account, synced_at, synced_at FROM old_accounts")
    database.execute(
        "INSERT INTO lists (account, list, grows_at, total, known, place, unfinished, excess, is_settled)"
        " SELECT account, list, grows_at, total, known, place, unfinished, 0, 1 FROM old_lists"
    )
    for (account,) in database.execute("SELECT account FROM old_accounts ORDER BY account").fetchall():
        _migrate_account(database, account)
    for table in _OLD_TABLES:
        database.execute(f"DROP TABLE old_{table}")


def _migrate_account(database: sqlite3.Connection, account: str) -> None:
    run = begin_run(database, account, "", time_text(datetime.now(UTC)))
    for table in (TOP_UPS, HISTORY, MONTHS):
        _copy(database, table, account, run)
    end_run(database, run, account, "migrated", time_text(datetime.now(UTC)))


def _copy(database: sqlite3.Connection, table: LedgerTable, account: str, run: Run) -> None:
    old_names = {row[1] for row in database.execute(f"PRAGMA table_info(old_{table.name})")}
    wanted = ", ".join(_expression(table, name, old_names) for name in table.names)
    cursor = database.execute(
        f"SELECT {wanted} FROM old_{table.name} WHERE account = ? ORDER BY rowid",  # noqa: S608
        (account,),
    )
    while rows := cursor.fetchmany(_AT_ONCE):
        columns = dict(zip(table.names, zip(*rows, strict=True), strict=True))
        cells = [
            _as_kind(column, found) for column, found in zip(table.columns, with_derived(table, columns), strict=True)
        ]
        # Version 1 does not contain the time when a row was first seen.
        store_rows(database, table, account, list(zip(*cells, strict=True)), Run(run.number, ""))


def _expression(table: LedgerTable, name: str, old_names: set[str]) -> str:
    if name in old_names:
        return name
    return "substr(date, 1, 10)" if table is HISTORY else "substr(created_at, 1, 10)"


def _as_kind(column: LedgerColumn, cells: Sequence[Cell]) -> Sequence[Cell]:
    """Convert exact texts, which version 1 has in the columns that are rounded now."""
    if column.kind != "real":
        return cells
    return [None if cell is None else float(cell) for cell in cells]
