"""How a format encodes rows as bytes to append, and how it makes the complete file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from aiozbilling.export.checkpoint import Names
from aiozbilling.export.disk import Disk
from aiozbilling.tables.columns import Cell

__all__ = ["Encoding"]


@attrs.frozen
class Encoding:
    """A format that is written by appending.

    Attributes:
        header: the first bytes of the file.
        encode: returns the bytes of one or more rows; the cells are passed column by column.
        sealed: makes the complete file from the part file, syncs it to the disk and returns its name.
    """

    header: bytes
    encode: Callable[[list[list[Cell]]], bytes]
    sealed: Callable[[Disk, Names], Path] = lambda _disk, names: names.part
