"""Parquet: rows are appended as Arrow batches, and written at the end as row groups of one size."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from aiozbilling.errors import ConfigurationError
from aiozbilling.export.checkpoint import Names
from aiozbilling.export.disk import Disk, write_all
from aiozbilling.export.encoding import Encoding
from aiozbilling.tables.columns import Cell, Column

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    raise ConfigurationError("Parquet needs pyarrow: pip install 'aiozbilling[parquet]'") from None

from aiozbilling.tables.arrow import batch_of_cells, schema_of

__all__ = ["ROW_GROUP", "parquet_encoding"]

ROW_GROUP = 1 << 14  # rows; independent of the page size, so that the same rows always make the same bytes
_FEW_VALUES = {"token", "denom", "sender", "recipient"}  # a dictionary of many values only takes time


def parquet_encoding(columns: tuple[Column, ...], misfits: str) -> Encoding:
    """Return the encoding. Its schema does not depend on the rows (see `tables.arrow`)."""
    return Encoding(schema_of(columns, misfits).serialize().to_pybytes(), partial(_batch, columns, misfits), _sealed)


def _batch(columns: tuple[Column, ...], misfits: str, cells: list[list[Cell]]) -> bytes:
    content: bytes = batch_of_cells(columns, cells, len(cells[0]), misfits).serialize().to_pybytes()
    return content


def _sealed(disk: Disk, names: Names) -> Path:
    if disk.exists(names.ready):
        disk.remove(names.ready)
    handle = disk.create(names.ready)
    sink = _Sink(disk, handle)
    try:
        _join(disk, names, sink)
        disk.sync(handle)
    finally:
        sink.shut()
        disk.close(handle)
    disk.sync_folder(names.ready.parent)
    return names.ready


def _join(disk: Disk, names: Names, sink: _Sink) -> None:
    writer = None
    try:
        for group in _groups(disk, names.part):
            if writer is None:
                few: Any = [name for name in group.schema.names if name in _FEW_VALUES]
                writer = pq.ParquetWriter(sink, group.schema, compression="zstd", use_dictionary=few)
            writer.write_table(group, row_group_size=ROW_GROUP)
        if writer is not None:
            writer.close()
    finally:
        sink.shut()
        if writer is not None:
            writer.close()  # or its finalizer could write to the handle later, when it may belong to another file


def _groups(disk: Disk, part: Path) -> Iterator[Any]:
    """Yield the rows as tables of `ROW_GROUP` rows; the last one has fewer, and is empty if there are no rows."""
    with disk.reader(part) as file, pa.ipc.open_stream(file) as batches:
        waiting: list[Any] = []
        count = 0
        for read in batches:
            batch = read
            while count + batch.num_rows >= ROW_GROUP:
                taken = ROW_GROUP - count
                yield _table([*waiting, batch.slice(0, taken)], batches.schema)
                batch, waiting, count = batch.slice(taken), [], 0
            if batch.num_rows:
                waiting.append(batch)
                count += batch.num_rows
        yield _table(waiting, batches.schema)


def _table(batches: list[Any], schema: Any) -> Any:
    # In one chunk: the pages of the file depend on the chunks, and the chunks on the page size of the list.
    return pa.Table.from_batches(batches, schema).combine_chunks()


class _Sink:
    """A file object for pyarrow that writes through `Disk`."""

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
