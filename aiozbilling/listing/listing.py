"""The list that users iterate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing
from operator import length_hint
from typing import Any, Generic, Literal, TypedDict, TypeVar

import attrs

from aiozbilling.errors import BadRequestError, ConfigurationError, ListingError
from aiozbilling.listing.cursor import HEAD, Cursor
from aiozbilling.listing.follow import Follower, follow
from aiozbilling.listing.prefetch import Prefetch
from aiozbilling.listing.source import Source, key_from_text, key_text
from aiozbilling.listing.walk import Delivery, Trail, Walk, WalkReport, Window

__all__ = ["ListOptions", "Listing", "Page"]

R = TypeVar("R")

_SIZES = (1000, 100, 10)  # asked for in turn where a server refuses
_FOLLOWED_SIZE = 100  # news are few, and a poll is frequent


class ListOptions(TypedDict, total=False):
    """Keywords that all lists take.

    Attributes:
        offset: rows of the list to leave out at its beginning; 0.
        page_size: rows of one request, at least 2; None, the default, finds the largest that the server takes.
        max_items: rows at most; None, the default, for all.
        concurrency: pages in flight at most; 4.
        on_drift: ``"repair"``, the default, goes on exactly when the list changes under the walk; ``"raise"`` stops
            with `DriftError` at the first change that is no append.
        after: a `Cursor` or its text, to go on behind the row where it was taken; None.
    """

    offset: int
    page_size: int | None
    max_items: int | None
    concurrency: int
    on_drift: Literal["repair", "raise"]
    after: Cursor | str | None


@attrs.frozen
class Page(Generic[R]):
    """Rows of a list that came together.

    Attributes:
        items: the rows, in list order, none of which was delivered before.
        offset: position of the first in the list.
        total: rows of the list by the server's count.
    """

    items: list[R]
    offset: int
    total: int


class Listing(Generic[R]):
    """A list, walked exactly once each time it is iterated.

    ``async for row in listing`` gives rows, ``async for page in listing.pages()`` pages, ``await listing`` the first
    page, ``await listing.collect()`` a list, ``listing.follow()`` what is new. Nothing is asked before the first row is
    wanted. Ending an iteration in any way leaves no request in flight.

    Each row that lives through the walk comes exactly once and in list order, also where rows are added or removed
    meanwhile; where that can't be held, the walk stops with a `ListingError`, and what came before is right.

    Iterating raises:
        DriftError: the list changed in a way that can't be repaired.
        IncompleteError: the server's total says that there are more rows, but no more came.
        RunawayError: no end is in sight.
        TransportError, ApiError, DecodeError: a page could not be read; it comes after the rows before it.
    """

    def __init__(
        self,
        source: Source[R],
        *,
        offset: int = 0,
        page_size: int | None = None,
        max_items: int | None = None,
        concurrency: int = 4,
        on_drift: Literal["repair", "raise"] = "repair",
        after: Cursor | str | None = None,
    ) -> None:
        _check("offset", offset, 0)
        _check("concurrency", concurrency, 1)
        if max_items is not None:
            _check("max_items", max_items, 0)
        if page_size is not None:
            _check("page_size", page_size, 2, ": pages must share a row to be joined exactly")
        if on_drift not in ("repair", "raise"):
            raise ConfigurationError(f"on_drift must be 'repair' or 'raise', not {on_drift!r}")
        if after is not None and offset:
            raise ConfigurationError("give either offset or after")
        self._source = source
        self._offset = offset
        self._page_size = page_size
        self._max_items = max_items
        self._concurrency = concurrency
        self._on_drift: Literal["repair", "raise"] = on_drift
        self._after = _cursor(after, source.endpoint)
        self._walk: Walk[R] | None = None
        self._follower: Follower[R] | None = None
        self._head: tuple[str, ...] = ()
        self._handing_out: Iterator[R] | None = None
        self._delivered = 0

    @property
    def report(self) -> WalkReport:
        """What the latest iteration saw so far."""
        return WalkReport() if self._walk is None else self._walk.report

    @property
    def cursor(self) -> Cursor | None:
        """The place behind the last row that the latest iteration handed out; None before there is one."""
        if self._follower is not None:
            return self._follower.cursor
        trail = None
        if self._walk is not None:
            waiting = 0 if self._handing_out is None else length_hint(self._handing_out)
            trail = self._walk.trail(self._delivered - waiting)
        if trail is None:
            return self._after
        anchors = tuple(map(key_text, trail.anchors))
        return Cursor(self._source.endpoint, "walk", trail.position, trail.total, anchors, self._head)

    def __aiter__(self) -> AsyncIterator[R]:
        return self._rows()

    def __await__(self) -> Generator[Any, None, Page[R]]:
        return self._first().__await__()

    async def pages(self) -> AsyncGenerator[Page[R], None]:
        """Iterate the list page by page; a page has at least one row."""
        async with aclosing(self._deliveries()) as deliveries:
            async for delivery in deliveries:
                if delivery.items:
                    yield Page(delivery.items, delivery.offset, delivery.total)

    async def collect(self) -> list[R]:
        """Read the whole list into memory."""
        rows: list[R] = []
        async with aclosing(self._deliveries()) as deliveries:
            async for delivery in deliveries:
                rows += delivery.items
        return rows

    def follow(self, *, every_s: float = 10.0) -> AsyncGenerator[R, None]:
        """Iterate what is new from now on, or behind the cursor given as `after`: each new row once, oldest first.

        It never ends by itself. The list is asked every `every_s` seconds; outages are sat out, with longer waits. For
        `cursor`, a row counts as handed out when it is yielded.

        Raises:
            ConfigurationError: `every_s` is no positive number, or the listing has an offset or max_items.
            ApiError: the server refuses for good (credentials, permission).
            DriftError: the rows known before are not in the list any more.
        """
        if isinstance(every_s, bool) or not isinstance(every_s, int | float) or not 0 < every_s < float("inf"):
            raise ConfigurationError(f"every_s must be a positive number of seconds, not {every_s!r}")
        if self._offset or self._max_items is not None:
            raise ConfigurationError("follow() takes neither offset nor max_items")
        size = self._page_size or min(_FOLLOWED_SIZE, self._source.page_sizes.get(self._source.endpoint, _SIZES[0]))
        self._follower = Follower(self._source, size, self._after)
        return follow(self._follower, every_s)

    async def _rows(self) -> AsyncGenerator[R, None]:
        async with aclosing(self._deliveries()) as deliveries:
            async for delivery in deliveries:
                # The cursor asks this iterator how many rows are still to be handed out: no work a row.
                self._handing_out = iter(delivery.items)
                for row in self._handing_out:
                    yield row

    async def _first(self) -> Page[R]:
        async with aclosing(self._deliveries()) as deliveries:
            async for delivery in deliveries:
                if delivery.items or self._walk is None or self._walk.done:
                    return Page(delivery.items, delivery.offset, delivery.total)
        return Page([], self._offset, 0)

    async def _deliveries(self) -> AsyncGenerator[Delivery[R], None]:
        size = self._page_size or self._source.page_sizes.get(self._source.endpoint, _SIZES[0])
        walk = self._begin(size)
        prefetch = Prefetch(self._fetch, self._concurrency)
        try:
            while not walk.done:
                plan = walk.plan(prefetch.ahead)
                prefetch.want(plan)
                try:
                    rows, total = await prefetch.take(plan[0])
                except BadRequestError:
                    smaller = self._smaller_size(size)
                    if smaller is None:
                        raise
                    walk, size = self._begin(smaller), smaller
                    continue
                delivery = walk.accept(plan[0], rows, total)
                self._note(delivery)
                yield delivery
        except ListingError as error:
            error.cursor = self.cursor
            raise
        finally:
            await prefetch.aclose()

    def _begin(self, size: int) -> Walk[R]:
        if self._after is not None and self._after.made_by == "follow":
            raise ConfigurationError("this cursor comes from follow(): go on with follow()")
        after = None if self._after is None else _trail(self._after)
        self._head = () if self._after is None else self._after.head
        self._handing_out, self._delivered, self._follower = None, 0, None
        self._walk = Walk(
            key=self._source.key,
            limit=size,
            offset=self._offset,
            max_items=self._max_items,
            on_drift=self._on_drift,
            after=after,
        )
        return self._walk

    def _smaller_size(self, refused: int) -> int | None:
        """Give the page size to begin again with where the server refused the first; a size of the caller's stands."""
        if self._page_size is not None or self.report.pages:
            return None
        return next((size for size in _SIZES if size < refused), None)

    async def _fetch(self, window: Window) -> tuple[Any, int]:
        if window.pause_s:
            await asyncio.sleep(window.pause_s)
        return await self._source.fetch(window.offset, window.limit)

    def _note(self, delivery: Delivery[R]) -> None:
        self._handing_out, self._delivered = None, len(delivery.items)
        if not self._head and self._after is None:
            self._head = tuple(key_text(self._source.key(row)) for row in delivery.items[:HEAD])


def _check(name: str, number: object, least: int, why: str = "") -> None:
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise ConfigurationError(f"{name} must be a whole number of at least {least}{why}, not {number!r}")


def _cursor(after: Cursor | str | None, endpoint: str) -> Cursor | None:
    cursor = Cursor.parse(after) if isinstance(after, str) else after
    if cursor is None:
        return None
    if not isinstance(cursor, Cursor):
        raise ConfigurationError("after must be a Cursor or its text")
    if cursor.endpoint != endpoint:
        raise ConfigurationError(f"this cursor is one of {cursor.endpoint}, not of {endpoint}")
    return cursor


def _trail(cursor: Cursor) -> Trail:
    return Trail(cursor.position, cursor.total, tuple(map(key_from_text, cursor.anchors)))
