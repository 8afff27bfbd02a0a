"""Rows of a list that came together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar, overload

import attrs

__all__ = ["Page"]

R = TypeVar("R")


@attrs.frozen
class Page(Generic[R]):
    """Rows of a list that came together.

    Attributes:
        items: the rows, in list order, none of which was delivered before.
        offset: position of the first in the list.
        total: rows of the list by the server's count.
    """

    items: list[R]
    offset: int
    total: int

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[R]:
        return iter(self.items)

    @overload
    def __getitem__(self, place: int) -> R: ...

    @overload
    def __getitem__(self, place: slice) -> list[R]: ...

    def __getitem__(self, place: int | slice) -> R | list[R]:
        return self.items[place]
