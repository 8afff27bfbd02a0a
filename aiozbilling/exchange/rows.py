"""A page that is odd or large, read row by row: only odd rows take the slow path, and no step takes long.

msgspec holds the interpreter's lock while it decodes, so a body of 64 MiB decoded at once would stop the event loop
although a thread decodes it. Cut between rows into slices, it stops for a few milliseconds at a time.

A body is cut at ``},{`` without reading it before. That is safe: where ``[a]`` and ``[b]`` are valid JSON, ``[a,b]``
is the list of both; a cut within a row leaves a slice that is not valid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import msgspec

from aiozbilling.errors import DecodeError
from aiozbilling.exchange.compiled import row_decoder
from aiozbilling.exchange.structure import MOST_BAD_ITEMS, parse, structure
from aiozbilling.exchange.validation import bounded

__all__ = ["Parts", "parts_of", "rows_of"]

T = TypeVar("T")
_SLICE = 256 * 1024
_LONGEST_ROW = 1024 * 1024
_LONGEST_ENVELOPE = 64 * 1024  # before and after the list
_BETWEEN_ROWS = re.compile(rb"(?<=[}l])\s*,\s*(?=[{n])")  # an object or null, on both sides
_raw_rows: Callable[[bytes], list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Parts(NamedTuple):
    """A page taken apart: its JSON with an empty list, and the bytes between the brackets of its list."""

    envelope: bytes
    listed: memoryview


def parts_of(body: bytes, name: str) -> Parts | None:
    """Take a page apart at the list of this name, or return None where that is not certain to be right."""
    key = b'"%s"' % name.encode()
    found = re.compile(re.escape(key) + rb"\s*:\s*\[").search(body, 0, _LONGEST_ENVELOPE)
    if found is None:
        return None
    begin, end = found.end(), body.rfind(b"]")
    if end < begin or len(body) - end > _LONGEST_ENVELOPE:
        return None
    # The first key is the list's, so with no other one, and no escape that hides one, the empty list is in its place.
    before, after = body[:begin], body[end:]
    if b"\\" in before or b"\\" in after or key in after:
        return None
    return Parts(before + after, memoryview(body)[begin:end])


def rows_of(parts: Parts, kind: type[T], *, path: str, clean: Callable[[str], str]) -> list[T | None]:
    """Return the rows of a list.

    Raises:
        DecodeError: with a sentence for every bad field of the first bad rows.
    """
    decode = row_decoder(kind)
    rows: list[T | None] = []
    problems: list[str] = []
    bad = 0
    for raw in _raw(parts.listed):
        try:
            rows.append(None if raw == b"null" else decode(raw))
        except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
            try:
                rows.append(structure(parse(raw), kind, path=f"{path}[{len(rows)}]", clean=clean))
            except DecodeError as error:
                if error.malformed:
                    raise
                problems += error.problems
                rows.append(None)
                bad += 1
                if bad == MOST_BAD_ITEMS:
                    break
    if problems:
        raise DecodeError(bounded(problems))
    return rows


def _raw(listed: memoryview) -> Iterator[bytes]:
    for part in _slices(listed):
        try:
            raws = _raw_rows(b"".join((b"[", part, b"]")))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise DecodeError(["the body is no JSON"], malformed=True) from None
        yield from map(bytes, raws)


def _slices(listed: memoryview) -> Iterator[memoryview]:
    begin, end = 0, len(listed)
    while end - begin > _SLICE:
        cut = _BETWEEN_ROWS.search(listed, begin + _SLICE, begin + _SLICE + _LONGEST_ROW)
        if cut is None:
            break
        yield listed[begin : cut.start()]
        begin = cut.end()
    if end - begin > _SLICE + _LONGEST_ROW:
        raise DecodeError([f"a row of the list is longer than {_LONGEST_ROW} bytes"])
    yield listed[begin:]
