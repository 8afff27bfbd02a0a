"""The schema of the ledger, with a comment on each column."""

from __future__ import annotations

import json
import secrets
import sqlite3
from pathlib import Path

from aiozbilling.errors import ExportError
from aiozbilling.export.disk import Disk
from aiozbilling.export.sqlite import connect
from aiozbilling.sync.layout import ROW_TABLES, LedgerTable
from aiozbilling.sync.migration import migrate
from aiozbilling.sync.views import VIEWS, view_sql

__all__ = ["APPLICATION_ID", "VERSION", "check_version", "create_tables", "opened"]

VERSION = 2
APPLICATION_ID = 0x41494F5A  # "AIOZ"

# Conventions: an amount is exact decimal digits as TEXT, with a rounded REAL column next to it. A time is sortable
# TEXT, ISO 8601 in UTC. A boolean is 0 or 1.
_BOOKKEEPING = """
CREATE TABLE ledger (
  name TEXT PRIMARY KEY,     -- 'salt' keys the fingerprints of credentials; 'views' is the text of the views
  value TEXT NOT NULL
);

CREATE TABLE accounts (
  account TEXT PRIMARY KEY,  -- label that was passed to sync
  synced_at TEXT,            -- end of the latest complete sync, UTC
  aioz_read_at TEXT          -- end of the latest complete sync of the AIOZ lists, UTC
);

-- The credentials of each account. A fingerprint is keyed with the salt and does not reveal the credentials.
CREATE TABLE identities (
  account TEXT NOT NULL,
  system TEXT NOT NULL,            -- 'aioz', 'b3os' or 'metered'
  fingerprint TEXT NOT NULL,       -- of the host and the credentials
  host TEXT NOT NULL,              -- base URL, or base URL and organization
  first_run INTEGER NOT NULL,      -- run that accepted it
  PRIMARY KEY (account, system, fingerprint)
);

-- How much of each list is stored; used by sync only.
CREATE TABLE lists (
  account TEXT NOT NULL,
  list TEXT NOT NULL,              -- 'top_ups' or 'history'
  grows_at TEXT,                   -- 'head' or 'tail'
  total INTEGER NOT NULL,          -- the server's count of rows
  known TEXT NOT NULL,             -- JSON: keys of the list's first rows when it was last complete
  place TEXT,                      -- cursor after the list's last row when it was last complete
  unfinished TEXT,                 -- cursor of an interrupted reading
  excess INTEGER NOT NULL,         -- rows that the server counts but does not return, such as null rows
  is_settled INTEGER NOT NULL,     -- 0: the last whole reading did not add up, so the next run reads everything again
  collapsed_at TEXT,               -- when the list was first found much shorter than the stored one
  uncredited_from INTEGER NOT NULL DEFAULT 0,  -- position from which old uncredited top-ups are read next
  PRIMARY KEY (account, list)
);

-- Rows of each table and account, and the sum (mod 2^256) of their row hashes.
CREATE TABLE contents (
  account TEXT NOT NULL,
  list TEXT NOT NULL,
  rows INTEGER NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (account, list)
);

-- Every run of sync, also those that failed.
CREATE TABLE runs (
  run INTEGER PRIMARY KEY,
  started_at TEXT NOT NULL,        -- UTC
  ended_at TEXT,                   -- UTC; NULL if the process died
  version TEXT NOT NULL,           -- version of aiozbilling
  host TEXT NOT NULL,              -- base URL of each system that was read
  account TEXT NOT NULL,
  result TEXT NOT NULL,            -- 'running', 'complete', 'failed', 'interrupted', 'migrated'
  error TEXT,                      -- class of the error
  chain TEXT                       -- hash of this run's record and of the previous run's chain
);

-- Counts of each list in each run. The list 'state' has only a digest: of the account's times, credentials and lists.
CREATE TABLE run_lists (
  run INTEGER NOT NULL,
  list TEXT NOT NULL,
  rows_read INTEGER NOT NULL,
  new INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  missing INTEGER NOT NULL,        -- rows found removed by the provider
  stored INTEGER NOT NULL,         -- rows of the account after the run, including removed ones
  counted INTEGER,                 -- the server's count of rows
  digest TEXT NOT NULL,            -- contents.digest after the run
  PRIMARY KEY (run, list)
);

-- Every change of a stored row. A new row has no entry: its first_seen_at is the start of its run.
CREATE TABLE changes (
  run INTEGER NOT NULL,
  account TEXT NOT NULL,
  list TEXT NOT NULL,
  key TEXT NOT NULL,
  column TEXT NOT NULL,
  old,
  new
);
CREATE INDEX changes_by_run ON changes (run);
CREATE INDEX changes_by_row ON changes (account, list, key);
CREATE TRIGGER changes_keep BEFORE UPDATE ON changes BEGIN SELECT RAISE(ABORT, 'changes is append-only'); END;
CREATE TRIGGER changes_stay BEFORE DELETE ON changes BEGIN SELECT RAISE(ABORT, 'changes is append-only'); END;
CREATE TRIGGER runs_stay BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'runs is append-only'); END;
"""
_INDEXES = """
CREATE INDEX top_ups_by_time ON top_ups (account, created_at);
CREATE INDEX top_ups_uncredited ON top_ups (account, created_at) WHERE status = 0 AND missing_since IS NULL;
"""
_BOOKKEEPING_COLUMNS = """
  first_seen_at TEXT,              -- start of the run that stored the row, UTC; NULL: stored by a release before 0.2
  changed_at TEXT,                 -- start of the last run that changed the row, UTC
  missing_since TEXT,              -- start of the run that found the row removed by the provider, UTC
  row_hash BLOB NOT NULL,          -- SHA-256 of all cells to the left
"""


def opened(disk: Disk, path: Path) -> sqlite3.Connection:
    """Open the database, or create it, readable by its owner only. A ledger of version 1 is migrated.

    Raises:
        ExportError: it is another kind of database, or a ledger of a newer release.
    """
    if not disk.exists(path):
        disk.close(disk.create(path))
        disk.sync_folder(path.parent)
    database = connect(path)
    try:
        _bring_up_to_date(database, path)
    except BaseException:
        if database.in_transaction:
            database.rollback()
        database.close()
        raise
    return database


def check_version(database: sqlite3.Connection, path: Path) -> int:
    """Return the version of the ledger, 0 for an empty database.

    Raises:
        ExportError: it is another kind of database, or a ledger of a newer release.
    """
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (application,) = database.execute("PRAGMA application_id").fetchone()
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    ours = application == APPLICATION_ID or (
        version == 1 and tables >= {"accounts", "lists", "top_ups", "history", "months"}
    )
    if (tables or version) and not ours:
        raise ExportError(
            f"this is a database of another program (its version is {version})"
            if version
            else "this is a database of another program",
            path=str(path),
            hint="Use another file",
        )
    if version > VERSION:
        raise ExportError(
            f"the ledger has version {version}, but this release supports version {VERSION} at most",
            path=str(path),
            hint="Upgrade aiozbilling",
        )
    return int(version)


def create_tables(database: sqlite3.Connection) -> None:
    """Create the tables of this version in the open transaction."""
    for statement in _statements(_BOOKKEEPING + "".join(map(_create, ROW_TABLES)) + _INDEXES):
        database.execute(statement)
    database.execute("INSERT INTO ledger VALUES ('salt', ?)", (secrets.token_hex(16),))


def _bring_up_to_date(database: sqlite3.Connection, path: Path) -> None:
    if check_version(database, path) == VERSION and _views_are_current(database):
        return
    database.execute("BEGIN IMMEDIATE")
    version = check_version(database, path)
    if version == 0:
        create_tables(database)
    elif version == 1:
        migrate(database, create_tables)
    _renew_views(database)
    database.execute(f"PRAGMA user_version = {VERSION}")
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute("COMMIT")


def _views_are_current(database: sqlite3.Connection) -> bool:
    stored = database.execute("SELECT value FROM ledger WHERE name = 'views'").fetchone()
    found = dict(database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'view'"))
    return stored == (json.dumps(VIEWS),) and all(found.get(name) == view_sql(name) for name in VIEWS)


def _renew_views(database: sqlite3.Connection) -> None:
    stored = database.execute("SELECT value FROM ledger WHERE name = 'views'").fetchone()
    before = json.loads(stored[0]) if stored else {}
    for name in {*before, *VIEWS}:
        database.execute(f"DROP VIEW IF EXISTS {name}")
    for name in VIEWS:
        database.execute(view_sql(name))
    database.execute("INSERT OR REPLACE INTO ledger VALUES ('views', ?)", (json.dumps(VIEWS),))


def _create(table: LedgerTable) -> str:
    columns = "".join(
        f"  {column.name} {column.sql_type},".ljust(36) + (f" -- {column.meaning}" if column.meaning else "") + "\n"
        for column in table.columns
    )
    return (
        f"-- {table.meaning}\nCREATE TABLE {table.name} (\n  account TEXT NOT NULL,\n{columns}"
        f"{_BOOKKEEPING_COLUMNS.lstrip(chr(10))}  PRIMARY KEY (account, {table.key})\n);\n"
    )


def _statements(script: str) -> list[str]:
    """Split a script into statements, because `executescript` would end the open transaction."""
    statements, begun = [], ""
    for line in script.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            statements.append(begun)
            begun = ""
    return statements
