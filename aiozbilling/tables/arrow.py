"""Records as Arrow: decimal128 amounts, UTC timestamps, dates, and the meaning of each column in its metadata.

The schema of a record class never depends on the rows. If a column can't hold a value (a fraction of an attousd, more
than 38 digits, an integer beyond 64 bits), the value is null there, and exact in the text column `misfits`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Context, Decimal, DecimalException, Inexact, Rounded, localcontext
from functools import lru_cache
from typing import Any

from aiozbilling.errors import ConfigurationError
from aiozbilling.records.texts import decimal_text
from aiozbilling.tables.columns import DIGITS, MISFITS, MISFITS_MEANING, Cell, Column, cells_of, columns_of
from aiozbilling.tables.texts import time_texts

try:
    import pyarrow as pa
except ImportError:
    raise ConfigurationError("Arrow needs pyarrow: pip install 'aiozbilling[parquet]'") from None

__all__ = ["batch_of_cells", "record_batch", "schema", "schema_of", "table_of_batches"]

_DECIMAL = ("decimal", "fraction")
_TIME = ("time", "second")
_SUMS = Context(prec=100, traps=[Inexact, Rounded])


def schema(kind: type) -> Any:
    """Return the pyarrow.Schema of a record class, such as `TopUp` or `DayUsage`."""
    return schema_of(columns_of(kind))


@lru_cache(maxsize=16)  # takes 80 µs, and each page needs it
def schema_of(columns_: tuple[Column, ...], misfits: str = MISFITS) -> Any:
    """Return the pyarrow.Schema of columns, with the column `misfits` at the end."""
    fields = [pa.field(column.name, _type(column), metadata=_metadata(column.meaning)) for column in columns_]
    return pa.schema([*fields, pa.field(misfits, pa.string(), metadata=_metadata(MISFITS_MEANING))])


def record_batch(kind: type, rows: Sequence[Any]) -> Any:
    """Return the pyarrow.RecordBatch of records of one class."""
    return batch_of_cells(columns_of(kind), cells_of(kind)(rows), len(rows))


def table_of_batches(batches: Sequence[Any]) -> Any:
    """Return the pyarrow.Table of record batches of one class."""
    return pa.Table.from_batches(batches)


def batch_of_cells(
    columns_: tuple[Column, ...], cells: Sequence[Sequence[Cell]], rows: int, misfits_name: str = MISFITS
) -> Any:
    """Return the pyarrow.RecordBatch of cells, which are passed column by column."""
    misfits: dict[int, dict[str, str]] = {}
    schema_ = schema_of(columns_, misfits_name)
    arrays = [
        _array(column, type_, cells_, misfits)
        for column, type_, cells_ in zip(columns_, schema_.types[:-1], cells, strict=True)
    ]
    arrays.append(_misfits_array(misfits, rows))
    return pa.RecordBatch.from_arrays(arrays, schema=schema_)


def _array(column: Column, type_: Any, cells: Sequence[Cell], misfits: dict[int, dict[str, str]]) -> Any:
    try:
        array = _times(cells, type_) if column.type in _TIME else pa.array(cells, type_)
    except (OverflowError, pa.ArrowInvalid):
        fitting = [_fits(cell, type_) for cell in cells]
    else:
        if column.type not in _DECIMAL or _have_few_places(cells, column.scale):
            return array
        fitting = [not cell or _fits(cell, type_) for cell in cells]
        if all(fitting):
            return array
    for i, (cell, fits) in enumerate(zip(cells, fitting, strict=True)):
        if not fits:
            misfits.setdefault(i, {})[column.name] = decimal_text(cell) if column.type in _DECIMAL else str(cell)
    return pa.array([cell if fits else None for cell, fits in zip(cells, fitting, strict=True)], type_)


def _misfits_array(misfits: dict[int, dict[str, str]], rows: int) -> Any:
    if not misfits:
        return pa.nulls(rows, pa.string())
    texts = [json.dumps(misfits[i], ensure_ascii=False) if i in misfits else None for i in range(rows)]
    return pa.array(texts, pa.string())


def _times(cells: Sequence[Cell], type_: Any) -> Any:
    # From text it takes half as long as from Python objects.
    return pa.array(time_texts(cells), pa.string()).cast(type_)


def _have_few_places(cells: Sequence[Cell], scale: int) -> bool:
    """Return whether no number has more decimal places than the column, as far as one sum shows it.

    pyarrow (26.0) does not refuse each number that it can't hold: one with more places than the column and more than
    38 digits may become 0 or any other number. An exact sum has as many places as the number with the most, and adding
    takes a quarter of the time of looking at each number.
    """
    with localcontext(_SUMS):
        try:
            total = sum(filter(None, cells), Decimal(0))
        except DecimalException:
            return False
    exponent = total.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -scale


def _fits(cell: Cell, type_: Any) -> bool:
    try:
        return bool(pa.scalar(cell, type_).as_py() == cell)
    except (OverflowError, pa.ArrowInvalid):
        return False


def _type(column: Column) -> Any:
    if column.type in _DECIMAL:
        return pa.decimal128(DIGITS, column.scale)
    return {
        "text": pa.string(),
        "int": pa.int64(),
        "bool": pa.bool_(),
        "time": pa.timestamp("us", "UTC"),
        "second": pa.timestamp("us", "UTC"),
        "date": pa.date32(),
    }[column.type]


def _metadata(meaning: str) -> dict[str, str] | None:
    return {"comment": meaning} if meaning else None
