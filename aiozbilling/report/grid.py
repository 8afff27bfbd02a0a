"""Tables of the page: columns, rows of text, and what is folded away."""

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
        columns: titles; one that begins with ``<`` is set to the left, the others to the right.
        rows: cells of text or of drawn markup.
        folded: further rows, shown on demand.
        folded_title: what they are.
        total: the last row, or nothing.
        marked: first cell of the row that is set in bold, or nothing.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    folded: Sequence[Sequence[Any]] = ()
    folded_title: str = ""
    total: Sequence[Any] = ()
    marked: str = ""

    @property
    def titles(self) -> list[str]:
        """The titles without the mark of their side."""
        return [title.removeprefix("<") for title in self.columns]

    @property
    def sides(self) -> list[str]:
        """The class of each column's cells: ``l`` for left, nothing for right."""
        return ["l" if title.startswith("<") else "" for title in self.columns]


def shown(text: str | None, longest: int = _LONGEST) -> str:
    """Make a provider's text fit to be shown: no control, no bidirectional mark, 60 characters at most."""
    text = (text or "").strip()
    clean = "".join("�" if unicodedata.category(character) in _UNSHOWN else character for character in text)
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"
