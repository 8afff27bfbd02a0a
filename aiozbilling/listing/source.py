"""The source of a listing: how to read one list of one account."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import attrs

from aiozbilling.exchange.call import Received

__all__ = ["Source", "key_from_text", "key_text"]

R = TypeVar("R")


@attrs.frozen(eq=False, repr=False)
class Source(Generic[R]):
    """One list.

    Attributes:
        endpoint: its path.
        fetch: reads ``(offset, limit)``, returns the rows (null rows as None) and the server's total. It calls its
            third argument when the reply has come, before it is decoded.
        key: returns a row's unique key, a str or an aware datetime.
        time: returns a row's time, or None.
        host: host of the server, or empty.
        page_sizes: the page size that each endpoint accepts, as found so far by the client.
        fingerprint: identifies server and credentials under a key, or is empty where nothing identifies them.
        sleep: waits between two polls; it raises when the client is closed.
    """

    endpoint: str
    fetch: Callable[[int, int, Received | None], Awaitable[tuple[Sequence[R | None], int]]]
    key: Callable[[R], Hashable]
    time: Callable[[R], datetime | None]
    page_sizes: dict[str, int]
    host: str = ""
    fingerprint: Callable[[bytes], str] = lambda _key: ""
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


_TIME = "time:"


def key_text(key: Hashable) -> str:
    """Write a key for a cursor."""
    return f"{_TIME}{key.isoformat()}" if isinstance(key, datetime) else f"id:{key}"


def key_from_text(text: str) -> Hashable:
    """Read what `key_text` wrote.

    Raises:
        ValueError: the text is not one of `key_text`.
    """
    kind, colon, key = text.partition(":")
    if kind == "id" and colon:
        return key
    if kind == "time":
        return datetime.fromisoformat(key)
    raise ValueError(text)
