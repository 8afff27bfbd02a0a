"""Rows of the endpoint tables: path and reply of each endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

import attrs

from aiozbilling.exchange.compiled import quick_decoder, row_field
from aiozbilling.exchange.envelope import Envelope

__all__ = ["Endpoint", "System"]

T = TypeVar("T")


@attrs.frozen(eq=False, repr=False)
class System:
    """The common part of all endpoints of one provider.

    Attributes:
        name: name for messages.
        envelope: function that judges a document.
        hints: advice for each HTTP status.
        quick: whether the envelope is ``{"data": …, "status": "success"}``, which the fast path can read.
    """

    name: str
    envelope: Envelope
    hints: Mapping[int, str]
    quick: bool = False


@attrs.frozen(slots=False, eq=False, repr=False)
class Endpoint(Generic[T]):
    """A row of an endpoint table.

    Attributes:
        system: the provider.
        path: path with ``{names}`` that a call fills in.
        kind: class of the record in ``data``.
    """

    system: System
    path: str
    kind: type[T]

    @property
    def title(self) -> str:
        """Method and path, the name of the call in errors and logs."""
        return f"GET {self.path}"

    @cached_property
    def quick(self) -> Callable[[bytes], T | None] | None:
        """The decoder of the fast path, if there is one."""
        return quick_decoder(self.kind) if self.system.quick else None

    @cached_property
    def rows(self) -> tuple[str, type] | None:
        """The name of the reply's list and the class of its rows, if the reply is a page."""
        kind: Any = self.kind
        return row_field(kind) if self.system.quick else None
