"""Finds the rows of a list that are new since it was last read.

The list is read once, and the key of each row is remembered as a digest of 8 bytes. A row is new if its key is not
among them, so a row that moves or reappears is not taken for a new one. A poll reads the end at which the list grows.
If the server's count differs from the number of known rows, rows were removed or added elsewhere. If it still differs
at the next poll, the whole list is read.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Generic, TypeVar

import attrs

from aiozbilling.errors import DriftError, IncompleteError
from aiozbilling.listing.cursor import HEAD, Cursor
from aiozbilling.listing.growth import End, growing_end, is_far_shorter
from aiozbilling.listing.known import BEGIN_AGAIN, KnownRows, digest, known_at
from aiozbilling.listing.options import ReadOptions
from aiozbilling.listing.page_size import SIZES, PageSize
from aiozbilling.listing.reader import Reader
from aiozbilling.listing.source import Source, key_text
from aiozbilling.listing.window import Consistency

__all__ = ["Follower"]

R = TypeVar("R")
logger: logging.Logger = logging.getLogger("aiozbilling")

_POLLED_SIZE = 100  # new rows are few, and a poll is frequent
_MARGIN = 10  # known rows that are read again before the last one
_EMPTY_READS = 3  # polls in a row without any row before a list is taken to be empty at the beginning
_READS = 3  # readings, at most, of a list that changes while it is read


@attrs.frozen
class _Part(Generic[R]):
    """Rows that were read together, with the digests of their keys; `is_whole` if they are all rows of the list.

    `first` are those from the first row of the list on, `last` those up to its last row; empty if these were not read.
    `nulls` is the number of null rows between them.
    """

    rows: list[R]
    digests: list[int]
    first: list[R]
    last: list[R]
    total: int
    nulls: int
    is_whole: bool
    consistency: Consistency


@attrs.define
class _Count:
    """What the server counted when the list was last read.

    Attributes:
        total: rows by the server's count.
        excess: rows that the server counts but does not return, such as null rows; below 0 if it counts too few.
        mismatch: how far the count of the last poll was from the expected one.
    """

    total: int
    excess: int
    mismatch: int = 0


@attrs.define(eq=False)
class Follower(Generic[R]):
    """Finds the rows that are new since the last poll.

    Args:
        source: the list.
        page_size: rows of one request; None to find the size that the server takes.
        after: a cursor of `follow`, or of a walk that was finished, to continue from.
    """

    source: Source[R]
    page_size: int | None
    after: Cursor | None = None
    _known: KnownRows = attrs.field(factory=KnownRows, init=False)
    _count: _Count | None = attrs.field(default=None, init=False)  # None before the list was read
    _grows_at: End | None = attrs.field(default=None, init=False)  # None if times don't show it
    # Keys of the list's first and last rows, in list order, as far as the cursor needs them.
    _first: Sequence[Hashable] = attrs.field(default=(), init=False)
    _last: Sequence[Hashable] = attrs.field(default=(), init=False)
    _is_shorter: bool = attrs.field(default=False, init=False)  # at the last poll, than the known rows
    _empty_reads: int = attrs.field(default=0, init=False)

    @property
    def cursor(self) -> Cursor | None:
        """A cursor after the last row that was marked as known; None before the beginning is known."""
        if self._count is None:
            return self.after
        head = tuple(map(key_text, self._known_among(self._first)))
        tail = tuple(map(key_text, self._known_among(reversed(self._last))))[::-1]
        place = (len(self._known) - 1, self._count.total, tail, head)
        return Cursor(self.source.endpoint, "follow", *place, finished=True, sketch=self._known.sketch.as_text())

    @property
    def has_begun(self) -> bool:
        """Whether the beginning is known, so that later rows count as new."""
        return self._count is not None

    @property
    def _is_beginning(self) -> bool:
        return self._count is None and self.after is None

    def mark(self, new: R) -> None:
        """Take a row as known; rows are marked in the order in which `poll` returns them."""
        self._known.add([digest(self.source.key(new))])

    async def poll(self) -> list[R]:
        """Return the rows that are not known, oldest first, without marking them.

        Without a cursor, the first poll returns none: it takes all rows of the list as known.

        Raises:
            DriftError: none of the known rows is in the list any more, or the cursor doesn't show which rows are new.
            IncompleteError: the list is far shorter than before, or than at the cursor.
            AiozBillingError: the list could not be read.
        """
        if self._count is None:
            return await (self._resume(self.after) if self.after is not None else self._begin())
        part = await self._read_ends()
        if part.rows and not part.is_whole and (not self._adds_up(part, self._count) or self._is_shorter):
            part = await self._read()
        if not part.rows:
            return []  # the list may only seem to be empty; in any case there are no new rows
        new = {digest for digest in part.digests if digest not in self._known}
        known = len(part.rows) - len(new)
        # If the total lags, the reading may have ended too early: the next poll decides.
        self._is_shorter, was_shorter = part.is_whole and known < len(self._known), self._is_shorter
        if self._is_shorter and not was_shorter:
            return []
        if len(self._known) and not known:
            raise DriftError("none of the rows known before is in the list any more", hint=BEGIN_AGAIN)
        if part.is_whole and is_far_shorter(known, len(self._known)):
            reason = f"the list had {len(self._known)} rows, and now has {known} of them"
            raise IncompleteError(reason, hint=BEGIN_AGAIN)
        if part.is_whole:
            self._grows_at = self._growing_end(part) or self._grows_at
        news = self._oldest_first(part)
        if part.is_whole:
            self._learn(part, new)
        self._keep_ends(part)
        return news

    # The beginning

    async def _begin(self) -> list[R]:
        empty_reads, self._empty_reads = self._empty_reads, 0  # a poll that fails resets the count
        part = await self._read_steady()
        if not part.rows and len(self._known):
            reason = f"the list is empty now, and had at least {len(self._known)} rows in an earlier poll"
            raise IncompleteError(reason, hint="Read the list again later")
        if not part.rows:
            self._empty_reads = empty_reads + 1
            if self._empty_reads < _EMPTY_READS:
                return []  # a failing server may send an empty reply for a list that has rows
        elif empty_reads:
            logger.warning(
                "following %s: the list seemed to be empty at first; its %d rows count as known",
                self.source.endpoint,
                len(part.rows),
            )
        self._grows_at = self._growing_end(part)
        self._learn(part, set())
        self._keep_ends(part)
        return []

    async def _resume(self, cursor: Cursor) -> list[R]:
        part = await self._read_steady()
        if part.consistency == "changed":
            raise DriftError("the list changes too fast to find the rows of the cursor", hint="Try again later")
        self._grows_at = self._growing_end(part)
        known = known_at(cursor, list(map(self.source.key, part.rows)), self._grows_at)
        new = set(part.digests) - known
        if len(part.rows) - len(new) <= cursor.position and not self._is_shorter:
            self._is_shorter = True
            return []  # the next poll decides, as in `poll`
        self._is_shorter = False
        self._known.add(known)
        news = self._oldest_first(part)
        self._learn(part, new)
        self._keep_ends(part)
        return news

    def _learn(self, part: _Part[R], new: set[int]) -> None:
        """Mark the rows of a reading of the whole list as known, except the new ones."""
        self._known.see_all(set(part.digests) - new)
        # If the server counts more rows than these, they were added meanwhile, and the next polls find them.
        self._count = _Count(part.total, min(part.total - len(part.rows), part.nulls))

    def _keep_ends(self, part: _Part[R]) -> None:
        """Keep enough keys from both ends of the list for the known ones that a cursor needs."""
        if part.first:
            self._first = self._end(part.first)
        if part.last:
            self._last = self._end(part.last[::-1])[::-1]

    def _end(self, rows: Sequence[R]) -> list[Hashable]:
        keys, known = [], 0
        for row in rows:
            keys.append(key := self.source.key(row))
            known += digest(key) in self._known
            if known == HEAD:
                break
        return keys

    def _known_among(self, keys: Iterable[Hashable]) -> Iterator[Hashable]:
        return islice((key for key in keys if digest(key) in self._known), HEAD)

    # Reading

    async def _read_steady(self) -> _Part[R]:
        """Read the list, and again if it changed meanwhile: a row that moved may be missing from one reading."""
        part = await self._read()
        for _ in range(_READS - 1):
            if part.consistency != "changed":
                break
            part = await self._read()
        return part

    async def _read_ends(self) -> _Part[R]:
        if self._grows_at == "tail":
            return await self._read_tail()
        head = await self._read(polled=True)
        if self._grows_at == "head" or head.is_whole:
            return head
        tail = await self._read_tail()
        if tail.is_whole:
            return tail
        both = dict(zip(head.digests, head.rows, strict=True))
        for key, row in zip(tail.digests, tail.rows, strict=True):
            both.setdefault(key, row)
        return attrs.evolve(tail, rows=list(both.values()), digests=list(both), first=head.rows)

    async def _read_tail(self) -> _Part[R]:
        excess = self._count.excess if self._count else 0
        begin = max(0, len(self._known) + excess - min(_MARGIN, (self.page_size or _POLLED_SIZE) // 2))
        part = await self._read(begin)
        return part if part.is_whole or any(digest in self._known for digest in part.digests) else await self._read()

    async def _read(self, offset: int = 0, *, polled: bool = False) -> _Part[R]:
        """Read the list from `offset`; with `polled`, only to a page that ends with a known row."""
        size = _POLLED_SIZE if polled or offset else SIZES[0]
        begun = self._count is not None
        found = PageSize(self.source.page_sizes, self.source.endpoint, self.page_size, size)
        options = ReadOptions(offset=offset, concurrency=1)
        rows: list[R] = []
        digests: list[int] = []
        async with aclosing(Reader(self.source, options, found, believe_empty=begun)) as reader:
            while (page := await reader.next()) is not None:
                rows += page.items
                digests += [digest(self.source.key(row)) for row in page.items]
                if self._is_beginning:
                    self._known.add(digests[-len(page.items) :])  # even if the reading fails later
                if polled and page.items and digests[-1] in self._known:
                    break
        report, ended = reader.report, reader.walk.done
        first, last = [] if offset else rows, rows if ended else []
        total, nulls = report.total_last or 0, report.null_rows_skipped
        return _Part(rows, digests, first, last, total, nulls, ended and not offset, report.consistency)

    def _adds_up(self, part: _Part[R], count: _Count) -> bool:
        """Compare the server's count with the known rows. A count may lag, so it must differ in two polls in a row."""
        new = sum(digest not in self._known for digest in part.digests)
        mismatch = part.total - (len(self._known) + new + count.excess)
        count.mismatch, before = mismatch, count.mismatch
        count.total = part.total
        return not mismatch or mismatch != before

    # Order

    def _oldest_first(self, part: _Part[R]) -> list[R]:
        """Return the rows that are not known."""
        rows, known = part.rows, [digest in self._known for digest in part.digests]
        first = len(rows) if self._grows_at == "head" else 0
        if self._grows_at is None and any(known):
            first = known.index(True)  # the rows before it were added at the head
        new = [i for i, is_known in enumerate(known) if not is_known]
        return [rows[i] for i in reversed(new) if i < first] + [rows[i] for i in new if i >= first]

    def _growing_end(self, part: _Part[R]) -> End | None:
        return growing_end(map(self.source.time, part.rows))
