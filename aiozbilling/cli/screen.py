"""The terminal: its width and character set, and tables that fit it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import attrs
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aiozbilling.cli.figures import NOTHING
from aiozbilling.cli.pictures import bar
from aiozbilling.records.texts import printable

__all__ = ["Bars", "Drawn", "Form", "Screen", "has_figures", "note_of"]

Drawn: TypeAlias = Table | Text
_GAP = 2
_NARROWEST_BAR, _WIDEST_BAR = 8, 32
_HEIGHT = 25  # not used, but without a height rich assumes that a dumb terminal is 80 wide
_RULED = box.SIMPLE
_RULED_IN_ASCII = box.Box(str(box.SIMPLE).replace("─", "-"), ascii=True)
_ASCII = str.maketrans({"…": "~", "≈": "~", NOTHING: "-", "·": "-"})


@attrs.frozen
class Form:
    """One form of a column: its title, its cells, and the total below them.

    `name` identifies the column in `note_of` where the title alone does not. The column is at least `least` wide.
    """

    title: str
    cells: Sequence[str]
    total: str = ""
    left: bool = False
    style: str = ""
    styles: Sequence[str] = ()
    name: str = ""
    least: int = 0

    @property
    def width(self) -> int:
        """Characters of the widest cell."""
        return max(self.least, *map(cell_len, (self.title, *self.cells, self.total)))

    def texts(self) -> list[Text]:
        """Return title, cells and total, aligned to the left or to the right of the column."""
        texts = [printable(text) for text in (self.title, *self.cells, self.total)]
        if not self.left:  # rich would strip the trailing blanks that align decimal points
            width = max(self.least, *map(cell_len, texts))
            texts = [" " * (width - cell_len(text)) + text for text in texts]
        styles = ("", *self.styles, "") if self.styles else [""] * len(texts)
        return [_text(text, style) for text, style in zip(texts, styles, strict=True)]


@attrs.frozen
class Bars:
    """A column of bars for shares between 0 and 1. It takes the width that the other columns leave."""

    title: str
    shares: Sequence[float]

    @property
    def width(self) -> int:
        """Characters of the narrowest bars."""
        return max(_NARROWEST_BAR, cell_len(self.title))


class Screen:
    """Draws tables and texts for stdout.

    Every text from a server goes through `printable` here, in `draw` or in `Form.texts`, and nowhere else.
    """

    def __init__(self) -> None:
        self.width: int = max(shutil.get_terminal_size().columns, 20)
        self.ascii_only: bool = not (sys.stdout.encoding or "ascii").lower().startswith("utf")
        self._before: list[tuple[int, int]] = []  # of each column of the latest table: skipped forms, and width
        self._console = Console(width=self.width, height=_HEIGHT, highlight=False, markup=False, emoji=False)

    def draw(self, drawn: Iterable[Drawn]) -> bytes:
        """Return the bytes that show tables and texts on the terminal."""
        with self._console.capture() as captured:
            for thing in drawn:
                if isinstance(thing, Text):
                    thing.plain = printable(thing.plain)  # it may contain text from a server
                self._console.print(thing)
        text = captured.get()
        return (text.translate(_ASCII) if self.ascii_only else text).encode(sys.stdout.encoding or "ascii", "replace")

    def table(
        self, columns: Sequence[Sequence[Form | Bars]], give_way: Sequence[int], *, header: bool = True
    ) -> tuple[Table, list[str]]:
        """Fit a table into the width.

        Each column is a list of forms, widest first. While the table is too wide, the columns in `give_way` take their
        next form, one after another; a column without a next form is left out. A table without a header continues the
        one before: its columns have the same forms and are at least as wide, so that the rows line up. Returns the
        table and the names of the columns that are left out; columns without content and bars don't count.
        """
        chosen: list[Sequence[Form | Bars]] = list(columns)
        if not header and self._before:
            chosen = [_continued(forms, *before) for forms, before in zip(columns, self._before, strict=True)]
        for index in give_way:
            if _width(chosen) <= self.width:
                break
            chosen[index] = chosen[index][1:]
        self._before = [
            (len(forms) - len(left), left[0].width if left else 0) for forms, left in zip(columns, chosen, strict=True)
        ]
        missing = [forms[0] for forms, left in zip(columns, chosen, strict=True) if forms and not left]
        names = [form.name or form.title for form in missing if isinstance(form, Form) and has_figures(form)]
        return self._drawn(chosen, header=header), list(filter(None, names))

    def fitted(self, columns: Sequence[Sequence[Form | Bars]], give_way: Sequence[int]) -> Iterator[Drawn]:
        """Draw a table that fits the width, and name the columns that are left out."""
        table, left_out = self.table(columns, give_way)
        yield table
        yield from map(Text, note_of(left_out))

    def _drawn(self, chosen: Sequence[Sequence[Form | Bars]], *, header: bool) -> Table:
        first = [forms[0] for forms in chosen if forms]
        foot = any(isinstance(form, Form) and form.total for form in first)
        table = Table(
            box=_RULED_IN_ASCII if self.ascii_only else _RULED,
            show_edge=False,
            pad_edge=False,
            padding=(0, _GAP - 1, 0, 0),
            show_header=header,
            show_footer=foot,
            header_style="bold",
            footer_style="bold",
        )
        room = self.width - _width(chosen)
        cells = []
        for form in first:
            if isinstance(form, Bars):
                width = min(form.width + room, _WIDEST_BAR)
                shares = [_text(bar(share, width, ascii_only=self.ascii_only)) for share in form.shares]
                table.add_column(form.title, style="cyan", no_wrap=True, min_width=width)
                cells.append(shares)
            else:
                title, *texts, total = form.texts()
                table.add_column(title, total, style=form.style, no_wrap=True, min_width=min(form.width, self.width))
                cells.append(texts)
        for row in zip(*cells, strict=True):
            table.add_row(*row)
        return table


def has_figures(form: Form) -> bool:
    """Return whether any cell has content."""
    return any(cell.strip() not in ("", NOTHING) for cell in form.cells)


def note_of(names: Iterable[str]) -> list[str]:
    """Return a line that says which columns are left out, or nothing if none is."""
    listed = ", ".join(names)
    return [f"No room for {listed}: --format csv has all columns."] if listed else []


def _continued(forms: Sequence[Form | Bars], skipped: int, width: int) -> Sequence[Form | Bars]:
    """Return the forms of a column without those that the rows before skipped, the first one at least as wide."""
    first, rest = forms[skipped : skipped + 1], forms[skipped + 1 :]
    return [attrs.evolve(form, least=width) if isinstance(form, Form) else form for form in first] + [*rest]


def _width(chosen: Sequence[Sequence[Form | Bars]]) -> int:
    widths = [forms[0].width for forms in chosen if forms]
    return sum(widths) + _GAP * (len(widths) - 1)


def _text(text: str, style: str = "") -> Text:
    return Text(text, style, overflow="ellipsis", no_wrap=True)
