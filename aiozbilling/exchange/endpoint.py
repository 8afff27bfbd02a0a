"""Rows of the endpoint tables: what is called, and what its replies hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

import attrs

from aiozbilling.exchange.compiled import quick_decoder, row_field
from aiozbilling.exchange.envelope import Envelope

__all__ = ["Endpoint", "System"]

T = TypeVar("T")


@attrs.frozen
class System:
    """What the calls of one provider have in common.

    Attributes:
        name: for messages.
        envelope: judges a document.
        hints: what to do about an HTTP status.
        quick: whether its envelope is ``{"data": …, "status": "success"}``, which the fast path reads.
    """

    name: str
    envelope: Envelope
    hints: Mapping[int, str]
    quick: bool = False


@attrs.frozen(slots=False, eq=False)
class Endpoint(Generic[T]):
    """A row of an endpoint table.

    Attributes:
        system: the provider.
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
        """The decoder of the fast path, where there is one."""
        return quick_decoder(self.kind) if self.system.quick else None

    @cached_property
    def rows(self) -> tuple[str, type] | None:
        """The name of the list that a reply holds and the class of its rows, where it is a page."""
        kind: Any = self.kind
        return row_field(kind) if self.system.quick else None
