"""The file formats of an export, by name and by suffix."""

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
    """Return the format that `name` names; without a name, the suffix decides. FOCUS is CSV or Parquet.

    Raises:
        ConfigurationError: neither the name nor the suffix is known.
    """
    found = _SUFFIXES.get(path.suffix.lower()) if name in (None, "focus") else _SUFFIXES.get(f".{name.lower()}")
    if found is None:
        known = ", ".join(get_args(Format))
        what = f"{name!r} is" if name not in (None, "focus") else f"the suffix of {path.name!r} names"
        workbook = "; `aiozbilling report` writes a workbook" if path.suffix.lower() == ".xlsx" else ""
        raise ConfigurationError(f"{what} no known format: choose one of {known}{workbook}")
    if name == "focus" and found not in ("csv", "parquet"):
        raise ConfigurationError(f"format='focus' writes CSV or Parquet: the suffix of {path.name!r} is neither")
    return found


def encoding(name: FileFormat, table: Table) -> Encoding:
    """Return the encoding of a format.

    Raises:
        ConfigurationError: the extra that the format needs is not installed.
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
