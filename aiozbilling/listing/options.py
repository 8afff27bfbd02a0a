"""What a caller chooses for one list."""

from __future__ import annotations

from typing import Literal, TypedDict

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.checks import refuse_bad_count
from aiozbilling.listing.cursor import Cursor

__all__ = ["ListOptions", "ReadOptions"]


class ListOptions(TypedDict, total=False):
    """Keywords that all lists take.

    Attributes:
        offset: rows of the list to leave out at its beginning; 0.
        page_size: rows of one request, at least 2; None, the default, finds the largest that the server takes.
        max_items: rows at most; None, the default, for all.
        concurrency: pages in flight at most; 4.
        on_drift: when the list changes meanwhile, ``"repair"``, the default, continues without loss or repetition;
            ``"raise"`` stops with `DriftError` at the first change that is no append.
        after: a `Cursor` or its text, to continue after the row where it was taken; None.
    """

    offset: int
    page_size: int | None
    max_items: int | None
    concurrency: int
    on_drift: Literal["repair", "raise"]
    after: Cursor | str | None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ReadOptions:
    """The same, checked and with the defaults."""

    offset: int = 0
    page_size: int | None = None
    max_items: int | None = None
    concurrency: int = 4
    on_drift: Literal["repair", "raise"] = "repair"
    after: Cursor | None = None

    def __attrs_post_init__(self) -> None:
        refuse_bad_count("offset", self.offset, 0)
        refuse_bad_count("concurrency", self.concurrency, 1)
        if self.max_items is not None:
            refuse_bad_count("max_items", self.max_items, 0)
        if self.page_size is not None:
            refuse_bad_count("page_size", self.page_size, 2, ": pages must share a row to be joined exactly")
        if self.on_drift not in ("repair", "raise"):
            raise ConfigurationError(f"on_drift must be 'repair' or 'raise', not {self.on_drift!r}")
        if self.after is not None and self.offset:
            raise ConfigurationError("pass either offset or after, not both")
