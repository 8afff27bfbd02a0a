"""Cells as text: CSV and JSON Lines, exact and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from decimal import Decimal

    from aiozbilling.export.columns import Cell, CellType, Column

__all__ = ["csv_header", "csv_lines", "decimal_text", "defused", "jsonl_lines", "time_text"]

# What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection").
_FORMULA = frozenset("=+-@\t\r\n")
_json = msgspec.json.Encoder()


def decimal_text(number: Decimal) -> str:
    """Write a number digit by digit, without an exponent and without zeros at its end: nothing is rounded."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if number else "0"


def time_text(time: datetime) -> str:
    """Write a time in UTC as ISO 8601 with ``Z``."""
    return time.isoformat()[:-6] + "Z"


def defused(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula."""
    return "'" + text if text[:1] in _FORMULA else text


def csv_header(columns: Iterable[Column]) -> bytes:
    """Write the header line."""
    return (",".join(column.name for column in columns) + "\n").encode()


def csv_lines(columns: Sequence[Column], rows: Iterable[tuple[Cell, ...]]) -> bytes:
    """Write rows as CSV lines; None is an empty cell."""
    out = StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(_converted(columns, rows, _CSV))
    return out.getvalue().encode()


def jsonl_lines(columns: Sequence[Column], rows: Iterable[tuple[Cell, ...]]) -> bytes:
    """Write rows as JSON objects, one a line; amounts are text, so that no reader rounds them."""
    names = tuple(column.name for column in columns)
    return _json.encode_lines([dict(zip(names, row, strict=True)) for row in _converted(columns, rows, _JSON)])


def _converted(
    columns: Sequence[Column], rows: Iterable[tuple[Cell, ...]], texts: dict[CellType, Callable[[Any], Any] | None]
) -> Iterable[tuple[Cell, ...]]:
    # Column by column is a fifth quicker than row by row: 7.4 us a top-up, of which the csv module takes 5.
    converted = []
    for column, cells in zip(columns, zip(*rows, strict=True), strict=False):
        text = texts[column.type]
        converted.append(cells if text is None else [None if cell is None else text(cell) for cell in cells])
    return zip(*converted, strict=True)


_JSON: dict[CellType, Callable[[Any], Any] | None] = {
    "text": None,
    "int": None,
    "decimal": decimal_text,
    "time": time_text,
    "bool": None,
}
_CSV: dict[CellType, Callable[[Any], Any] | None] = {
    "text": defused,
    "int": None,
    "decimal": decimal_text,
    "time": time_text,
    "bool": lambda value: "true" if value else "false",
}
