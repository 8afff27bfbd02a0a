"""Converts a reply to its record or to an error, with the envelope and the structure, without I/O."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TypeVar

import attrs

from aiozbilling.errors import ApiError, DecodeError
from aiozbilling.exchange.endpoint import Endpoint
from aiozbilling.exchange.envelope import MOST_CLEANED, Clean, api_error, message_of, rejected
from aiozbilling.exchange.rows import parts_of, rows_of
from aiozbilling.exchange.structure import parse, structure
from aiozbilling.exchange.transport import Reply

__all__ = ["read", "read_at_once"]

T = TypeVar("T")
_EXCERPT = 200
_AT_ONCE = 1024 * 1024  # a page of 1000 top-ups has 560 KiB
# Only a page of rows is larger. Parsing it at once would block the event loop, even in a thread.
_LARGEST_DOCUMENT = 2 * 1024 * 1024
# Lists, objects and fractions are slow to parse: 2 MiB of "[]," take 140 ms, of usual rows 15 ms.
_MOST_OF_EACH = 50_000


def read_at_once(endpoint: Endpoint[T], reply: Reply, clean: Clean) -> T | None:
    """Return the record of a usual reply, or None if `read` must handle it in a thread, because it may take seconds.

    Raises:
        ApiError: the status is an error; the subclass depends on it.
    """
    if not 200 <= reply.status < 300:
        raise _refused(endpoint, reply, clean)
    if endpoint.quick is None or len(reply.body) > _AT_ONCE:
        return None
    return endpoint.quick(reply.body)


def read(endpoint: Endpoint[T], reply: Reply, clean: Clean) -> T:
    """Return the record of a successful reply, without holding the interpreter's lock for long.

    Raises:
        ApiError: the envelope reports an error.
        DecodeError: the body does not match the API's description.
    """
    try:
        page = _page(endpoint, reply, clean)
        return _whole(endpoint, reply, clean) if page is None else page
    except DecodeError as error:
        error.excerpt = clean(reply.body[:MOST_CLEANED].decode(errors="replace"))[:_EXCERPT]
        raise


def _page(endpoint: Endpoint[T], reply: Reply, clean: Clean) -> T | None:
    """Read a page row by row, or return None if its document must be read as a whole."""
    if endpoint.rows is None or (parts := parts_of(reply.body, endpoint.rows[0])) is None:
        return None
    name, row = endpoint.rows
    try:
        data = _data(endpoint, reply.status, parts.envelope, clean)
        page: Any = structure(data, endpoint.kind, path="$.data", clean=clean)
    except DecodeError:
        return None  # the whole document may have a message
    if getattr(page, name) != []:
        return None
    try:
        page = attrs.evolve(page, **{name: rows_of(parts, row, path=f"$.data.{name}", clean=clean)})
    except DecodeError as error:
        if error.malformed and len(reply.body) <= _LARGEST_DOCUMENT:
            return None  # reading it as a whole finds the reason
        raise
    record: T = page
    return record


def _whole(endpoint: Endpoint[T], reply: Reply, clean: Clean) -> T:
    if len(reply.body) > _LARGEST_DOCUMENT:
        raise DecodeError([f"the body has {len(reply.body)} bytes, but no list of rows"])
    if any(reply.body.count(sign) > _MOST_OF_EACH for sign in (b"[", b"{", b".")):
        raise DecodeError(["the body has too many values for a reply"])
    return structure(_data(endpoint, reply.status, reply.body, clean), endpoint.kind, path="$.data", clean=clean)


def _data(endpoint: Endpoint[Any], status: int, body: bytes, clean: Clean) -> Any:
    """Return the payload of the envelope."""
    document = parse(body)
    problem = ""
    try:
        refusal = endpoint.system.envelope(document, clean)
    except ValueError as error:
        refusal, problem = None, str(error)
    if refusal is not None:
        raise rejected(status, refusal)
    if problem:
        said = message_of(document, clean)
        message = f", but has the message {said!r}" if said else ""
        raise DecodeError([f"{problem}: this is not a reply of {endpoint.system.name}{message}"])
    if "data" not in document:
        raise DecodeError(["expected a value at $.data, but it is missing"])
    return document["data"]


def _refused(endpoint: Endpoint[Any], reply: Reply, clean: Clean) -> ApiError:
    document: Any = None
    with suppress(DecodeError):  # HTML from a proxy and plain text are used as the message
        document = parse(reply.body)
    text = reply.body.decode(errors="replace")
    hint = endpoint.system.hints.get(reply.status, "")
    return api_error(reply.status, reply.headers, document, text, clean=clean, hint=hint)
