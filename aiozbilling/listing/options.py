"""The options of one list."""

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
        offset: number of rows to skip at the beginning of the list; default 0.
        page_size: rows per request, at least 2; default None, for the largest page that the server accepts.
        max_items: maximum number of rows; default None, for all.
        concurrency: maximum number of pages that are requested at the same time; default 4.
        on_drift: what to do if the list changes during the walk. ``"repair"``, the default, continues without losing
            or repeating a row; ``"raise"`` raises `DriftError` at the first change other than an append.
        after: `Cursor` or its text, to continue after the row where it was taken; default None.
    """

    offset: int
    page_size: int | None
    max_items: int | None
    concurrency: int
    on_drift: Literal["repair", "raise"]
    after: Cursor | str | None


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ReadOptions:
    """The options of `ListOptions`, checked and with their defaults."""

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
