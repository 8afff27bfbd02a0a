"""How many rows a request asks for: the number that the caller gives, or the largest that the server takes."""

from __future__ import annotations

from collections.abc import MutableMapping

import attrs

__all__ = ["SIZES", "PageSize"]

SIZES = (1000, 100, 10)  # asked for in turn where a server refuses
_SMALLEST_SIZE = 10


@attrs.define(eq=False, repr=False)
class PageSize:
    """The rows of one request, which a client remembers for its next lists.

    Attributes:
        rows: of the next request.
        found: what was found before, by endpoint; it is updated.
        endpoint: path of the list.
        given: by the caller, or None; it is kept, whatever the server does.
        largest: rows of a request where the caller gives no size.
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
        """Take the next smaller size after the server refused one; False where there is none."""
        smaller = None if self.given is not None else next((size for size in SIZES if size < self.rows), None)
        self.rows = smaller or self.rows
        return smaller is not None

    def learn(self, asked: int, came: int, *, are_more: bool) -> None:
        """Remember what the server did not refuse, and what it cut two pages to.

        Args:
            asked: rows asked for.
            came: rows that came.
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
