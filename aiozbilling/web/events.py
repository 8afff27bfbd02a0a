"""A feed as server-sent events, the format that ``EventSource`` of every browser reads."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from aiozbilling.errors import AiozBillingError, FeedError
from aiozbilling.records.json import to_json
from aiozbilling.records.record import Record
from aiozbilling.web.feed import Feed, row_id
from aiozbilling.web.problems import problem

__all__ = ["event_stream"]

R = TypeVar("R", bound=Record)


def event_stream(feed: Feed[R], last_event_id: str | None = None) -> AsyncGenerator[bytes, None]:
    r"""Return the body of a ``text/event-stream`` response: an event for each new row, named ``row``.

    The id of an event is the id of the row, and its data is the row as JSON (`to_json`). Without new rows, comments
    keep the connection open. A browser that reconnects sends the last id as ``Last-Event-ID``: pass it on, and the
    browser gets exactly the missed rows. If these are no longer available, the first event is ``reset``, and the page
    must load the list again. If the feed ends with an error, the last event ``problem`` has its problem details.

    Args:
        feed: a running feed.
        last_event_id: the request's header ``Last-Event-ID``, or None.

    Raises:
        AiozBillingError: the feed has ended; raised here, so that it becomes an error response.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
    """
    try:
        return _events(feed.subscribe(last_event_id or None), is_reset=False)
    except FeedError:
        return _events(feed.subscribe(), is_reset=True)


async def _events(rows: AsyncIterator[R | None], *, is_reset: bool) -> AsyncGenerator[bytes, None]:
    yield _RESET if is_reset else b": connected\n\n"
    try:
        async for row in rows:
            yield b": heartbeat\n\n" if row is None else _event("row", to_json(row), row_id(row))
    except AiozBillingError as error:
        yield _RESET if isinstance(error, FeedError) else _event("problem", problem(error).body.decode())


_RESET = b"event: reset\nid:\ndata:\n\n"  # the empty id makes the browser forget the one that it has


def _event(name: str, data: str, identifier: str = "") -> bytes:
    # A provider's id with a line break would end the field and begin another one.
    has_id = identifier and not set(identifier) & set("\r\n\0")
    lines = [f"event: {name}", *([f"id: {identifier}"] if has_id else ()), f"data: {data}", "", ""]
    return "\n".join(lines).encode()
