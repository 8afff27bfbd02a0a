"""Remembers checksums of the latest rows of a list, so that an incremental run finds corrected rows."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import msgspec

from aiozbilling.fleet.changes import KEY, TIME
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.listing import Listing
from aiozbilling.listing.page import Page
from aiozbilling.records import DayUsage, TopUp

__all__ = ["LatestRows", "differ"]

_KEPT = 256  # rows; an incremental run reads at least the latest 100 again, and a whole page
_CHECKSUMS = struct.Struct("<II")  # one of the id and one of the whole row
_SEVERAL = 10  # rows; fewer may all have been credited between two readings of one account
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_encode = msgspec.json.Encoder().encode


class LatestRows:
    """Watches the rows of listings, and compares them with the checksums of the latest rows of an earlier run.

    Args:
        begin: ``billing.top_ups`` or ``billing.history_usage``.
        checksums: `checksums` of the earlier run; empty if there was none.

    Attributes:
        corrected: number of rows that are not as they were.
        same: number of rows that are as they were; days without a cost, which other accounts also have, don't count.
    """

    def __init__(self, begin: Callable[..., Listing[Any]], checksums: bytes = b"") -> None:
        self._begin = begin
        self._before = dict(_CHECKSUMS.iter_unpack(checksums))
        self._head: list[TopUp | DayUsage] = []
        self._tail: deque[TopUp | DayUsage] = deque(maxlen=_KEPT)
        self.corrected: int = 0
        self.same: int = 0

    def begin(self, **options: Any) -> Listing[Any]:
        """Return a listing that is watched."""
        return _Watched(self._begin(**options), self._seen)

    @property
    def checksums(self) -> bytes:
        """Checksums of the latest rows; empty if the first page of top-ups was not read, as in a resumed export."""
        rows = (*self._tail, *self._head)
        is_resumed = not self._head and not self._before
        if is_resumed and any(isinstance(row, TopUp) for row in rows):  # any days of a history show whose it is
            return b""
        latest = sorted(rows, key=_time, reverse=True)[:_KEPT]
        found = {_key(row): crc32(_encode(row)) for row in latest}
        kept = list((found | {key: one for key, one in self._before.items() if key not in found}).items())[:_KEPT]
        return b"".join(_CHECKSUMS.pack(*pair) for pair in kept)

    def _seen(self, rows: Sequence[TopUp | DayUsage], offset: int) -> None:
        if not offset:
            self._head = list(rows[:_KEPT])
        self._tail.extend(rows[-_KEPT:])
        if self._before:
            for row in rows:
                self._compare(row)

    def _compare(self, row: TopUp | DayUsage) -> None:
        before = self._before.get(_key(row))
        if before is not None:
            is_same = before == crc32(_encode(row))
            self.corrected += not is_same
            self.same += is_same and (isinstance(row, TopUp) or bool(row.total_amount))


def differ(some: bytes, others: bytes) -> bool:
    """Return whether two readings have several rows with the same ids, by their checksums, and all of them differ."""
    known = dict(_CHECKSUMS.iter_unpack(some))
    pairs = [(known[key], other) for key, other in _CHECKSUMS.iter_unpack(others) if key in known]
    return len(pairs) >= _SEVERAL and all(one != other for one, other in pairs)


class _Watched(Listing[Any]):
    """A listing that calls a function with each page before it yields the page."""

    def __init__(self, listing: Listing[Any], seen: Callable[[Sequence[Any], int], object]) -> None:
        self.__dict__.update(listing.__dict__)
        self._seen = seen

    def resumed(self, after: Cursor | str, *, handed_out: int) -> Listing[Any]:
        """Return the rest of the listing, watched."""
        return _Watched(super().resumed(after, handed_out=handed_out), self._seen)

    async def pages(self) -> AsyncGenerator[Page[Any], None]:
        """Iterate the list page by page."""
        # Not super().pages(): at its end, the event loop would close both generators.
        async with aclosing(self.begin()) as reader:
            while (page := await reader.next()) is not None:
                if page.items:
                    self._seen(page.items, page.offset)
                    yield page


def _key(row: TopUp | DayUsage) -> int:
    return crc32(str(KEY[type(row)](row)).encode())


def _time(row: TopUp | DayUsage) -> datetime:
    return TIME[type(row)](row) or _LONG_AGO
