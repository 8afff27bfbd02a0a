"""Rows of many accounts as Arrow: the columns of every other format, with the account before them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from aiozbilling.errors import ConfigurationError
from aiozbilling.records import DayUsage, MonthUsage, TopUp
from aiozbilling.tables.columns import Column, cells_of, columns_of
from aiozbilling.tables.texts import decimal_text

try:
    import pyarrow as pa
except ImportError:
    raise ConfigurationError("Arrow needs pyarrow: pip install 'aiozbilling[parquet]'") from None

__all__ = ["MISFITS", "batch", "schema"]

MISFITS = "misfits"
_DIGITS = 38
_KEYS = ("id", "date")


def schema(kind: type[TopUp | DayUsage | MonthUsage]) -> Any:
    """Return the schema of a table: `account`, the columns, and `misfits` for what the columns can't hold."""
    named = [(_name(kind, column), _type(kind, column), column.name not in _KEYS) for column in columns_of(kind)]
    fields = [pa.field(name, type_, nullable=nullable) for name, type_, nullable in named]
    account = pa.field("account", pa.string(), nullable=False)
    return pa.schema([account, *fields, pa.field(MISFITS, pa.string())])


def batch(kind: type[TopUp | DayUsage | MonthUsage], account: str, rows: Sequence[Any]) -> Any:
    """Make a record batch of records of one account."""
    arrays = [pa.array([account] * len(rows), pa.string())]
    misfits: list[dict[str, str]] = [{} for _ in rows]
    for column, cells in zip(columns_of(kind), cells_of(kind)(rows), strict=True):
        typed = [cell and cell.astimezone(UTC).date() for cell in cells] if _is_day(kind, column) else cells
        arrays.append(_array(column, _type(kind, column), typed, misfits))
    arrays.append(pa.array([json.dumps(one) if one else None for one in misfits], pa.string()))
    return pa.RecordBatch.from_arrays(arrays, schema=schema(kind))


def _array(column: Column, type_: Any, cells: Sequence[Any], misfits: list[dict[str, str]]) -> Any:
    """Make an array; what its type can't hold is null in it, and exact text in `misfits`."""
    try:
        return pa.array(cells, type_)
    except (OverflowError, pa.ArrowInvalid):
        fitting = [_fits(cell, type_) for cell in cells]
    for cell, fits, row in zip(cells, fitting, misfits, strict=True):
        if not fits:
            row[column.name] = decimal_text(cell) if column.type == "decimal" else str(cell)
    return pa.array([cell if fits else None for cell, fits in zip(cells, fitting, strict=True)], type_)


def _fits(cell: Any, type_: Any) -> bool:
    try:
        pa.scalar(cell, type_)
    except (OverflowError, pa.ArrowInvalid):
        return False
    return True


def _is_day(kind: type, column: Column) -> bool:
    return kind is DayUsage and column.name == "date"


def _name(kind: type, column: Column) -> str:
    return "day" if _is_day(kind, column) else column.name


def _type(kind: type, column: Column) -> Any:
    if _is_day(kind, column):
        return pa.date32()
    if column.type == "decimal":
        return pa.decimal128(_DIGITS, column.scale)
    return {"text": pa.string(), "int": pa.int64(), "bool": pa.bool_(), "time": pa.timestamp("us", "UTC")}[column.type]
