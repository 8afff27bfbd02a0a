"""New rows of a list for any number of subscribers, at the cost of one poll per interval."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Generic, Self, TypeVar

from aiozbilling.errors import ConfigurationError, FeedError
from aiozbilling.exchange.checks import is_number, refuse_bad_count
from aiozbilling.listing.listing import Listing
from aiozbilling.web.raised_again import raised_again

__all__ = ["Feed"]

R = TypeVar("R")

_PAUSE_S = 0.02


class Feed(Generic[R]):
    """One ``listing.follow()`` with any number of subscribers.

    ``async with Feed(billing.top_ups()) as feed`` starts and ends the feed. Rows are stored once for all subscribers,
    so an additional subscriber needs no memory. A subscriber that lags by more than `keep` rows gets a `FeedError`.

    Args:
        listing: the list to follow, from now on or after the cursor in ``after=``.
        every_s: seconds between two polls.
        keep: number of latest rows that are stored for subscribers that reconnect or are slow.
        heartbeat_s: seconds without a row after which a subscriber gets None, to keep its connection open.

    Raises:
        ConfigurationError: a number is invalid, or the listing cannot be followed.
    """

    def __init__(
        self, listing: Listing[R], *, every_s: float = 10.0, keep: int = 1000, heartbeat_s: float = 15.0
    ) -> None:
        refuse_bad_count("keep", keep, 1, " row")
        if not is_number(heartbeat_s) or not heartbeat_s > 0:
            raise ConfigurationError(f"heartbeat_s must be a positive number, not {heartbeat_s!r}")
        self.listing = listing
        self._rows = listing.follow(every_s=every_s)
        self._heartbeat_s = heartbeat_s
        self._kept: deque[tuple[str, R]] = deque(maxlen=keep)
        self._pause_every = max(1, keep // 2)
        self._count = 0  # of all rows so far: the next one has this number
        self._change = asyncio.Event()  # replaced whenever it is set
        self._task: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def start(self) -> None:
        """Begin to follow the list; `close` ends it."""
        if self._task is None and not self._is_closed:
            self._task = asyncio.create_task(self._follow())

    @property
    def error(self) -> BaseException | None:
        """The error that ended the feed, such as `AuthenticationError` for a revoked key, or None."""
        return self._error

    def subscribe(self, after: str | None = None) -> AsyncGenerator[R | None, None]:
        """Return an iterator of the rows that appear from now on, oldest first. None is a heartbeat.

        The subscription begins with this call, not with the first row that is read.

        Args:
            after: id of the last row that the subscriber has (`row_id`); the rows after it are returned first.

        Raises:
            FeedError: the row `after` is not stored; or, during iteration, the subscriber lags too far.
            ConfigurationError: the feed is closed or not started; or, during iteration, it runs in another event loop.
            AiozBillingError: a copy of the error that ended the feed.
        """
        if self._task is None or self._is_closed:
            raise ConfigurationError("the feed is not running: use `async with Feed(listing) as feed`")
        if self._error is not None:
            raise raised_again(self._error)
        return self._subscription(self._count if after is None else self._number_after(after))

    def stop(self) -> None:
        """End all subscriptions, and tell the feed to end; `close` waits for its end.

        Web servers wait for open responses before they shut down the application, so call this in the signal handler.
        """
        self._is_closed = True
        self._wake()
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """End all subscriptions and the feed."""
        self.stop()
        if self._task is not None:
            await asyncio.wait({self._task})
        await self._rows.aclose()

    async def _follow(self) -> None:
        try:
            async with aclosing(self._rows) as rows:
                async for row in rows:
                    self._kept.append((row_id(row), row))
                    self._count += 1
                    self._wake()
                    if self._count % self._pause_every == 0:
                        # A poll may bring more rows than are kept: subscribers that keep up must have read them before.
                        await asyncio.sleep(_PAUSE_S)
        except Exception as error:
            self._error = error.with_traceback(None)
            self._wake()

    def _wake(self) -> None:
        self._change.set()
        self._change = asyncio.Event()

    def _number_after(self, wanted: str) -> int:
        for back, (kept, _) in enumerate(reversed(self._kept)):
            if kept == wanted:
                return self._count - back
        raise FeedError(
            "the row is not among the latest ones", hint="Load the list again and subscribe without `after`"
        )

    async def _subscription(self, number: int) -> AsyncGenerator[R | None, None]:
        while True:
            while number < self._count:
                row = self._row(number)
                number += 1
                yield row
            if self._is_closed:
                return
            if self._error is not None:
                raise raised_again(self._error)
            if not await self._changed():
                yield None

    def _row(self, number: int) -> R:
        first = self._count - len(self._kept)
        if number < first:
            raise FeedError(f"the subscriber missed {first - number} rows", hint="Read faster, or keep more rows")
        return self._kept[number - first][1]

    async def _changed(self) -> bool:
        change = self._change
        if self._task is not None and self._task.get_loop() is not asyncio.get_running_loop():
            raise ConfigurationError("the feed runs in another event loop: subscribe there")
        try:
            async with asyncio.timeout(self._heartbeat_s):
                await change.wait()
        except TimeoutError:
            return False
        return True


def row_id(row: object) -> str:
    """Return the text that names a row for `Feed.subscribe`: a top-up's id, or a day as ``2026-11-21``."""
    identifier = getattr(row, "id", None)
    return identifier if isinstance(identifier, str) else str(getattr(row, "day"))  # noqa: B009 - of any row class
