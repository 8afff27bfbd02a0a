"""Lists as bytes for a web response, page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from aiozbilling.export.formats import FileFormat, encoding
from aiozbilling.listing.listing import Listing
from aiozbilling.tables.table import table_of

__all__ = ["stream_csv", "stream_jsonl"]


def stream_csv(listing: Listing[Any]) -> AsyncGenerator[bytes, None]:
    """Stream a list as CSV: a header line, then one chunk per page, as the pages arrive.

    Texts that a spreadsheet would run as a formula begin with an apostrophe. Ending the iteration in any way ends the
    requests. Nothing is asked before the first chunk; wait for that one before the response's status is sent, and
    errors of the first page can still become an error response.

    Raises:
        ConfigurationError: the list has no table. Iterating raises as `Listing` says.
    """
    return _streamed(listing, "csv")


def stream_jsonl(listing: Listing[Any]) -> AsyncGenerator[bytes, None]:
    """Stream a list as JSON Lines, one chunk per page, as the pages arrive; amounts are text.

    Ending the iteration in any way ends the requests. Nothing is asked before the first chunk.

    Raises:
        ConfigurationError: the list has no table. Iterating raises as `Listing` says.
    """
    return _streamed(listing, "jsonl")


def _streamed(listing: Listing[Any], name: FileFormat) -> AsyncGenerator[bytes, None]:
    table = table_of(listing.endpoint)
    form = encoding(name, table)

    async def chunks() -> AsyncGenerator[bytes, None]:
        header = form.header
        reading = listing.begin()
        try:
            while (delivery := await reading.next()) is not None:
                if delivery.items:
                    yield header + form.encode(table.cells(delivery.items))
                    header = b""
            if header:
                yield header
        finally:
            await reading.aclose()

    return chunks()
