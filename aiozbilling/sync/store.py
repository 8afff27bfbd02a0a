"""The database's side of `sync`: what is stored of an account, and how far each list is. All of it blocks."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NoReturn

import attrs

from aiozbilling.errors import ExportError
from aiozbilling.export.disk import Disk
from aiozbilling.export.sqlite import bindable
from aiozbilling.records import MonthUsage
from aiozbilling.sync.schema import opened, upsert
from aiozbilling.tables.columns import cells_of, columns
from aiozbilling.tables.table import HISTORY, TOP_UPS, Table
from aiozbilling.tables.texts import time_text

__all__ = ["Ledger", "Standing"]


@attrs.frozen(kw_only=True)
class Standing:
    """How far a list of an account is stored.

    Attributes:
        grows_at: the end where new rows come in, or None where that is not known.
        total: rows by the server's count when it was last complete.
        known: keys of the list's first rows when it was last complete; empty if it never was.
        place: text of the cursor behind its last row then.
        unfinished: text of the cursor of a reading that was interrupted.
    """

    grows_at: Literal["head", "tail"] | None = None
    total: int = 0
    known: tuple[str, ...] = ()
    place: str | None = None
    unfinished: str | None = None


@attrs.frozen
class Stored:
    """How many records were new, how many known ones changed, and how far the list is now."""

    new: int
    changed: int
    standing: Standing


class Ledger:
    """One account in the database. Every method that stores is one transaction."""

    def __init__(self, disk: Disk, path: Path, account: str) -> None:
        self._path = path
        self._account = account
        with _failures_named(path):
            self._database = opened(disk, path)
        try:
            with self._transaction() as database:
                database.execute("INSERT INTO accounts (account) VALUES (?) ON CONFLICT DO NOTHING", (account,))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def standing(self, table: Table) -> Standing:
        """Tell how far a list is."""
        with _failures_named(self._path):
            row = self._database.execute(
                "SELECT grows_at, total, known, place, unfinished FROM lists WHERE account = ? AND list = ?",
                (self._account, table.name),
            ).fetchone()
        if row is None:
            return Standing()
        return Standing(grows_at=row[0], total=row[1], known=tuple(json.loads(row[2])), place=row[3], unfinished=row[4])

    def count(self, table: Table) -> int:
        """Count the account's rows."""
        with _failures_named(self._path):
            statement = f"SELECT count(*) FROM {table.name} WHERE account = ?"  # noqa: S608
            (count,) = self._database.execute(statement, (self._account,)).fetchone()
        return int(count)

    def knows(self, table: Table, records: Sequence[Any]) -> bool:
        """Tell whether any of these records is stored."""
        key = table.columns[0].name
        statement = f"SELECT 1 FROM {table.name} WHERE account = ? AND {key} = ?"  # noqa: S608
        with _failures_named(self._path):
            return any(
                self._database.execute(statement, (self._account, cells[0])).fetchone()
                for cells in bindable(table.columns, table.cells(records))
            )

    def refuse_another(self, table: Table) -> NoReturn:
        """Say that the server's list is not the one that is stored."""
        stored = self.count(table)
        raise ExportError(
            f"none of the {stored} {table.name} that are stored as account {self._account!r} is in the server's list",
            path=str(self._path),
            hint="If this is another account, give it a label of its own (account=, --account)",
        )

    def store(self, table: Table, records: Sequence[Any], standing: Standing, *, counted: bool = False) -> Stored:
        """Store records and how far the list is with them; if `counted`, its total grows by those that are new."""
        insert, update = upsert(table.name, ("account", table.columns[0].name), table.columns)
        rows = [(self._account, *cells) for cells in bindable(table.columns, table.cells(records))]
        with self._transaction() as database:
            new = _changes(database, insert, rows)
            changed = _changes(database, update, rows) if new < len(rows) else 0
            if counted:
                standing = attrs.evolve(standing, total=standing.total + new)
            database.execute(
                "INSERT OR REPLACE INTO lists VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    self._account,
                    table.name,
                    standing.grows_at,
                    standing.total,
                    json.dumps(standing.known),
                    standing.place,
                    standing.unfinished,
                ),
            )
        return Stored(new, changed, standing)

    def store_month(self, month: MonthUsage, read_at: datetime) -> None:
        """Store the month as it stands now, once a day."""
        cells = next(iter(bindable(columns(MonthUsage), cells_of(MonthUsage)([month]))))
        row = (self._account, read_at.astimezone(UTC).date().isoformat(), time_text(read_at), *cells)
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO months VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def finish(self, at: datetime) -> dict[str, int]:
        """Note that all is stored, and count the account's rows."""
        with self._transaction() as database:
            database.execute("UPDATE accounts SET synced_at = ? WHERE account = ?", (time_text(at), self._account))
            return {table.name: self.count(table) for table in (TOP_UPS, HISTORY)}

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _failures_named(self._path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


def _changes(database: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
    before = database.total_changes
    database.executemany(statement, rows)
    return database.total_changes - before


@contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ExportError(str(error), path=str(path), hint="Mend that and sync again: it goes on") from error
