"""How a format encodes rows as bytes, and how it makes the complete file of them."""

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
    """The encoding of one format. Every format appends rows to the part file.

    Attributes:
        header: first bytes of the part file.
        encode: returns the bytes of one or more rows. It takes one list of cells for each column.
        sealed: makes the complete file from the part file, syncs it to the disk and returns its path. By default the
            part file is the complete file.
    """

    header: bytes
    encode: Callable[[list[list[Cell]]], bytes]
    sealed: Callable[[Disk, Names], Path] = lambda _disk, names: names.part
