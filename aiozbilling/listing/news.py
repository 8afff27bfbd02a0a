"""Which rows of a list are new since it was last read.

The list is read once, and the key of each row is remembered as a digest of 8 bytes. A row is new if its key is not
among them, so no row that moves or comes into sight is taken for a new one. A poll reads the end at which the list
grows. Where the server's count differs from the rows that are known, rows were removed or added elsewhere: if it still
differs at the next poll, the whole list is read.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Generic, TypeVar

import attrs

from aiozbilling.errors import DriftError
from aiozbilling.listing.cursor import HEAD, Cursor
from aiozbilling.listing.known import BEGIN_ANEW, checksum, digest, known_since, refuse_doubt
from aiozbilling.listing.reader import SIZES, Reader
from aiozbilling.listing.source import Source, key_text
from aiozbilling.listing.window import Consistency

__all__ = ["Follower"]

R = TypeVar("R")

_POLLED_SIZE = 100  # new rows are few, and a poll is frequent
_MARGIN = 10  # known rows that are read again before the last one
_EMPTY_READS = 3  # polls in a row without any row before a list is taken to be empty at the beginning
_READS = 3  # of a list that changes while it is read
_ORDERED = 0.9  # of the pairs of neighbours whose times go one way: enough to know the order


@attrs.frozen
class _Part(Generic[R]):
    """Rows that were read together; `is_whole` if they are all rows of the list.

    `first` are those from the first row of the list on, `last` those up to its last row; empty if these were not read.
    """

    rows: list[R]
    first: list[R]
    last: list[R]
    total: int
    is_whole: bool
    consistency: Consistency


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
    _known: set[int] = attrs.field(factory=set, init=False)
    _checksum: int = attrs.field(default=0, init=False)  # of the known rows that are in the list
    _count: int = attrs.field(default=0, init=False)  # of the known rows that are in the list
    _total: int | None = attrs.field(default=None, init=False)  # the server's; None before the list was read
    _excess: int = attrs.field(default=0, init=False)  # by which it is higher than the number of rows
    _mismatch: int | None = attrs.field(default=None, init=False)  # at the last poll
    _order: int = attrs.field(
        default=0, init=False
    )  # 1 for oldest first, -1 for newest first, 0 if times don't show it
    # Keys of the list's first and last rows, in list order, as far as the cursor needs them.
    _first: Sequence[Hashable] = attrs.field(default=(), init=False)
    _last: Sequence[Hashable] = attrs.field(default=(), init=False)
    _is_shorter: bool = attrs.field(default=False, init=False)  # than the known rows, at the last poll
    _empty_reads: int = attrs.field(default=0, init=False)

    @property
    def cursor(self) -> Cursor | None:
        """The place after the last row that was marked as known; None before the beginning is known."""
        if self._total is None:
            return self.after
        head = tuple(map(key_text, self._known_among(self._first)))
        tail = tuple(map(key_text, self._known_among(reversed(self._last))))[::-1]
        place = (self._count - 1, self._total, tail, head)
        return Cursor(self.source.endpoint, "follow", *place, finished=True, checksum=self._checksum)

    def mark(self, new: R) -> None:
        """Take a row as known; rows are marked in the order in which `poll` returns them."""
        added = digest(self.source.key(new))
        self._known.add(added)
        self._checksum ^= added
        self._count += 1

    async def poll(self) -> list[R]:
        """Return the rows that are not known, oldest first, without marking them; the first poll begins here and now.

        Raises:
            DriftError: none of the known rows is in the list any more, or a cursor doesn't show which rows are new.
            IncompleteError: the list is far shorter than at the cursor.
            AiozBillingError: the list could not be read.
        """
        if self._total is None:
            return await (self._begin() if self.after is None else self._resume(self.after))
        part = await self._read_ends()
        if not part.rows and not part.total:
            return []  # it may only seem to be empty, and has no new rows anyway
        if not part.is_whole and not self._adds_up(part):
            part = await self._read()
        self._is_shorter, was_shorter = self._lacks_known(part), self._is_shorter
        if self._is_shorter and not was_shorter:
            return []  # it has time until the next poll, as a reply may have been cut off
        new = [row for row in part.rows if not self._is_known(row)]
        if part.rows and self._count and len(new) == len(part.rows):
            raise DriftError("none of the rows known before is in the list any more", hint=BEGIN_ANEW)
        if part.is_whole:
            self._order = self._order_of(part.rows) or self._order
        news = self._oldest_first(part.rows)
        if part.is_whole:
            self._learn(part, self._digests(new))
        self._keep_ends(part)
        return news

    # Where it begins.

    async def _begin(self) -> list[R]:
        empty_reads, self._empty_reads = self._empty_reads, 0  # a failure between them begins anew
        part = await self._read()
        for _ in range(_READS - 1):
            if part.consistency != "changed":
                break
            self._known |= self._digests(part.rows)  # one that moved may be missing from the next
            part = await self._read()
        if not part.rows:
            self._empty_reads = empty_reads + 1
            if self._empty_reads < _EMPTY_READS:
                return []  # a server in disarray may say so of a list that has rows
        self._learn(part, set())
        self._keep_ends(part)
        return []

    async def _resume(self, cursor: Cursor) -> list[R]:
        part = await self._read_unchanged()
        keys = list(map(self.source.key, part.rows))
        self._order = self._order_of(part.rows)
        known = known_since(cursor, keys, self._order)
        if len(known) <= cursor.position and not self._is_shorter:
            self._is_shorter = True
            return []  # as in a later poll
        refuse_doubt(cursor, known, keys)
        self._is_shorter = False
        self._known = {digest(key) for key in known}
        news = self._oldest_first(part.rows)
        self._learn(part, self._digests(part.rows) - self._known)
        self._keep_ends(part)
        return news

    async def _read_unchanged(self) -> _Part[R]:
        for _ in range(_READS):
            part = await self._read()
            if part.consistency != "changed":
                return part
        raise DriftError("the list changes too fast to find the place of the cursor", hint="Try again later")

    def _learn(self, part: _Part[R], new: set[int]) -> None:
        """Take a reading of the whole list as known, but for the rows that are new."""
        keys = [key for row in part.rows if digest(key := self.source.key(row)) not in new]
        digests = set(map(digest, keys))
        self._known |= digests
        self._checksum = checksum(digests)
        self._count, self._total, self._mismatch = len(keys), part.total, None
        self._excess = part.total - len(part.rows)
        self._order = self._order_of(part.rows) or self._order

    def _keep_ends(self, part: _Part[R]) -> None:
        """Keep the keys of the rows at the ends, as many as it takes for the known ones that a cursor needs."""
        if part.first:
            self._first = self._end(part.first)
        if part.last:
            self._last = self._end(part.last[::-1])[::-1]

    def _end(self, rows: Sequence[R]) -> list[Hashable]:
        keys, known = [], 0
        for row in rows:
            keys.append(self.source.key(row))
            known += self._is_known(row)
            if known == HEAD:
                break
        return keys

    def _known_among(self, keys: Iterable[Hashable]) -> Iterator[Hashable]:
        return islice((key for key in keys if digest(key) in self._known), HEAD)

    # What a poll reads.

    async def _read_ends(self) -> _Part[R]:
        if self._order > 0:
            return await self._read_tail()
        head = await self._read(polled=True)
        if self._order < 0 or head.is_whole:
            return head
        tail = await self._read_tail()
        if tail.is_whole:
            return tail
        seen = self._digests(head.rows)
        rows = [row for row in tail.rows if digest(self.source.key(row)) not in seen]
        return attrs.evolve(tail, rows=head.rows + rows, first=head.rows)

    async def _read_tail(self) -> _Part[R]:
        begin = max(0, self._count + self._excess - min(_MARGIN, (self.page_size or _POLLED_SIZE) // 2))
        part = await self._read(begin)
        return part if part.is_whole or any(map(self._is_known, part.rows)) else await self._read()

    async def _read(self, offset: int = 0, *, polled: bool = False) -> _Part[R]:
        """Read the list from `offset`; with `polled`, only to a page that ends with a known row."""
        size = _POLLED_SIZE if polled or offset else SIZES[0]
        begun = self._total is not None
        reader = Reader(self.source, offset, self.page_size, None, 1, "repair", None, size, believe_empty=begun)
        rows: list[R] = []
        try:
            while (page := await reader.next()) is not None:
                rows += page.items
                if polled and page.items and self._is_known(page.items[-1]):
                    break
        finally:
            await reader.aclose()
        report, ended = reader.report, reader.walk.done
        first, last = [] if offset else rows, rows if ended else []
        return _Part(rows, first, last, report.total_last or 0, ended and not offset, report.consistency)

    def _adds_up(self, part: _Part[R]) -> bool:
        """Compare the server's count with the rows that are known; one that is late has time until the next poll."""
        new = sum(not self._is_known(row) for row in part.rows)
        mismatch = part.total - (self._count + new + self._excess)
        self._mismatch, before = mismatch or None, self._mismatch
        self._total = part.total
        return mismatch != before

    def _lacks_known(self, part: _Part[R]) -> bool:
        """Whether a whole list has lost rows; a late total that is as high as a page may have cut it off there."""
        return part.is_whole and sum(map(self._is_known, part.rows)) < self._count

    # In which order.

    def _oldest_first(self, rows: Sequence[R]) -> list[R]:
        """Return the rows that are not known."""
        known = list(map(self._is_known, rows))
        first = len(rows) if self._order < 0 else 0
        if not self._order and any(known):
            first = known.index(True)  # what comes before it was added at the head
        new = [i for i, is_known in enumerate(known) if not is_known]
        return [rows[i] for i in reversed(new) if i < first] + [rows[i] for i in new if i >= first]

    def _order_of(self, rows: Sequence[R]) -> int:
        times = [time for time in map(self.source.time, rows) if time is not None]
        rising = sum(later > earlier for earlier, later in pairwise(times))
        falling = sum(later < earlier for earlier, later in pairwise(times))
        if max(rising, falling) < max(1, _ORDERED * (rising + falling)):
            return 0
        return 1 if rising > falling else -1

    def _is_known(self, row: R) -> bool:
        return digest(self.source.key(row)) in self._known

    def _digests(self, rows: Sequence[R]) -> set[int]:
        return {digest(self.source.key(row)) for row in rows}
