"""The formats of an export, by name and by suffix."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal, get_args

from aiozbilling.errors import ConfigurationError
from aiozbilling.export.encoding import Encoding
from aiozbilling.tables.table import Table
from aiozbilling.tables.texts import csv_header, csv_page, jsonl_page

__all__ = ["FileFormat", "Format", "encoding", "format_of"]

Format = Literal["csv", "jsonl", "parquet", "sqlite", "focus"]
FileFormat = Literal["csv", "jsonl", "parquet", "sqlite"]
_SUFFIXES: dict[str, FileFormat] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
}


def format_of(path: Path, name: str | None) -> FileFormat:
    """Find the format of a file by its name, else by the file's suffix; a file for FOCUS is CSV or Parquet.

    Raises:
        ConfigurationError: neither names one.
    """
    found = _SUFFIXES.get(path.suffix.lower()) if name in (None, "focus") else _SUFFIXES.get(f".{name.lower()}")
    if found is None:
        known = ", ".join(get_args(Format))
        raise ConfigurationError(f"give a format ({known}): {name or path.name!r} names none")
    if name == "focus" and found not in ("csv", "parquet"):
        raise ConfigurationError(f"format='focus' writes CSV or Parquet: {path.name!r} names neither")
    return found


def encoding(name: FileFormat, table: Table) -> Encoding:
    """Return the encoding of a format that is written by appending.

    Raises:
        ConfigurationError: the extra that it needs is not installed.
    """
    columns = table.columns
    if name == "csv":
        return Encoding(csv_header(columns), partial(csv_page, columns))
    if name == "jsonl":
        return Encoding(b"", partial(jsonl_page, columns))
    if name == "sqlite":
        from aiozbilling.export.sqlite import sqlite_encoding

        return sqlite_encoding(table)
    from aiozbilling.export.parquet import parquet_encoding

    return parquet_encoding(columns, table.misfits)
