"""Tables of the page: columns, rows of text, and folded rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import attrs

__all__ = ["Grid", "shown"]

_LONGEST = 60
_UNSHOWN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


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


def shown(text: str | None, longest: int = _LONGEST) -> str:
    """Return a provider's text without control and bidirectional characters, and with at most 60 characters."""
    text = (text or "").strip()
    clean = "".join("�" if unicodedata.category(character) in _UNSHOWN else character for character in text)
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"
