"""Reads an unusual or large page row by row. Only unusual rows need the slow path, and no step takes long.

msgspec holds the interpreter's lock while it decodes. Decoding a body of 64 MiB at once would block the event loop,
even in a thread. The body is therefore cut between rows into slices, each of which takes a few milliseconds.

The body is cut at ``},{`` without parsing it first. This is safe: if ``[a]`` and ``[b]`` are valid JSON, ``[a,b]`` is
the list of both; a cut inside a row produces an invalid slice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

import msgspec

from aiozbilling.errors import DecodeError
from aiozbilling.exchange.compiled import rows_decoder
from aiozbilling.exchange.structure import MOST_BAD_ITEMS, parse, structure
from aiozbilling.exchange.validation import bounded

__all__ = ["Parts", "parts_of", "rows_of"]

T = TypeVar("T")
_SLICE = 32 * 1024
_LONGEST_ROW = 512 * 1024
# Freeing the records of a page blocks the event loop, too: 10,000 rows take about 12 ms.
_MOST_ROWS = 40_000
_LONGEST_ENVELOPE = 64 * 1024  # before and after the list
_BETWEEN_ROWS = re.compile(rb"[}l](\s*,\s*)(?=[{n])")  # an object or null, on both sides
_UNDECIDED = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
_raw_rows: Callable[[bytes], list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Parts(NamedTuple):
    """A page in two parts: its JSON with an empty list, and the bytes between the brackets of the list."""

    envelope: bytes
    listed: memoryview


def parts_of(body: bytes, name: str) -> Parts | None:
    """Split a page at the list with this name, or return None if it is not certain where the list is."""
    key = b'"%s"' % name.encode()
    found = re.compile(re.escape(key) + rb"\s*:\s*\[").search(body, 0, _LONGEST_ENVELOPE)
    if found is None:
        return None
    begin, end = found.end(), body.rfind(b"]")
    if end < begin or len(body) - end > _LONGEST_ENVELOPE:
        return None
    # This is the only key with the name of the list, and no escape can hide another one, so the list is the right one.
    before, after = body[:begin], body[end:]
    if b"\\" in before or b"\\" in after or key in after:
        return None
    return Parts(before + after, memoryview(body)[begin:end])


def rows_of(parts: Parts, kind: type[T], *, path: str, clean: Callable[[str], str]) -> list[T | None]:
    """Return the rows of a list.

    Raises:
        DecodeError: rows are invalid; it describes every invalid field of the first ones.
    """
    reader = _Reader(kind, path, clean)
    for piece in _slices(parts.listed):
        reader.read(piece)
        if len(reader.problems) >= MOST_BAD_ITEMS:
            break
        if len(reader.rows) > _MOST_ROWS:
            raise DecodeError([f"the list has more than {_MOST_ROWS} rows: request smaller pages"])
    if reader.problems:
        raise DecodeError(bounded([problem for row in reader.problems for problem in row]))
    return reader.rows


class _Reader(Generic[T]):
    """The rows and the problems so far; `problems` has an entry for each invalid row."""

    def __init__(self, kind: type[T], path: str, clean: Callable[[str], str]) -> None:
        self.rows: list[T | None] = []
        self.problems: list[tuple[str, ...]] = []
        self._kind = kind
        self._path = path
        self._clean = clean
        self._decode = rows_decoder(kind)

    def read(self, piece: bytes) -> None:
        try:
            self.rows += self._decode(piece)
        except _UNDECIDED:
            for row in _raw(piece):
                self._read_row(row)
                if len(self.problems) == MOST_BAD_ITEMS:
                    return

    def _read_row(self, row: bytes) -> None:
        try:
            self.rows += self._decode(b"[%b]" % row)
        except _UNDECIDED:
            self.rows.append(self._structured(row))

    def _structured(self, row: bytes) -> T | None:
        try:
            path = f"{self._path}[{len(self.rows)}]"
            return structure(parse(row), self._kind, path=path, clean=self._clean)
        except DecodeError as error:
            if error.malformed:
                raise
            self.problems.append(error.problems)
            return None


def _raw(piece: bytes) -> list[bytes]:
    try:
        return [bytes(raw) for raw in _raw_rows(piece)]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise DecodeError(["the body is not JSON"], malformed=True) from None


def _slices(listed: memoryview) -> Iterator[bytes]:
    begin, end = 0, len(listed)
    while end - begin > _SLICE:
        cut = _BETWEEN_ROWS.search(listed, begin + _SLICE, begin + _SLICE + _LONGEST_ROW)
        if cut is None:
            break
        yield b"[%b]" % listed[begin : cut.start(1)].tobytes()
        begin = cut.end()
    if end - begin > _SLICE + _LONGEST_ROW:
        raise DecodeError([f"a row of the list is longer than {_LONGEST_ROW} bytes"])
    yield b"[%b]" % listed[begin:].tobytes()
