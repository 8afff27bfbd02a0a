"""Tables of the page: columns, rows of text, and folded rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import attrs

__all__ = ["Grid", "clean", "shown"]

_LONGEST = 60
_UNSHOWN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_JOINERS = "\u200c\u200d"  # parts of emoji and of words in Persian and Hindi
_RIGHT_TO_LEFT = frozenset(("R", "AL", "AN"))


@attrs.frozen(kw_only=True)
class Grid:
    """A table of the page.

    Attributes:
        columns: titles. A title that begins with ``<`` is aligned to the left, the others to the right.
        rows: cells of text or of drawn markup.
        folded: further rows, shown on demand.
        folded_title: title of the folded rows.
        total: the last row, or empty.
        marked: first cell of the row in bold, or empty.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    folded: Sequence[Sequence[Any]] = ()
    folded_title: str = ""
    total: Sequence[Any] = ()
    marked: str = ""

    @property
    def titles(self) -> list[str]:
        """The titles without ``<``."""
        return [title.removeprefix("<") for title in self.columns]

    @property
    def sides(self) -> list[str]:
        """The CSS class of each column's cells: ``l`` for left, empty for right."""
        return ["l" if title.startswith("<") else "" for title in self.columns]


def shown(text: str | None) -> str:
    """Return a provider's text for a sentence or a cell: `clean`, at most 60 characters, in a direction of its own."""
    cleaned = clean(text, _LONGEST)
    if not any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in cleaned):
        return cleaned
    # Otherwise a browser mixes a Hebrew or Arabic name with the numbers and names beside it.
    return f"\u2068{cleaned}\u2069".replace(" ", "\u00a0")


def clean(text: str | None, longest: int) -> str:
    """Return a provider's text without control and bidirectional characters, and with at most `longest` characters."""
    text = (text or "").strip()
    cleaned = "".join(
        "�" if unicodedata.category(character) in _UNSHOWN and not _joins(before, character) else character
        for before, character in pairwise(f" {text}")
    )
    return cleaned if len(cleaned) <= longest else f"{cleaned[: longest - 1]}…"


def _joins(before: str, character: str) -> bool:
    return character in _JOINERS and not before.isascii()
