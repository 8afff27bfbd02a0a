"""What is new in a list, poll after poll, whichever end it grows at."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterable, Sequence
from itertools import islice, pairwise
from typing import Any, Generic, TypeVar

import attrs

from aiozbilling.errors import (
    AiozBillingError,
    ApiError,
    BadRequestError,
    DecodeError,
    DriftError,
    ListingError,
    TLSError,
    TransportError,
)
from aiozbilling.listing.cursor import HEAD, Cursor
from aiozbilling.listing.source import Source, key_from_text, key_text
from aiozbilling.listing.walk import Trail, Walk

__all__ = ["Follower", "follow"]

R = TypeVar("R")
logger = logging.getLogger("aiozbilling")

_KNOWN = 5000  # keys remembered: news must stand beside one of them
_SMALLEST_PAGE = 10
_ORDERED = 0.9  # of the pairs of neighbours of a full page whose times go one way: enough to tell the order
_LONGEST_WAIT_S = 300.0
_LONGEST_PAUSE_S = 3600.0  # a server's word is kept up to here; then it is asked once
_PASSING_STATUSES = frozenset({408, 425, 429})
_LISTING_FAILURES = 5  # in a row: a list that can't be read exactly for so long will not be


@attrs.frozen
class News(Generic[R]):
    """A row that is new, and whether it stands at the list's tail (or at its head)."""

    row: R
    at_tail: bool


@attrs.define(eq=False)
class Follower(Generic[R]):
    """Finds the rows that are new since the last poll.

    What is known are the rows at both ends of the list. New at the head is what stands before a row that is known
    there, new at the tail what stands behind the last one that is known there. A list that fits a page shows both ends
    with one request, of one whose times tell at which end it grows that end is asked for, and of another one both.
    """

    source: Source[R]
    page_size: int
    after: Cursor | None = None
    _known: dict[Hashable, None] = attrs.field(factory=dict, init=False)
    _head: deque[Hashable] = attrs.field(factory=lambda: deque(maxlen=HEAD), init=False)  # first rows, in list order
    _tail: deque[Hashable] = attrs.field(factory=lambda: deque(maxlen=HEAD), init=False)  # last rows, in list order
    _position: int = attrs.field(default=-1, init=False)  # of the last row of the tail, when there were `_total`
    _total: int = attrs.field(default=0, init=False)
    _begun: bool = attrs.field(default=False, init=False)
    _resumed: bool = attrs.field(default=False, init=False)
    _at_tail_only: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        if self.after is not None:
            self._head.extend(map(key_from_text, self.after.head))
            self._tail.extend(map(key_from_text, self.after.anchors))
            self._remember((*self._head, *self._tail))
            self._position, self._total = self.after.position, self.after.total
            self._begun = self._resumed = True

    @property
    def cursor(self) -> Cursor | None:
        """The place behind the last row that was marked as known; None before the first poll."""
        if not self._begun:
            return None
        head, tail = tuple(map(key_text, self._head)), tuple(map(key_text, self._tail))
        return Cursor(self.source.endpoint, "follow", self._position, self._total, tail, head, finished=True)

    def mark(self, news: News[R]) -> None:
        """Take a row as known; rows are marked in the order in which `poll` gives them."""
        key = self.source.key(news.row)
        self._remember((key,))
        self._position += 1
        if news.at_tail:
            self._tail.append(key)
        else:
            if len(self._head) == HEAD:
                self._head.pop()
            self._head.appendleft(key)

    async def poll(self) -> list[News[R]]:
        """Give the rows that are not known, oldest first, without marking them; the first poll begins here and now.

        Raises:
            DriftError: none of the known rows is in the list any more.
            AiozBillingError: the list could not be read.
        """
        if self._at_tail_only:
            return await self._behind_tail()
        raw, total = await self._first_page()
        rows = [row for row in raw if row is not None]
        whole = len(raw) < self.page_size and len(raw) >= total
        order = self._order(rows)
        begun = self._begun
        if not begun:
            await self._begin(rows, total, whole=whole, order=order)
        # Set only now: a beginning that fails begins again with the first page.
        self._begun, self._at_tail_only = True, order > 0 and not whole
        if not begun:
            return []
        if not self._known:
            return self._all(rows if whole else (await self._walk())[0], order)
        if whole:
            return self._around_known(rows, total)
        news = [] if order > 0 else await self._before_head(rows)
        return news + (await self._behind_tail() if order >= 0 else [])

    async def _first_page(self) -> tuple[Sequence[R | None], int]:
        try:
            return await self.source.fetch(0, self.page_size)
        except BadRequestError:
            if self.page_size <= _SMALLEST_PAGE:
                raise
            self.page_size = _SMALLEST_PAGE
            return await self.source.fetch(0, self.page_size)

    def _order(self, rows: Sequence[R]) -> int:
        """Tell 1 for oldest first, -1 for newest first, 0 where the times don't tell beyond doubt."""
        times = [time for time in map(self.source.time, rows) if time is not None]
        rising = sum(later > earlier for earlier, later in pairwise(times))
        falling = sum(later < earlier for earlier, later in pairwise(times))
        if len(times) < _SMALLEST_PAGE - 1 or max(rising, falling) < _ORDERED * (len(times) - 1):
            return 0
        return 1 if rising > falling else -1

    async def _begin(self, rows: Sequence[R], total: int, *, whole: bool, order: int) -> None:
        keys = list(map(self.source.key, rows))
        if whole:
            self._tail.extend(keys)
            self._position, self._total = len(keys) - 1, total
        elif order >= 0:
            last, walk = await self._walk(offset=max(0, total - self.page_size))
            self._tail.extend(map(self.source.key, last))
            self._take_place(walk)
        self._head.extend(keys[:HEAD])
        self._remember((*keys, *self._tail))

    def _all(self, rows: Sequence[R], order: int) -> list[News[R]]:
        return [News(row, at_tail=order >= 0) for row in (rows if order >= 0 else rows[::-1])]

    def _around_known(self, rows: Sequence[R], total: int) -> list[News[R]]:
        """Find the news of a list that is all there."""
        keys = list(map(self.source.key, rows))
        places = [i for i, key in enumerate(keys) if key in self._known]
        if not places:
            raise _lost()
        if self._resumed:  # of the rows between both ends the cursor says nothing: they are old
            self._remember(keys[places[0] : places[-1] + 1])
            self._resumed = False
        last = places[-1]
        known = [key for key in keys if key in self._known]
        self._tail.extend(known)
        self._position, self._total = last, total
        new = [(i, row) for i, row in enumerate(rows) if keys[i] not in self._known]
        before = [News(row, at_tail=False) for i, row in reversed(new) if i < last]
        return before + [News(row, at_tail=True) for i, row in new if i > last]

    async def _before_head(self, rows: Sequence[R]) -> list[News[R]]:
        keys = list(map(self.source.key, rows))
        heads = self._known if not self._resumed else dict.fromkeys(self._head)
        deepest = max((i for i, key in enumerate(keys) if key in heads), default=None)
        if deepest is None:
            rows, walk = await self._walk(stop_at=heads)
            if not walk.met:
                raise _lost()
            return [News(row, at_tail=False) for row in reversed(rows)]
        self._resumed = False
        self._remember(keys[deepest:])  # older ones, come into sight
        new = [row for row, key in zip(rows[:deepest], keys, strict=False) if key not in self._known]
        return [News(row, at_tail=False) for row in reversed(new)]

    async def _behind_tail(self) -> list[News[R]]:
        if not self._tail:
            rows, walk = await self._walk(offset=max(0, self._total - self.page_size))
            self._tail.extend(map(self.source.key, rows))
            self._take_place(walk)
            return []
        rows, walk = await self._walk(after=Trail(self._position, self._total, tuple(self._tail)))
        self._take_place(walk)
        self._position -= len(rows)  # none of them is marked yet
        return [News(row, at_tail=True) for row in rows]

    async def _walk(self, **where: Any) -> tuple[list[R], Walk[R]]:
        walk = Walk(key=self.source.key, limit=self.page_size, **where)
        rows: list[R] = []
        while not walk.done:
            (window,) = walk.plan(1)
            if window.pause_s:
                await asyncio.sleep(window.pause_s)
            rows += walk.accept(window, *await self.source.fetch(window.offset, window.limit)).items
        return rows, walk

    def _take_place(self, walk: Walk[R]) -> None:
        trail = walk.trail()
        if trail is not None:
            self._position, self._total = trail.position, trail.total

    def _remember(self, keys: Iterable[Hashable]) -> None:
        known = self._known
        known.update(dict.fromkeys(keys))
        for key in list(islice(known, max(0, len(known) - _KNOWN))):
            del known[key]


def _lost() -> DriftError:
    return DriftError("none of the rows known before is in the list any more", hint="Begin without `after`")


async def follow(
    follower: Follower[R], every_s: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncGenerator[R, None]:
    """Poll for ever and yield each new row once, oldest first; outages are sat out."""
    failures = 0
    while True:
        try:
            news = await follower.poll()
        except AiozBillingError as error:
            failures += 1
            if not _passes(error, failures):
                raise
            told = min(getattr(error, "retry_after", None) or 0.0, _LONGEST_PAUSE_S)
            wait = max(min(every_s * 2.0 ** min(failures, 20), _LONGEST_WAIT_S), told)
            logger.warning("following %s: %s; next poll in %.1f s", follower.source.endpoint, error, wait)
        else:
            failures, wait = 0, every_s
            for one in news:
                follower.mark(one)
                yield one.row
        await sleep(wait)


def _passes(error: AiozBillingError, failures: int) -> bool:
    if isinstance(error, ApiError):
        return error.status in _PASSING_STATUSES or error.status >= 500
    if isinstance(error, ListingError):
        return failures < _LISTING_FAILURES
    if isinstance(error, DecodeError):
        return error.malformed
    return isinstance(error, TransportError) and not isinstance(error, TLSError)
