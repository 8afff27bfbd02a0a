"""What is new in a list, poll after poll, whichever end it grows at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterable, Sequence
from itertools import islice
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
_LONGEST_WAIT_S = 300.0
_PASSING_STATUSES = frozenset({408, 425, 429})
_LISTING_FAILURES = 5  # in a row: a list that can't be read exactly for so long will not be


@attrs.define(eq=False)
class Follower(Generic[R]):
    """Finds the rows that are new since the last poll, oldest first.

    A list that grows at its head is polled there: new is what stands before the last row that is known. A list that
    grows at its tail is walked on from its last known row. Which of the two it is, the times of its rows tell.
    """

    source: Source[R]
    page_size: int
    after: Cursor | None = None
    _known: dict[Hashable, None] | None = attrs.field(default=None, init=False)  # oldest first; None before a beginning
    _grows_at_tail: bool = attrs.field(default=False, init=False)
    _position: int = attrs.field(default=-1, init=False)  # of the last known row of a list that grows at its tail
    _total: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        if self.after is not None:
            self._known = dict.fromkeys(map(key_from_text, reversed(self.after.head)))
            self._position, self._total = self.after.position, self.after.total

    @property
    def cursor(self) -> Cursor | None:
        """The place behind the last row that was marked as known; None before the first poll."""
        if self._known is None:
            return None
        latest = tuple(key_text(key) for key in islice(reversed(self._known), HEAD))
        return Cursor(self.source.endpoint, "follow", self._position, self._total, latest[::-1], latest)

    def mark(self, row: R) -> None:
        """Take a row as known; rows are marked oldest first."""
        self._remember((self.source.key(row),))
        self._position += 1

    async def poll(self) -> list[R]:
        """Give the rows that are not known, oldest first, without marking them; the first poll begins here and now.

        Raises:
            DriftError: none of the known rows is in the list any more.
            AiozBillingError: the list could not be read.
        """
        if self._grows_at_tail:
            return await self._behind_known()
        rows, total = await self._first_rows()
        order = self._order(rows)
        if order > 0:
            return await self._turn_to_tail(total)
        if self._known is None:
            self._known = {}
            self._remember(map(self.source.key, reversed(rows)))
            self._position = len(rows) - 1
            return []
        return await self._before_known(rows, complete=len(rows) >= total, ordered=order < 0)

    async def _first_rows(self) -> tuple[list[R], int]:
        try:
            rows, total = await self.source.fetch(0, self.page_size)
        except BadRequestError:
            if self.page_size <= _SMALLEST_PAGE:
                raise
            self.page_size = _SMALLEST_PAGE
            rows, total = await self.source.fetch(0, self.page_size)
        return [row for row in rows if row is not None], total

    def _order(self, rows: Sequence[R]) -> int:
        """Tell 1 for oldest first, -1 for newest first, 0 where the times don't tell."""
        times = [time for time in map(self.source.time, rows) if time is not None]
        return 0 if not times else (times[-1] > times[0]) - (times[-1] < times[0])

    async def _turn_to_tail(self, total: int) -> list[R]:
        self._grows_at_tail = True
        if self._known is None:
            rows, walk = await self._walk(offset=max(0, total - self.page_size))
            self._known = {}
            self._remember(map(self.source.key, rows))
            self._take_place(walk)
            return []
        if self.after is not None and self.after.made_by == "walk":
            self._known = dict.fromkeys(map(key_from_text, self.after.anchors))
        return await self._behind_known()

    async def _behind_known(self) -> list[R]:
        anchors = tuple(islice(reversed(self._known or {}), HEAD))[::-1]
        after = Trail(self._position, self._total, anchors) if anchors else None
        rows, walk = await self._walk(after=after)
        self._take_place(walk)
        self._position -= len(rows)  # none of them is marked yet
        return rows

    async def _before_known(self, rows: Sequence[R], *, complete: bool, ordered: bool) -> list[R]:
        keys, known = list(map(self.source.key, rows)), self._known or {}
        deepest = max((i for i, key in enumerate(keys) if key in known), default=-1)
        if deepest < 0 and (known or not complete):
            rows, walk = await self._walk(stop_at=known)
            if known and not walk.met:
                raise DriftError("none of the rows known before is in the list any more", hint="Begin without `after`")
            return rows[::-1]
        end = deepest if ordered and known else len(rows)
        return [row for row, key in zip(rows[:end], keys, strict=False) if key not in known][::-1]

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
        known = self._known = self._known or {}
        known.update(dict.fromkeys(keys))
        for key in list(islice(known, max(0, len(known) - _KNOWN))):
            del known[key]


async def follow(
    follower: Follower[R], every_s: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncGenerator[R, None]:
    """Poll for ever and yield each new row once, oldest first; outages are sat out."""
    failures = 0
    while True:
        try:
            rows = await follower.poll()
        except AiozBillingError as error:
            failures += 1
            if not _passes(error, failures):
                raise
            wait = max(min(every_s * 2.0 ** min(failures, 20), _LONGEST_WAIT_S), getattr(error, "retry_after", 0) or 0)
            logger.warning("following %s: %s; next poll in %.1f s", follower.source.endpoint, error, wait)
        else:
            failures, wait = 0, every_s
            for row in rows:
                follower.mark(row)
                yield row
        await sleep(wait)


def _passes(error: AiozBillingError, failures: int) -> bool:
    if isinstance(error, ApiError):
        return error.status in _PASSING_STATUSES or error.status >= 500
    if isinstance(error, ListingError):
        return failures < _LISTING_FAILURES
    if isinstance(error, DecodeError):
        return error.malformed
    return isinstance(error, TransportError) and not isinstance(error, TLSError)
