"""Parquet: pages are appended as Arrow batches, and joined to row groups of one size when all are there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from aiozbilling.errors import ConfigurationError, ExportError
from aiozbilling.export.checkpoint import Names
from aiozbilling.export.disk import Disk, write_all
from aiozbilling.export.formats import Encoding
from aiozbilling.tables.columns import Cell, Column
from aiozbilling.tables.texts import decimal_texts

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    raise ConfigurationError("Parquet needs pyarrow: pip install 'aiozbilling[parquet]'") from None

__all__ = ["ROW_GROUP", "parquet_encoding"]

ROW_GROUP = 1 << 14  # rows; the same however the pages fell, so that the same rows make the same bytes
_TEXT_OF = "text of "
_FEW_VALUES = {"token", "denom", "sender", "recipient"}  # a dictionary of the other columns' values only takes time
_DIGITS = 38  # of decimal128, the widest that all readers know


def parquet_encoding(columns: tuple[Column, ...]) -> Encoding:
    """Give the encoding.

    A number that decimal128 doesn't hold waits as text beside its column, which then becomes text in the file: nothing
    is lost, whatever the provider sends.
    """
    waiting = pa.schema([(column.name, _type(column)) for column in columns])
    for column in columns:
        if column.type == "decimal":
            waiting = waiting.append(pa.field(_TEXT_OF + column.name, pa.string()))
    return Encoding(waiting.serialize().to_pybytes(), partial(_batch, columns, waiting), partial(_sealed, columns))


def _type(column: Column) -> Any:
    if column.type == "time":
        return pa.timestamp("us", "UTC")
    if column.type == "decimal":
        return pa.decimal128(_DIGITS, column.scale)
    return {"text": pa.string(), "int": pa.int64(), "bool": pa.bool_()}[column.type]


def _batch(columns: tuple[Column, ...], schema: Any, cells: list[list[Cell]]) -> bytes:
    arrays, texts = [], []
    for column, field, cells_ in zip(columns, schema, cells, strict=False):
        try:
            array, text = pa.array(cells_, field.type), None
        except OverflowError:
            raise ExportError(
                f"a number in {column.name} is beyond 64 bits", hint="Export to csv, jsonl or sqlite, which hold it"
            ) from None
        except pa.ArrowInvalid:
            array, text = pa.nulls(len(cells_), field.type), pa.array(decimal_texts(cells_), pa.string())
        arrays.append(array)
        if column.type == "decimal":
            texts.append(pa.nulls(len(cells_), pa.string()) if text is None else text)
    content: bytes = pa.RecordBatch.from_arrays(arrays + texts, schema=schema).serialize().to_pybytes()
    return content


def _sealed(columns: tuple[Column, ...], disk: Disk, names: Names) -> Path:
    texts: set[str] = set()
    while True:
        if disk.exists(names.ready):
            disk.remove(names.ready)
        handle = disk.create(names.ready)
        sink = _Sink(disk, handle)
        try:
            misfit = _join(columns, texts, disk, names, sink)
            disk.sync(handle)
        finally:
            sink.shut()
            disk.close(handle)
        if misfit is None:
            disk.sync_folder(names.ready.parent)
            return names.ready
        texts.add(misfit)


def _join(columns: tuple[Column, ...], texts: set[str], disk: Disk, names: Names, sink: _Sink) -> str | None:
    """Write all rows, or name a column that has to be text."""
    titles = [column.name for column in columns]
    numbers = [column.name for column in columns if column.type == "decimal"]
    few: Any = [name for name in titles if name in _FEW_VALUES]
    writer = None
    try:
        for group in _groups(disk, names.part):
            misfit = next((name for name in numbers if name not in texts and _beside(group, name)), None)
            if misfit is not None:
                return misfit
            arrays = [_as_text(group, name) if name in texts else group.column(name) for name in titles]
            table = pa.Table.from_arrays(arrays, titles)
            if writer is None:
                writer = pq.ParquetWriter(sink, table.schema, compression="zstd", use_dictionary=few)
            writer.write_table(table, row_group_size=ROW_GROUP)
        if writer is not None:
            writer.close()
    finally:
        sink.shut()
        if writer is not None:
            writer.close()  # else its end, at any time, would write to a handle that may be another file's
    return None


def _beside(group: Any, name: str) -> bool:
    """Tell whether there are numbers that wait as text."""
    texts = group.column(_TEXT_OF + name)
    return bool(texts.null_count < len(texts))


def _as_text(group: Any, name: str) -> Any:
    texts = group.column(_TEXT_OF + name).to_pylist()
    fitting = decimal_texts(group.column(name).to_pylist())
    return pa.array([fits if text is None else text for fits, text in zip(fitting, texts, strict=True)], pa.string())


def _groups(disk: Disk, part: Path) -> Iterator[Any]:
    """Give the rows as tables of `ROW_GROUP` rows, the last with fewer; one without rows where there are none."""
    with disk.reader(part) as file, pa.ipc.open_stream(file) as batches:
        waiting: list[Any] = []
        count = 0
        for came in batches:
            batch = came
            while count + batch.num_rows >= ROW_GROUP:
                taken = ROW_GROUP - count
                yield _table([*waiting, batch.slice(0, taken)], batches.schema)
                batch, waiting, count = batch.slice(taken), [], 0
            if batch.num_rows:
                waiting.append(batch)
                count += batch.num_rows
        yield _table(waiting, batches.schema)


def _table(batches: list[Any], schema: Any) -> Any:
    # In one piece: the writer's pages follow the pieces, and those follow how the rows came.
    return pa.Table.from_batches(batches, schema).combine_chunks()


class _Sink:
    """Let pyarrow write by way of the disk."""

    closed = False

    def __init__(self, disk: Disk, handle: int) -> None:
        self._disk = disk
        self._handle = handle
        self._place = 0
        self._shut = False

    def shut(self) -> None:
        self._shut = True

    def write(self, content: Any) -> int:
        chunk = bytes(content)
        if not self._shut:
            write_all(self._disk, self._handle, chunk)
        self._place += len(chunk)
        return len(chunk)

    def tell(self) -> int:
        return self._place

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False
