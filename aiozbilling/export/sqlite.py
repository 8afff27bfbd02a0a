"""SQLite: rows and checkpoint in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aiozbilling.errors import ExportError
from aiozbilling.export.checkpoint import Checkpoint, Names
from aiozbilling.export.disk import Disk
from aiozbilling.tables.columns import Cell, Column
from aiozbilling.tables.texts import decimal_texts, time_texts

__all__ = ["DatabaseFile", "bindable", "column_types", "connect"]

_PROGRESS = "aiozbilling_export"
_LARGEST = 2**63


class DatabaseFile:
    """Rows of an export whose file is an SQLite database."""

    def __init__(self, disk: Disk, names: Names, table: str, columns: tuple[Column, ...]) -> None:
        self._disk = disk
        self._names = names
        self._table = table
        self._columns = columns
        self._database: sqlite3.Connection | None = None

    def open(self, checkpoint: Checkpoint) -> Checkpoint:
        """Go on behind the checkpoint that the database holds."""
        part = self._names.part
        if not self._disk.exists(part):
            if checkpoint.stage == "read":
                raise ExportError(
                    "the rows are gone", path=str(part), hint="Remove .checkpoint beside it to begin anew"
                )
            self._disk.close(self._disk.create(part))
            self._disk.sync_folder(part.parent)
        with _failures_named(part):
            self._database = database = connect(part)
            if checkpoint.stage == "read":
                return checkpoint
            if database.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (_PROGRESS,)).fetchone() is None:
                self._lay_out(database, checkpoint)
            (text,) = database.execute(f"SELECT checkpoint FROM {_PROGRESS}").fetchone()  # noqa: S608 - our own name
        checkpoint = Checkpoint.parse(text.encode(), part)
        if checkpoint.stage == "read":
            checkpoint.save(self._disk, self._names)  # before the database's own is dropped
        return checkpoint

    def encode(self, cells: list[list[Cell]]) -> list[tuple[Cell, ...]]:
        """Make cells that SQLite takes."""
        return list(bindable(self._columns, cells))

    def append(self, encoded: list[tuple[Cell, ...]]) -> None:
        """Insert rows; they may be lost until `commit`."""
        marks = ", ".join("?" * len(self._columns))
        with _failures_named(self._names.part):
            database = self._opened()
            if not database.in_transaction:
                database.execute("BEGIN IMMEDIATE")
            database.executemany(f"INSERT INTO {self._table} VALUES ({marks})", encoded)  # noqa: S608

    def commit(self, checkpoint: Checkpoint) -> Checkpoint:
        """Bring rows and checkpoint to the disk together."""
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
            self._opened().execute(f"DROP TABLE IF EXISTS {_PROGRESS}")
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
        database.execute(f"CREATE TABLE {self._table} ({column_types(self._columns)})")
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


def column_types(columns: tuple[Column, ...]) -> str:
    """Declare columns: amounts and times are text, exact and in order."""
    types = {"text": "TEXT", "int": "INTEGER", "decimal": "TEXT", "time": "TEXT", "bool": "INTEGER"}
    return ", ".join(f"{column.name} {types[column.type]}" for column in columns)


def bindable(columns: tuple[Column, ...], columns_cells: list[list[Cell]]) -> Iterator[tuple[Cell, ...]]:
    """Make rows that SQLite takes of cells given column by column; an integer beyond its 64 bits becomes text."""
    converted: list[Sequence[Cell]] = []
    for column, cells in zip(columns, columns_cells, strict=True):
        if column.type == "decimal":
            converted.append(decimal_texts(cells))
        elif column.type == "time":
            converted.append(time_texts(cells))
        elif column.type == "int":
            converted.append(cells if _fit(cells) else [cell if _fit([cell]) else str(cell) for cell in cells])
        else:
            converted.append(cells)
    return zip(*converted, strict=True)


def _fit(cells: Sequence[int | None]) -> bool:
    numbers = [cell for cell in cells if cell is not None]
    return not numbers or (min(numbers) >= -_LARGEST and max(numbers) < _LARGEST)


@contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ExportError(
            str(error), path=str(path), hint="Mend that and run the same export again: it goes on"
        ) from error
