"""SQLite: rows and checkpoint in one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aiozbilling.errors import ExportError
from aiozbilling.export.checkpoint import Checkpoint, Names
from aiozbilling.export.disk import Disk
from aiozbilling.tables.columns import Cell, Column
from aiozbilling.tables.misfits import MISFITS, MISFITS_MEANING
from aiozbilling.tables.table import Table
from aiozbilling.tables.texts import decimal_texts, time_texts

__all__ = ["DatabaseFile", "bindable", "connect", "table_definition"]

_PROGRESS = "aiozbilling_export"
_LARGEST = 2**63
_SQL_TYPES = {"text": "TEXT", "int": "INTEGER", "decimal": "TEXT", "time": "TEXT", "date": "DATE", "bool": "INTEGER"}


class DatabaseFile:
    """Rows of an export whose file is an SQLite database."""

    def __init__(self, disk: Disk, names: Names, table: Table) -> None:
        self._disk = disk
        self._names = names
        self._table = table
        self._database: sqlite3.Connection | None = None

    def open(self, checkpoint: Checkpoint) -> Checkpoint:
        """Resume after the checkpoint that the database holds."""
        part = self._names.part
        if not self._disk.exists(part):
            if checkpoint.stage == "read":
                raise ExportError(
                    "the rows are gone", path=str(part), hint="Remove .checkpoint next to it to start again"
                )
            self._disk.close(self._disk.create(part))
            self._disk.sync_folder(part.parent)
        with _failures_named(part):
            self._database = database = connect(part)
            if checkpoint.stage == "read":
                return checkpoint
            if database.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (_PROGRESS,)).fetchone() is None:
                self._lay_out(database, checkpoint)
            stored = database.execute(f"SELECT CAST(checkpoint AS BLOB) FROM {_PROGRESS}").fetchone()  # noqa: S608 - our own name
        checkpoint = Checkpoint.parse((stored and stored[0]) or b"", part)
        if checkpoint.stage == "read":
            checkpoint.save(self._disk, self._names)  # before the database's own is dropped
        return checkpoint

    def encode(self, cells: list[list[Cell]]) -> list[tuple[Cell, ...]]:
        """Return rows that SQLite takes."""
        return bindable(self._table.columns, cells)

    def append(self, encoded: list[tuple[Cell, ...]]) -> None:
        """Insert rows; they may be lost until `commit`."""
        marks = ", ".join("?" * (len(self._table.columns) + 1))
        with _failures_named(self._names.part):
            database = self._opened()
            if not database.in_transaction:
                database.execute("BEGIN IMMEDIATE")
            database.executemany(f"INSERT INTO {self._table.name} VALUES ({marks})", encoded)  # noqa: S608

    def commit(self, checkpoint: Checkpoint) -> Checkpoint:
        """Write rows and checkpoint to the disk together."""
        with _failures_named(self._names.part):
            database = self._opened()
            if not database.in_transaction:
                database.execute("BEGIN IMMEDIATE")
            database.execute(f"UPDATE {_PROGRESS} SET checkpoint = ?", (checkpoint.text().decode(),))  # noqa: S608
            database.execute("COMMIT")
        if checkpoint.stage == "read":
            checkpoint.save(self._disk, self._names)
        return checkpoint

    def seal(self) -> Path:
        """Make the complete file of it."""
        with _failures_named(self._names.part):
            database, name = self._opened(), self._table.name
            key = self._table.key_column
            database.execute(f"DROP TABLE IF EXISTS {_PROGRESS}")
            database.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {name}_{key} ON {name} ({key})")
        self.close()
        handle = self._disk.reopen(self._names.part)
        try:
            self._disk.sync(handle)
        finally:
            self._disk.close(handle)
        return self._names.part

    def close(self) -> None:
        """Close the database; rows that were not committed are gone."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _lay_out(self, database: sqlite3.Connection, checkpoint: Checkpoint) -> None:
        database.execute("BEGIN IMMEDIATE")
        database.execute(table_definition(self._table))
        database.execute(f"CREATE TABLE {_PROGRESS} (checkpoint TEXT NOT NULL)")
        database.execute(f"INSERT INTO {_PROGRESS} VALUES (?)", (checkpoint.text().decode(),))  # noqa: S608
        database.execute("COMMIT")

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = connect(self._names.part)
        return self._database


def connect(path: Path) -> sqlite3.Connection:
    """Open a database whose transactions are begun by hand and are on the disk when they end."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30.0)
    try:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        database.close()
        raise
    return database


def table_definition(table: Table) -> str:
    """Return the CREATE TABLE statement, with each column's meaning. Amounts and times are text, exact and in order."""
    lines = [f"  {column.name} {_SQL_TYPES[column.type]}, -- {column.meaning}" for column in table.columns]
    return f"CREATE TABLE {table.name} (\n" + "\n".join(lines) + f"\n  {MISFITS} TEXT -- {MISFITS_MEANING}\n)"


def bindable(columns: tuple[Column, ...], cells: list[list[Cell]]) -> list[tuple[Cell, ...]]:
    """Return rows that SQLite takes of cells given column by column.

    SQLite would round an integer beyond 64 bits: it is NULL in its column, and exact text in `misfits`, the last one.
    """
    misfits: dict[int, dict[str, str]] = {}
    converted = [_converted(column, cells_, misfits) for column, cells_ in zip(columns, cells, strict=True)]
    texts = [json.dumps(misfits[i]) if i in misfits else None for i in range(len(cells[0]))]
    return list(zip(*converted, texts, strict=True))


def _converted(column: Column, cells: Sequence[Cell], misfits: dict[int, dict[str, str]]) -> Sequence[Cell]:
    if column.type == "decimal":
        return decimal_texts(cells)
    if column.type == "time":
        return time_texts(cells)
    if column.type == "date":
        return [None if cell is None else cell.isoformat() for cell in cells]
    if column.type != "int" or _fit(cells):
        return cells
    for i, cell in enumerate(cells):
        if not _fit([cell]):
            misfits.setdefault(i, {})[column.name] = str(cell)
    return [cell if _fit([cell]) else None for cell in cells]


def _fit(cells: Sequence[int | None]) -> bool:
    numbers = [cell for cell in cells if cell is not None]
    return not numbers or (min(numbers) >= -_LARGEST and max(numbers) < _LARGEST)


@contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ExportError(
            str(error), path=str(path), hint="Fix this and run the same export again to resume"
        ) from error
