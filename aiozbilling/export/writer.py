"""The writer that holds the rows of an export until the file is complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from aiozbilling.export.checkpoint import Checkpoint, Names
from aiozbilling.export.disk import Disk
from aiozbilling.export.formats import FileFormat, encoding
from aiozbilling.export.part import PartFile
from aiozbilling.tables.columns import Cell
from aiozbilling.tables.table import Table

__all__ = ["Writer", "writer_of"]


class Writer(Protocol):
    """Holds rows, durable up to the latest commit."""

    def open(self, checkpoint: Checkpoint) -> Checkpoint:
        """Resume after a checkpoint, or after a later one that is kept with the rows."""
        ...

    def encode(self, cells: list[list[Cell]]) -> Any:
        """Encode cells, passed column by column, for `append`. This only computes; all other methods block."""
        ...

    def append(self, encoded: Any) -> None:
        """Write rows; they may be lost until `commit`."""
        ...

    def commit(self, checkpoint: Checkpoint) -> Checkpoint:
        """Write rows and checkpoint to the disk durably."""
        ...

    def seal(self) -> Path:
        """Make the complete file durable on the disk."""
        ...

    def close(self) -> None:
        """Close the files; it may be called again."""
        ...


def writer_of(disk: Disk, names: Names, name: FileFormat, table: Table) -> Writer:
    """Return the writer for a format.

    Raises:
        ConfigurationError: the extra that the format needs is not installed.
    """
    if name == "sqlite":
        from aiozbilling.export.sqlite import DatabaseFile

        return DatabaseFile(disk, names, table)
    return PartFile(disk, names, encoding(name, table))
