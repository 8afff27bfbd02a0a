"""Checks the parts of a ledger that no hash covers: its file, its schema and the state of each account."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from aiozbilling.sync.layout import ROW_TABLES
from aiozbilling.sync.runs import STATE, state_of
from aiozbilling.sync.schema import create_tables
from aiozbilling.sync.views import VIEWS, view_sql

__all__ = ["changed_objects", "changed_states", "damages"]

# The latest complete run that read AIOZ, if no later run of the account was interrupted or failed.
_LATEST = """
WITH latest AS (
  SELECT account, max(run) AS run, max(ended_at) AS ended_at FROM runs JOIN run_lists USING (run)
  WHERE list = 'months' AND rows_read > 0 AND result = 'complete' GROUP BY account
), quiet AS (
  SELECT * FROM latest WHERE NOT EXISTS (
    SELECT 1 FROM runs WHERE runs.account = latest.account AND runs.run > latest.run AND result <> 'complete')
)
"""
_TIMES = "SELECT account FROM quiet JOIN accounts USING (account) WHERE aioz_read_at IS NOT ended_at"
_COUNTS = """
SELECT lists.account, lists.list FROM quiet JOIN lists ON lists.account = quiet.account
JOIN run_lists ON run_lists.run = quiet.run AND run_lists.list = lists.list
WHERE run_lists.counted IS NOT lists.total ORDER BY 1, 2"""
# The latest run of each account. One that was killed has no state, nor has one of an earlier release.
_STATES = """
SELECT runs.account, digest FROM runs JOIN run_lists USING (run)
WHERE list = ? AND run IN (SELECT max(run) FROM runs GROUP BY account) ORDER BY 1"""
_LABELS = """
SELECT account FROM accounts UNION SELECT account FROM identities UNION SELECT account FROM lists
UNION SELECT account FROM contents EXCEPT SELECT account FROM runs ORDER BY 1"""
_RUNS = "SELECT run FROM changes UNION SELECT run FROM run_lists EXCEPT SELECT run FROM runs ORDER BY 1"


def damages(database: sqlite3.Connection) -> Iterator[str]:
    """Yield what SQLite finds wrong in the file, such as an index that does not agree with its table."""
    for (what,) in database.execute("PRAGMA integrity_check"):
        if what != "ok":
            yield f"the file is damaged: {what}"


def changed_objects(database: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Yield (name, what) of each table, view and trigger that is not the one that sync creates."""
    found = _objects(database)
    with closing(sqlite3.connect(":memory:")) as fresh:
        create_tables(fresh)
        expected = _objects(fresh) | {name: view_sql(name) for name in VIEWS}
        for name in _tables(fresh):
            if _columns(database, name) != _columns(fresh, name):
                yield name, "the columns of the table are not those that sync creates"
    for name in sorted({*expected, *(name for name, sql in found.items() if sql.startswith("CREATE TRIGGER"))}):
        kind = "trigger" if (found.get(name) or expected[name]).startswith("CREATE TRIGGER") else "view"
        if name not in found:
            yield name, f"the {kind} is missing"
        elif name not in expected:
            yield name, f"sync did not create this {kind}"
        elif found[name] != expected[name]:
            yield name, f"the {kind} is not the one that this release creates"


def changed_states(database: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
    """Yield (account, list, what) of each state that does not agree with the record of the latest run."""
    for (account,) in database.execute(_LATEST + _TIMES):
        yield account, "accounts", "the time of the latest complete sync does not agree with the record of its run"
    for account, list_ in database.execute(_LATEST + _COUNTS):
        yield account, list_, "the server's count does not agree with the record of the latest run"
    for account, digest in database.execute(_STATES, (STATE,)):
        if state_of(database, account) != digest:
            yield account, "accounts", "the times, the credentials or the lists of the account were edited"
    for (account,) in database.execute(_LABELS):
        yield account, "accounts", "no run of sync created this account"
    for (run,) in database.execute(_RUNS):
        yield "", "runs", f"there are changes or counts of run {run}, but no such run"
    for table in ROW_TABLES:
        statement = f"SELECT DISTINCT account FROM {table.name} EXCEPT SELECT account FROM accounts"  # noqa: S608
        for (account,) in database.execute(statement):
            yield account, table.name, "the table accounts does not have this account"


def _objects(database: sqlite3.Connection) -> dict[str, str]:
    return dict(database.execute("SELECT name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger')"))


def _tables(database: sqlite3.Connection) -> list[str]:
    return [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]


def _columns(database: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    return database.execute(f"PRAGMA table_xinfo({table})").fetchall()
