"""Reads a list once: the walk plans the windows, and the prefetch fetches them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Iterator, Sequence
from operator import length_hint
from typing import Generic, TypeVar

import attrs

from aiozbilling.errors import BadRequestError, ListingError
from aiozbilling.exchange.call import Received
from aiozbilling.exchange.observer import Observed, began
from aiozbilling.listing.cursor import HEAD, Cursor
from aiozbilling.listing.options import ReadOptions
from aiozbilling.listing.page import Page
from aiozbilling.listing.page_size import PageSize
from aiozbilling.listing.prefetch import Prefetch
from aiozbilling.listing.source import Source, key_from_text, key_text
from aiozbilling.listing.walk import Walk
from aiozbilling.listing.window import Anchors, WalkOptions, WalkReport, Window

__all__ = ["Reader"]

R = TypeVar("R")


@attrs.define(eq=False, repr=False)
class Reader(Generic[R]):
    """Return a list's pages one by one. The owner of a reader closes it."""

    source: Source[R]
    options: ReadOptions
    page_size: PageSize
    believe_empty: bool = attrs.field(default=False, kw_only=True)
    walk: Walk[R] = attrs.field(init=False)
    _prefetch: Prefetch[Window, tuple[Sequence[R | None], int]] = attrs.field(init=False)
    _head: tuple[str, ...] = attrs.field(init=False)
    _delivered: int = attrs.field(default=0, init=False)
    _yielding: Iterator[R] | None = attrs.field(default=None, init=False)
    _observed: Observed | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        after = self.options.after
        self._prefetch = Prefetch(self._fetch, self.options.concurrency)
        self._observed = began("walk", self.source.endpoint)
        self._head = () if after is None else after.head
        self._begin()

    def next(self) -> Awaitable[Page[R] | None]:
        """Return the new rows of the next window, possibly none; None at the end of the list."""
        return self._next() if self._observed is None else self._observed_next(self._observed)

    async def _observed_next(self, observed: Observed) -> Page[R] | None:
        with observed.inside():  # current during the requests, not while the caller has the rows
            return await self._next()

    async def _next(self) -> Page[R] | None:
        prefetch = self._prefetch
        while not self.walk.done:
            plan = self.walk.plan(prefetch.ahead)
            window = plan[0]
            prefetch.want(plan)
            try:
                rows, total = await prefetch.take(window)
                page = self.walk.accept(window, rows, total)
            except BadRequestError:
                if self.walk.report.requests or not self.page_size.shrink():
                    raise
                self._begin()
                continue
            except ListingError as error:
                error.report, error.cursor = self.report, self.cursor
                raise
            self._note(window, len(rows), page)
            return page
        return None

    def yielded(self, page: Page[R]) -> Iterator[R]:
        """Iterate the page's rows so that the cursor knows which of them were yielded, at no cost per row."""
        self._yielding = iter(page.items)
        return self._yielding

    @property
    def report(self) -> WalkReport:
        """The report so far; `requests` includes those whose replies were not needed."""
        return attrs.evolve(self.walk.report, requests=self._prefetch.started)

    @property
    def cursor(self) -> Cursor | None:
        """A cursor after the last row yielded; None before the first row."""
        options = self.options
        waiting = 0 if self._yielding is None else length_hint(self._yielding)
        anchors = self.walk.anchors(self._delivered - waiting)
        if anchors is None and not (self.walk.done and options.after is None and self.walk.report.requests):
            return options.after
        anchors = anchors or Anchors(-1, 0, ())  # of an empty list: every later row is after it
        keys = tuple(map(key_text, anchors.keys))
        whole = options.max_items is None and (bool(self._head) or not self.walk.report.rows) and not options.offset
        finished = whole and self.walk.done and not waiting
        return Cursor(self.source.endpoint, "walk", anchors.position, anchors.total, keys, self._head, finished)

    async def aclose(self) -> None:
        """Cancel the requests in flight, and return when they have ended."""
        if self._observed is not None:
            report, error = self.report, sys.exc_info()[1]
            facts = {"rows": report.rows, "requests": report.requests, "consistency": report.consistency}
            self._observed.ended(facts, error if isinstance(error, Exception) else None)
        await self._prefetch.aclose()

    def _begin(self) -> None:
        options = self.options
        self.walk = Walk(
            WalkOptions(
                key=self.source.key,
                limit=self.page_size.rows,
                offset=options.offset,
                max_items=options.max_items,
                on_drift=options.on_drift,
                after=_anchors(options.after),
                believe_empty=self.believe_empty,
            )
        )

    def _fetch(self, window: Window, received: Received | None) -> Awaitable[tuple[Sequence[R | None], int]]:
        if window.pause_s:
            return self._fetch_later(window, received)
        return self.source.fetch(window.offset, window.limit, received)

    async def _fetch_later(self, window: Window, received: Received | None) -> tuple[Sequence[R | None], int]:
        await asyncio.sleep(window.pause_s)
        return await self.source.fetch(window.offset, window.limit, received)

    def _note(self, window: Window, came: int, page: Page[R]) -> None:
        self._yielding, self._delivered = None, len(page.items)
        if not self._head and self.options.after is None and not self.options.offset:
            self._head = tuple(key_text(self.source.key(row)) for row in page.items[:HEAD])
        if self.page_size.given is None:
            self.page_size.learn(window.limit, came, are_more=window.offset + came < page.total)


def _anchors(cursor: Cursor | None) -> Anchors | None:
    if cursor is None or not cursor.anchors:
        return None
    return Anchors(cursor.position, cursor.total, tuple(map(key_from_text, cursor.anchors)))
