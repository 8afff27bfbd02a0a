"""What a format does with rows: bytes that can be appended, and the complete file made of them."""

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
        encode: returns the bytes of rows, at least one, whose cells are given column by column.
        sealed: makes the complete file of the part file, syncs it to the disk and returns its name.
    """

    header: bytes
    encode: Callable[[list[list[Cell]]], bytes]
    sealed: Callable[[Disk, Names], Path] = lambda _disk, names: names.part
