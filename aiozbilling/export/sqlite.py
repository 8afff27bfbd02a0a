"""SQLite: pages of rows are appended as JSON, and a database is built from them at the end."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from aiozbilling.errors import ExportError
from aiozbilling.export.checkpoint import Names
from aiozbilling.export.disk import Disk
from aiozbilling.export.encoding import Encoding
from aiozbilling.tables.columns import MISFITS, MISFITS_MEANING, Cell, Column
from aiozbilling.tables.table import Table
from aiozbilling.tables.texts import decimal_texts, time_texts

__all__ = ["bindable", "connect", "database_failures_named", "sqlite_encoding", "table_definition"]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[list[Any]])
_LARGEST = 2**63
_SQL_TYPES = {"text": "TEXT", "int": "INTEGER", "decimal": "TEXT", "time": "TEXT", "date": "DATE", "bool": "INTEGER"}


def sqlite_encoding(table: Table) -> Encoding:
    """Return the encoding.

    If the part file were a database, no checkpoint could cover it: a database changes bytes that were written before,
    and SQLite does not notice when a stored value is damaged.
    """
    return Encoding(b"", partial(_line, table.columns), partial(_sealed, table))


def _line(columns: tuple[Column, ...], cells: list[list[Cell]]) -> bytes:
    return _encoder.encode(bindable(columns, cells)) + b"\n"


def _sealed(table: Table, disk: Disk, names: Names) -> Path:
    if disk.exists(names.ready):
        disk.remove(names.ready)
    disk.close(disk.create(names.ready))
    with database_failures_named(names.ready), closing(sqlite3.connect(names.ready, isolation_level=None)) as database:
        _build(database, table, disk, names.part)
    handle = disk.reopen(names.ready)
    try:
        disk.sync(handle)
    finally:
        disk.close(handle)
    disk.sync_folder(names.ready.parent)
    return names.ready


def _build(database: sqlite3.Connection, table: Table, disk: Disk, part: Path) -> None:
    # After a crash the next run builds the file again, so a journal and syncs would only take time.
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    database.execute("BEGIN IMMEDIATE")
    database.execute(table_definition(table))
    marks = ", ".join("?" * (len(table.columns) + 1))
    insert = f"INSERT INTO {table.name} VALUES ({marks})"  # noqa: S608 - our own names
    with disk.reader(part) as file:
        for line in file:
            database.executemany(insert, zip(*_decoder.decode(line), strict=True))
    name, key = table.name, table.key_column
    database.execute("PRAGMA cache_size = -1000")  # the memory for sorting keys, 2 MB by default
    database.execute(f"CREATE UNIQUE INDEX {name}_{key} ON {name} ({key})")
    database.execute("COMMIT")


def connect(path: Path) -> sqlite3.Connection:
    """Open a database in which each transaction begins explicitly, and is on the disk when it ends."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30.0)
    try:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        database.close()
        raise
    return database


def table_definition(table: Table) -> str:
    """Return the CREATE TABLE statement, with the meaning of each column.

    Amounts and times are text. Amounts are exact, and times are in order when sorted as text.
    """
    lines = [f"  {column.name} {_SQL_TYPES[column.type]}, -- {column.meaning}" for column in table.columns]
    return f"CREATE TABLE {table.name} (\n" + "\n".join(lines) + f"\n  {MISFITS} TEXT -- {MISFITS_MEANING}\n)"


def bindable(columns: tuple[Column, ...], cells: list[list[Cell]]) -> list[Sequence[Cell]]:
    """Return cells, which are passed column by column, as columns of values that SQLite stores exactly.

    SQLite would round an integer beyond 64 bits. Such a value is NULL in its column, and exact text in `misfits`, the
    last column.
    """
    misfits: dict[int, dict[str, str]] = {}
    converted = [_converted(column, cells_, misfits) for column, cells_ in zip(columns, cells, strict=True)]
    texts = [json.dumps(misfits[i]) if i in misfits else None for i in range(len(cells[0]))]
    return [*converted, texts]


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
def database_failures_named(path: Path, hint: str = "Fix this and run it again to resume") -> Iterator[None]:
    """Turn an error of SQLite into an ExportError with a hint."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            hint = "Use another file, or restore a copy of it"
        raise ExportError(str(error), path=str(path), hint=hint) from error
