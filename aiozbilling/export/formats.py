"""The formats of an export: how rows become bytes, and how the complete file is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.export.checkpoint import Names
from aiozbilling.export.disk import Disk
from aiozbilling.tables.columns import Cell, Column
from aiozbilling.tables.texts import csv_header, csv_page, jsonl_page

__all__ = ["Encoding", "Format", "encoding", "format_of"]

Format = Literal["csv", "jsonl", "parquet", "sqlite"]
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
}


@attrs.frozen
class Encoding:
    """Make bytes of rows, to be appended.

    Attributes:
        header: what the file begins with.
        encode: makes the bytes of rows, at least one, of cells given column by column.
        sealed: makes the complete file of the part file, brings it to the disk and names it.
    """

    header: bytes
    encode: Callable[[list[list[Cell]]], bytes]
    sealed: Callable[[Disk, Names], Path] = lambda _disk, names: names.part


def format_of(path: Path, name: str | None) -> Format:
    """Find the format by its name, else by the file's suffix.

    Raises:
        ConfigurationError: neither is known.
    """
    found = _SUFFIXES.get(path.suffix.lower()) if name is None else _SUFFIXES.get(f".{name.lower()}")
    if found is None:
        known = ", ".join(get_args(Format))
        raise ConfigurationError(f"give a format ({known}): {name or path.name!r} names none")
    return found


def encoding(name: Format, columns: tuple[Column, ...]) -> Encoding:
    """Give the encoding of a format that is written by appending.

    Raises:
        ConfigurationError: the extra that it needs is not installed.
    """
    if name == "csv":
        return Encoding(csv_header(columns), partial(csv_page, columns))
    if name == "jsonl":
        return Encoding(b"", partial(jsonl_page, columns))
    from aiozbilling.export.parquet import parquet_encoding

    return parquet_encoding(columns)
