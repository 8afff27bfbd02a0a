"""Prints a command's output to stdout in the requested format."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from aiozbilling.cli.failures import OutputClosedError, OutputFailedError
from aiozbilling.records.texts import printable

if TYPE_CHECKING:
    from aiozbilling.cli.screen import Drawn, Screen
    from aiozbilling.tables.columns import By, Column

__all__ = ["Drawing", "Format", "Lines", "chosen", "printer", "wrapped", "write"]

_ATOMIC = 4096  # a pipe that is ready accepts this many bytes without blocking (PIPE_BUF)


Format: TypeAlias = Literal["table", "json", "jsonl", "csv"]


def chosen(wanted: Format | None) -> Format:
    """Return the requested format; the default is a table on a terminal and CSV elsewhere."""
    return wanted or ("table" if sys.stdout.isatty() else "csv")


async def write(output: bytes) -> None:
    """Write to stdout at the pace of its reader, while the event loop keeps running.

    Raises:
        OutputClosedError: the reader closed the pipe.
        OutputFailedError: the output can't be written, for example because the disk is full.
    """
    try:
        descriptor = sys.stdout.fileno()
        while output:
            await _ready(descriptor)
            output = output[os.write(descriptor, output[:_ATOMIC]) :]
    except BrokenPipeError:
        raise OutputClosedError from None
    except (OSError, ValueError) as error:
        raise OutputFailedError(f"can't write: {getattr(error, 'strerror', None) or error}", path="stdout") from None


def wrapped(line: str, indent: int) -> str:
    """Break a line between words if it is wider than the terminal; a pipe or a file gets it unchanged.

    Continuation lines are indented by `indent`. A word that is too wide, such as a hash, is not broken, to be copied.
    """
    if not sys.stdout.isatty():
        return line
    room = max(shutil.get_terminal_size().columns - indent, 20)
    parts = textwrap.wrap(line[indent:], room, break_long_words=False, break_on_hyphens=False)
    return line[:indent] + ("\n" + " " * indent).join(parts)


async def _ready(descriptor: int) -> None:
    # A reader that pauses, such as a pager, must not stop the loop: requests in flight would time out.
    import asyncio

    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_writer(descriptor, ready.set)
    except (OSError, NotImplementedError):
        return  # a file is always ready; Windows has no add_writer
    try:
        await ready.wait()
    finally:
        with contextlib.suppress(OSError):
            loop.remove_writer(descriptor)


class Table(Protocol):
    """Draws records of one kind for people."""

    def body(self, records: Sequence[Any]) -> Iterable[Drawn]:
        """Draw more records, at least one."""
        ...

    def foot(self, total: int | None) -> Iterable[Drawn]:
        """Draw the lines below the table; the server has `total` records."""
        ...


class Lines:
    """Prints records in one of the formats for programs; `flat` returns the rows of cells of a record."""

    def __init__(
        self, format_: Format, columns: Sequence[Column], flat: Callable[[Any], Iterable[tuple[Any, ...]]]
    ) -> None:
        self._format = format_
        self._columns = columns
        self._flat = flat
        self._begun = False

    async def add(self, records: Sequence[Any]) -> None:
        """Print more records, at least one."""
        from aiozbilling.tables.texts import csv_lines, jsonl_lines

        encode = csv_lines if self._format == "csv" else jsonl_lines
        lines = encode(self._columns, [row for record in records for row in self._flat(record)])
        if self._format == "json":  # commas between the lines of JSON Lines make an array of them
            lines = lines.rstrip(b"\n").replace(b"\n", b",\n")
        if lines:
            await write(_for_terminal(self._begin() + lines))

    async def end(self, total: int | None = None) -> None:  # noqa: ARG002 - only tables show it
        """Print the end of the data, and the header if there was no row."""
        if self._format == "json":
            await write(b"\n]\n" if self._begun else b"[]\n")
        elif not self._begun:
            await write(self._begin())

    def _begin(self) -> bytes:
        from aiozbilling.tables.texts import csv_header

        begun, self._begun = self._begun, True
        if self._format == "json":
            return b",\n" if begun else b"[\n"
        return csv_header(self._columns) if self._format == "csv" and not begun else b""


def _for_terminal(lines: bytes) -> bytes:
    """Make control characters from a server harmless on a terminal; a pipe or a file gets every byte."""
    if not sys.stdout.isatty():
        return lines
    return "\n".join(map(printable, lines.decode().split("\n"))).encode()


def printer(
    wanted: Format | None, kind: type, table: Callable[[Screen], Table], *, by: By | None = None
) -> Lines | Drawing:
    """Return a printer for one kind of record in the requested format; `by` defines what one row of data describes."""
    format_ = chosen(wanted)
    if format_ != "table":
        from aiozbilling.tables.columns import columns_of, flat

        return Lines(format_, columns_of(kind, by), lambda record: flat(record, by))
    from aiozbilling.cli.screen import Screen

    screen = Screen()
    return Drawing(screen, table(screen))


class Drawing:
    """Prints records as tables for people."""

    def __init__(self, screen: Screen, table: Table) -> None:
        self._screen = screen
        self._table = table

    async def add(self, records: Sequence[Any]) -> None:
        """Print more records, at least one."""
        await write(self._screen.draw(self._table.body(records)))

    async def end(self, total: int | None = None) -> None:
        """Print the lines below the records; the server has `total` of them."""
        await write(self._screen.draw(self._table.foot(total)))
