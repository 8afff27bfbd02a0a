"""The database of `sync`: the rows of an account and the state of each list. All functions block."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

import attrs

from aiozbilling.export.disk import Disk
from aiozbilling.export.sqlite import database_failures_named
from aiozbilling.records.texts import time_text
from aiozbilling.sync.layout import Cell, LedgerTable, Row
from aiozbilling.sync.rows import Counts, Run, mark_missing, store_rows
from aiozbilling.sync.runs import ListCounts, begin_run, end_run, end_run_of_dead_process
from aiozbilling.sync.schema import opened

__all__ = ["Ledger", "ListState", "System"]

System: TypeAlias = Literal["aioz", "b3os", "metered"]
# A condition on rows of the table identities: the account has rows of the system.
_HAS_ROWS: dict[System, str] = {
    "aioz": "account IN (SELECT account FROM contents WHERE list IN ('top_ups', 'history') AND rows > 0)",
    "b3os": "account IN (SELECT account FROM contents WHERE list = 'cu_months' AND rows > 0)",
    "metered": "account IN (SELECT account FROM contents WHERE list = 'metered_periods' AND rows > 0)",
}
_failures_named = partial(database_failures_named, hint="Fix the cause and sync again: it resumes where it ended")


@attrs.frozen(kw_only=True)
class ListState:
    """How much of a list of an account is stored.

    Attributes:
        grows_at: the end at which new rows appear, or None if unknown.
        total: the server's count when the list was last read.
        known: keys of the list's first rows when it was last complete; empty if it never was.
        place: text of the cursor after the list's last row when it was last complete.
        unfinished: text of the cursor of an interrupted reading.
        excess: number of rows that the server counts but does not return, such as null rows.
        is_settled: whether the last whole reading added up.
        collapsed_at: when the list was first found much shorter than the stored one.
        uncredited_from: position from which old uncredited top-ups are read next.
    """

    grows_at: Literal["head", "tail"] | None = None
    total: int = 0
    known: tuple[str, ...] = ()
    place: str | None = None
    unfinished: str | None = None
    excess: int = 0
    is_settled: bool = False
    collapsed_at: str | None = None
    uncredited_from: int = 0


class Ledger:
    """One account in the database. Each method that stores something is one transaction."""

    def __init__(self, disk: Disk, path: Path, account: str, clock: Callable[[], datetime]) -> None:
        self.path = path
        self.account = account
        self.clock = clock
        self._run = Run(0, "")
        with _failures_named(path):
            self._database = opened(disk, path)
        try:
            with self._transaction() as database:
                end_run_of_dead_process(database)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @property
    def salt(self) -> bytes:
        """The key for the fingerprints of this ledger."""
        return bytes.fromhex(self.select("SELECT value FROM ledger WHERE name = 'salt'")[0][0])

    def begin(self, host: str) -> None:
        """Begin a run, to which everything belongs that is stored from now on."""
        started_at = time_text(self.clock())
        with self._transaction() as database:
            self._run = begin_run(database, self.account, host, started_at)

    def fail(self, error: BaseException, counts: Mapping[str, ListCounts]) -> None:
        """Record that the run failed."""
        with self._transaction() as database:
            ended_at = time_text(self.clock())
            name = type(error).__name__
            end_run(database, self._run, self.account, "failed", ended_at, error=name, counts=counts)

    def finish(self, counts: Mapping[str, ListCounts], *, has_aioz: bool) -> dict[str, ListCounts]:
        """Record that the run is complete, and count the account's rows."""
        at = time_text(self.clock())
        with self._transaction() as database:
            database.execute("UPDATE accounts SET synced_at = ? WHERE account = ?", (at, self.account))
            if has_aioz:
                database.execute("UPDATE accounts SET aioz_read_at = ? WHERE account = ?", (at, self.account))
            end_run(database, self._run, self.account, "complete", at, counts=counts)
            return {name: self._counted(name, found) for name, found in counts.items()}

    def state(self, table: LedgerTable) -> ListState:
        """Return the state of a list."""
        names = ", ".join(attrs.fields_dict(ListState))
        rows = self.select(f"SELECT {names} FROM lists WHERE account = ? AND list = ?", self.account, table.name)  # noqa: S608
        if not rows:
            return ListState()
        fields: dict[str, Any] = dict(zip(attrs.fields_dict(ListState), rows[0], strict=True))
        return ListState(
            **fields | {"known": tuple(json.loads(fields["known"])), "is_settled": bool(fields["is_settled"])}
        )

    def save(self, table: LedgerTable, state: ListState) -> None:
        """Store the state of a list."""
        with self._transaction() as database:
            self._save(database, table, state)

    def store(self, table: LedgerTable, rows: Sequence[Row], state: ListState | None = None) -> Counts:
        """Store rows, and the state of the list with them."""
        with self._transaction() as database:
            counts = store_rows(database, table, self.account, rows, self._run)
            if state is not None:
                self._save(database, table, state)
        return counts

    def settle(self, table: LedgerTable, gone: Sequence[Cell], state: ListState) -> Counts:
        """Store the state of a list that was read to its end, and mark the rows that are not in it."""
        with self._transaction() as database:
            counts = mark_missing(database, table, self.account, gone, self._run)
            self._save(database, table, state)
        return counts

    def replace(self, month: str, found: Mapping[LedgerTable, Sequence[Row]]) -> dict[str, Counts]:
        """Store the current rows of a month, and mark the stored rows that it no longer has as missing."""
        counts = {}
        with self._transaction() as database:
            for table, rows in found.items():
                keys = database.execute(
                    f"SELECT {table.key} FROM {table.name}"  # noqa: S608
                    " WHERE account = ? AND year_month = ? AND missing_since IS NULL",
                    (self.account, month),
                ).fetchall()
                gone = {key for (key,) in keys} - {row[0] for row in rows}
                stored = store_rows(database, table, self.account, rows, self._run)
                missing = mark_missing(database, table, self.account, sorted(gone), self._run)
                counts[table.name] = attrs.evolve(stored, missing=missing.missing)
        return counts

    def present(self, table: LedgerTable) -> int:
        """Count the account's rows that the provider has not removed."""
        statement = f"SELECT count(*) FROM {table.name} WHERE account = ? AND missing_since IS NULL"  # noqa: S608
        return int(self.select(statement, self.account)[0][0])

    def missing_from(self, table: LedgerTable, seen: set[int]) -> list[Cell]:
        """Return the keys of the account's rows whose hashes are not in `seen`. All rows in `seen` must be stored."""
        if self.present(table) == len(seen):
            return []
        statement = f"SELECT {table.key} FROM {table.name} WHERE account = ? AND missing_since IS NULL"  # noqa: S608
        with _failures_named(self.path):
            keys = self._database.execute(statement, (self.account,))
            return [key for (key,) in keys if hash(key) not in seen]

    def select(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with _failures_named(self.path):
            return self._database.execute(statement, values).fetchall()

    def accounts_with(self, system: System, fingerprint: str) -> list[str]:
        """Return the accounts that have rows of a system and these credentials."""
        statement = f"SELECT account FROM identities WHERE system = ? AND fingerprint = ? AND {_HAS_ROWS[system]}"  # noqa: S608
        return [account for (account,) in self.select(statement, system, fingerprint)]

    def accept_identity(self, system: System, fingerprint: str, host: str) -> None:
        """Store that these credentials belong to the account. A new label becomes an account of the ledger.

        Earlier credentials without any rows are removed: nothing proves that they belong to the same account.
        """
        with self._transaction() as database:
            database.execute("INSERT INTO accounts (account) VALUES (?) ON CONFLICT DO NOTHING", (self.account,))
            database.execute(
                f"DELETE FROM identities WHERE account = ? AND system = ? AND NOT {_HAS_ROWS[system]}",  # noqa: S608
                (self.account, system),
            )
            database.execute(
                "INSERT INTO identities VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (self.account, system, fingerprint, host, self._run.number),
            )

    def _counted(self, name: str, found: ListCounts) -> ListCounts:
        statement = f"SELECT count(*), count(missing_since) FROM {name} WHERE account = ?"  # noqa: S608
        stored, removed = self._database.execute(statement, (self.account,)).fetchone()
        return attrs.evolve(found, stored=stored, removed=removed)

    def _save(self, database: sqlite3.Connection, table: LedgerTable, state: ListState) -> None:
        fields = attrs.asdict(state) | {"known": json.dumps(state.known), "is_settled": int(state.is_settled)}
        marks = ", ".join("?" * (len(fields) + 2))
        names = ", ".join(("account", "list", *fields))
        database.execute(
            f"INSERT OR REPLACE INTO lists ({names}) VALUES ({marks})",  # noqa: S608
            (self.account, table.name, *fields.values()),
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _failures_named(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # SQLite itself takes it back if the disk is full
                    self._database.execute("ROLLBACK")
                raise
