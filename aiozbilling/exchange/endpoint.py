"""From a reply to the record it holds, or to the error it is: envelope and structure, without I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, Generic, TypeVar

import attrs

from aiozbilling.errors import AiozBillingError, DecodeError
from aiozbilling.exchange.compiled import quick_decoder
from aiozbilling.exchange.envelope import MOST_CLEANED, Clean, Envelope, api_error, rejected
from aiozbilling.exchange.structure import parse, structure
from aiozbilling.exchange.transport import Reply

__all__ = ["Endpoint", "System", "read"]

T = TypeVar("T")
_EXCERPT = 200


@attrs.frozen
class System:
    """What the calls of one provider have in common.

    Attributes:
        name: for messages.
        envelope: judges a document.
        hints: what to do about an HTTP status.
        quick: whether msgspec may read the whole envelope at once (no renamed fields).
    """

    name: str
    envelope: Envelope
    hints: Mapping[int, str]
    quick: bool = False


@attrs.frozen(slots=False, eq=False)
class Endpoint(Generic[T]):
    """A row of an endpoint table.

    Attributes:
        system: whose it is.
        path: with ``{names}`` for what a call fills in.
        kind: the record that its ``data`` holds.
        source: the provider's page.
    """

    system: System
    path: str
    kind: type[T]
    source: str

    @property
    def title(self) -> str:
        """Method and path, as errors and logs name the call."""
        return f"GET {self.path}"

    @cached_property
    def quick(self) -> Callable[[bytes], T | None] | None:
        """The quick road, where there is one."""
        return quick_decoder(self.kind) if self.system.quick else None


def read(endpoint: Endpoint[T], reply: Reply, clean: Clean) -> T:
    """Give the record that a reply holds.

    Raises:
        ApiError: the status or the envelope says no, as the subclass that says why.
        DecodeError: the body is not what the API promises.
    """
    if not 200 <= reply.status < 300:
        raise _refused(endpoint, reply, clean)
    if endpoint.quick is not None and (record := endpoint.quick(reply.body)) is not None:
        return record
    try:
        return _read_slowly(endpoint, reply, clean)
    except DecodeError as error:
        error.excerpt = clean(reply.body[:MOST_CLEANED].decode(errors="replace"))[:_EXCERPT]
        raise


def _read_slowly(endpoint: Endpoint[T], reply: Reply, clean: Clean) -> T:
    document = parse(reply.body)
    problem = ""
    try:
        refusal = endpoint.system.envelope(document, clean)
    except ValueError as error:
        refusal, problem = None, str(error)
    if refusal is not None:
        raise rejected(reply.status, refusal)
    if problem:
        raise DecodeError([f"{problem}: this is no reply of {endpoint.system.name}"])
    if "data" not in document:
        raise DecodeError(["expected a value at $.data, it is missing"])
    return structure(document["data"], endpoint.kind, path="$.data", clean=clean)


def _refused(endpoint: Endpoint[Any], reply: Reply, clean: Clean) -> AiozBillingError:
    document: Any = None
    with suppress(DecodeError):  # of HTML from the edge and plain text the words are taken as they are
        document = parse(reply.body)
    text = reply.body.decode(errors="replace")
    hint = endpoint.system.hints.get(reply.status, "")
    return api_error(reply.status, reply.headers, document, text, clean=clean, hint=hint)
