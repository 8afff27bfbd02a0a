"""The list that users iterate."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Generic, Literal, NoReturn, Protocol, TypeVar

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.checks import checked_seconds, refuse_bad_count
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.options import ReadOptions
from aiozbilling.listing.page import Page
from aiozbilling.listing.page_size import PageSize
from aiozbilling.listing.reader import Reader
from aiozbilling.listing.source import Source
from aiozbilling.listing.window import WalkReport

if TYPE_CHECKING:
    from aiozbilling.listing.news import Follower

__all__ = ["Begin", "Listing"]

R = TypeVar("R")


class Listing(Generic[R]):
    """A list, walked exactly once each time it is iterated.

    ``async for row in listing`` yields rows, ``async for page in listing.pages()`` pages, ``await listing`` the first
    page, ``await listing.collect()`` a list, ``listing.follow()`` new rows. No request is sent before the iteration
    begins. However an iteration ends, it leaves no request in flight.

    Each row that stays in the list during the walk is yielded exactly once and in list order, even if other rows are
    added or removed meanwhile, as long as rows keep their order and their keys. If the walk can't continue, it raises a
    `ListingError`; the rows that it yielded before are correct.

    Iterating raises:

    - ``DriftError``: the list changed in a way that can't be repaired.
    - ``IncompleteError``: the server's total says that there are more rows, but no more came.
    - ``RunawayError``: the list seems to have no end.
    - ``TransportError``, ``ApiError``, ``DecodeError``: a page could not be read; the rows before it were yielded.
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
        self._source = source
        self._options = ReadOptions(
            offset=offset,
            page_size=page_size,
            max_items=max_items,
            concurrency=concurrency,
            on_drift=on_drift,
            after=_cursor(after, source.endpoint),
        )
        self._latest: Reader[R] | Follower[R] | None = None

    def __repr__(self) -> str:
        source = getattr(self, "_source", None)  # missing where an option was refused
        return "<Listing that was refused>" if source is None else f"<Listing of {source.endpoint}>"

    @property
    def endpoint(self) -> str:
        """Path of the list."""
        return self._source.endpoint

    @property
    def host(self) -> str:
        """Host that the list is read from, or empty."""
        return self._source.host

    def fingerprint(self, key: bytes) -> str:
        """Return a text, keyed with `key`, that identifies server and credentials without revealing them.

        It is empty where nothing identifies the account: the credentials come from a function, and the client has no
        ``account=``.
        """
        return self._source.fingerprint(key)

    @property
    def on_drift(self) -> Literal["repair", "raise"]:
        """What a walk does if the list changes."""
        return self._options.on_drift

    @property
    def parameters(self) -> dict[str, str | int | None]:
        """The options that decide which rows are read: endpoint, offset, max_items, and the text of `after`."""
        options = self._options
        after = None if options.after is None else str(options.after)
        return {
            "endpoint": self.endpoint,
            "offset": options.offset,
            "max_items": options.max_items,
            "after": after,
        }

    def resumed(self, after: Cursor | str, *, handed_out: int) -> Listing[R]:
        """Return the same listing from `after` on; `handed_out` rows of it were yielded before."""
        options = self._options
        return Listing(
            self._source,
            page_size=options.page_size,
            max_items=None if options.max_items is None else max(0, options.max_items - handed_out),
            concurrency=options.concurrency,
            on_drift=options.on_drift,
            after=after,
        )

    @property
    def report(self) -> WalkReport:
        """The report of the latest iteration so far."""
        return self._latest.report if isinstance(self._latest, Reader) else WalkReport()

    @property
    def cursor(self) -> Cursor | None:
        """A cursor after the last row that the latest iteration yielded; None before the first row."""
        return self._options.after if self._latest is None else self._latest.cursor

    def __iter__(self) -> NoReturn:
        raise TypeError("a Listing is asynchronous: write `async for row in listing` or `await listing.collect()`")

    def __enter__(self) -> NoReturn:
        raise TypeError("a Listing needs no `with`: write `async for row in listing` or `await listing.collect()`")

    def __exit__(self, *_: object) -> None:
        """Exists so that `with` calls `__enter__`, which raises an error with a helpful message."""

    def __aiter__(self) -> AsyncIterator[R]:
        return self._rows()

    def __await__(self) -> Generator[Any, None, Page[R]]:
        return self._first().__await__()

    # Each of these is one generator on a plain object: a loop that shuts down closes all generators at once, and one
    # inside another would be closed twice.

    async def _rows(self) -> AsyncGenerator[R, None]:
        async with aclosing(self.begin()) as reader:
            while (page := await reader.next()) is not None:
                for row in reader.yielded(page):
                    yield row
                del page  # so that the next page is decoded into its memory, which is still in the cache

    async def pages(self) -> AsyncGenerator[Page[R], None]:
        """Iterate the list page by page; a page has at least one row."""
        async with aclosing(self.begin()) as reader:
            while (page := await reader.next()) is not None:
                if page.items:
                    yield page

    async def collect(self) -> list[R]:
        """Read the whole list into memory."""
        rows: list[R] = []
        async with aclosing(self.begin()) as reader:
            while (page := await reader.next()) is not None:
                rows += page.items
        return rows

    async def record_batches(self, *, rows: int = 10_000) -> AsyncGenerator[Any, None]:
        """Iterate the list as pyarrow.RecordBatches of `rows` rows, the last one shorter.

        They have the schema of ``aiozbilling.tables.schema``. Needs the extra ``parquet``.

        Raises:
            ConfigurationError: pyarrow is not installed, the list has no table, or `rows` is less than 1.
        """
        refuse_bad_count("rows", rows, 1)
        from aiozbilling.tables.arrow import record_batch  # pyarrow is an extra, and takes long to import
        from aiozbilling.tables.table import table_of

        kind, waiting = table_of(self.endpoint).kind, []
        async with aclosing(self.begin()) as reader:
            while (page := await reader.next()) is not None:
                waiting += page.items
                while len(waiting) >= rows:
                    batch, waiting = waiting[:rows], waiting[rows:]
                    yield record_batch(kind, batch)
            if waiting:
                yield record_batch(kind, waiting)

    async def to_arrow(self) -> Any:
        """Read the whole list into a pyarrow.Table with the schema of ``aiozbilling.tables.schema``.

        Raises:
            ConfigurationError: pyarrow is not installed, or the list has no table.
        """
        from aiozbilling.tables.arrow import record_batch, table_of_batches  # pyarrow is an extra
        from aiozbilling.tables.table import table_of

        kind = table_of(self.endpoint).kind
        return table_of_batches([record_batch(kind, await self.collect())])

    async def _first(self) -> Page[R]:
        async with aclosing(self.begin()) as reader:
            while (page := await reader.next()) is not None:
                if page.items or reader.walk.done:
                    return page
        return Page([], self._options.offset, 0)

    def follow(self, *, every_s: float = 10.0) -> AsyncGenerator[R, None]:
        """Iterate the rows that are new from now on, or after the cursor `after`: each new row once, oldest first.

        It never ends by itself. The list is polled every `every_s` seconds. During an outage, the polls continue with
        longer waits. The `cursor` is after a row as soon as the row is yielded.

        Raises:
            ConfigurationError: `every_s` is not a positive number, or the listing has an offset or max_items.
            ApiError: the server refuses permanently (credentials, permission).
            NotSentError: the first reading of the list needs more requests than the rate limit allows within the
                client's `max_wait_s`, in five polls in a row.
            DriftError: the rows known before are not in the list any more, or which rows are new since the cursor
                can't be decided.
            IncompleteError: the list is far shorter than before, or than at the cursor.
        """
        checked_seconds("every_s", every_s)
        options = self._options
        if options.offset or options.max_items is not None:
            raise ConfigurationError("follow() takes neither offset nor max_items")
        if options.after is not None and not options.after.finished:
            raise ConfigurationError(
                "follow() continues only after a list that was read to its end, or after a follow()"
            )
        # Imported here: both modules would slow down `import aiozbilling`, and most programs only read lists.
        from aiozbilling.listing.follow import follow
        from aiozbilling.listing.news import Follower

        follower = self._latest = Follower(self._source, options.page_size, options.after)
        return follow(follower, every_s, self._source.sleep)

    def begin(self) -> Reader[R]:
        """Begin to read, for an async generator that is built on this list. The caller closes the reader."""
        source, options = self._source, self._options
        if options.after is not None and options.after.made_by == "follow":
            raise ConfigurationError("this cursor comes from follow(): continue with follow()")
        page_size = PageSize(source.page_sizes, source.endpoint, options.page_size)
        reader = self._latest = Reader(source, options, page_size)
        return reader


class Begin(Protocol):
    """``billing.top_ups`` or ``billing.history_usage``."""

    def __call__(self, *, offset: int = 0, max_items: int | None = None, after: str | None = None) -> Listing[Any]:
        """Return a listing."""
        ...


def _cursor(after: Cursor | str | None, endpoint: str) -> Cursor | None:
    if after is None:
        return None
    if not isinstance(after, Cursor | str):
        raise ConfigurationError("after must be a Cursor or its text")
    cursor = Cursor.parse(str(after))  # a Cursor too: it may have been made by hand
    if cursor.endpoint != endpoint:
        raise ConfigurationError(f"this cursor belongs to {cursor.endpoint}, not to {endpoint}")
    return cursor
