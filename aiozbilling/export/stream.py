"""Streams a list as bytes for a web response, page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from aiozbilling.export.formats import FileFormat, encoding
from aiozbilling.listing.listing import Listing
from aiozbilling.listing.misuse import refuse_no_listing
from aiozbilling.tables.table import table_of

__all__ = ["stream_csv", "stream_jsonl"]


def stream_csv(listing: Listing[Any]) -> AsyncGenerator[bytes, None]:
    """Stream a list as CSV: one chunk for each page, as the pages arrive. The first chunk has the header line.

    A text that a spreadsheet would run as a formula gets an apostrophe before it. The first request is sent when the
    first chunk is requested: await that chunk before the status of the response is sent, so that an error of the first
    page can become an error response. When the iteration ends, for any reason, no request is left in flight.

    Raises:
        ConfigurationError: the list has no table. Iterating raises what iterating the `Listing` raises.
    """
    return _streamed(listing, "csv")


def stream_jsonl(listing: Listing[Any]) -> AsyncGenerator[bytes, None]:
    """Stream a list as JSON Lines: one chunk for each page, as the pages arrive. Amounts are text.

    The first request is sent when the first chunk is requested. When the iteration ends, for any reason, no request is
    left in flight.

    Raises:
        ConfigurationError: the list has no table. Iterating raises what iterating the `Listing` raises.
    """
    return _streamed(listing, "jsonl")


def _streamed(listing: Listing[Any], name: FileFormat) -> AsyncGenerator[bytes, None]:
    refuse_no_listing(listing)
    table = table_of(listing.endpoint)
    form = encoding(name, table)

    async def chunks() -> AsyncGenerator[bytes, None]:
        header = form.header
        async with aclosing(listing.begin()) as reader:
            while (page := await reader.next()) is not None:
                if page.items:
                    yield header + form.encode(table.cells(page.items))
                    header = b""
            if header:
                yield header

    return chunks()
