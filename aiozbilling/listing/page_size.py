"""The number of rows per request: the caller's choice, or the largest that the server accepts."""

from __future__ import annotations

from collections.abc import MutableMapping

import attrs

__all__ = ["SIZES", "PageSize"]

SIZES = (1000, 100, 10)  # tried in turn if the server refuses
_SMALLEST_SIZE = 10


@attrs.define(eq=False, repr=False)
class PageSize:
    """The number of rows per request. A client remembers it for its next lists.

    Attributes:
        rows: rows of the next request.
        found: the sizes found before, by endpoint; it is updated.
        endpoint: path of the list.
        given: the caller's choice, or None. It is never changed.
        largest: the largest size if the caller chose none.
    """

    found: MutableMapping[str, int]
    endpoint: str
    given: int | None
    largest: int = SIZES[0]
    rows: int = attrs.field(init=False)
    _cuts: list[int] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.rows = self.given or min(self.found.get(self.endpoint, SIZES[0]), self.largest)

    def shrink(self) -> bool:
        """Use the next smaller size after the server refused one; return False if there is none."""
        smaller = None if self.given is not None else next((size for size in SIZES if size < self.rows), None)
        self.rows = smaller or self.rows
        return smaller is not None

    def learn(self, asked: int, came: int, *, are_more: bool) -> None:
        """Remember a size that the server accepted, or the size to which it cut two pages.

        Args:
            asked: rows requested.
            came: rows in the reply.
            are_more: whether the list has more rows after them, so that the server cut the page or the list changed.
        """
        if self.given is not None:
            return
        if are_more and _SMALLEST_SIZE <= came < asked:
            self._cuts.append(came)
        if self.rows < self.largest:
            self.found.setdefault(self.endpoint, self.rows)
        if len(self._cuts) > 1 and self._cuts[-1] == self._cuts[-2]:
            self.found[self.endpoint] = self._cuts[-1]
