"""Writes the statement as a workbook, with the exact amount as text next to each rounded amount."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from io import BytesIO
from typing import Any

import attrs

from aiozbilling.records.texts import decimal_text
from aiozbilling.report.extra import needs_extra
from aiozbilling.report.grid import clean
from aiozbilling.report.period import ReportMonth, is_whole
from aiozbilling.report.sheets import Sheet, sheets
from aiozbilling.statement.months import SpendMonth

__all__ = ["workbook"]

_LONGEST_TEXT = 500
_NO_ISOLATES = dict.fromkeys(map(ord, "\u2068\u2069"))  # a cell has one direction
_LARGEST = 10**15  # a spreadsheet's number has 15 digits
_CHART_MONTHS = 24
_LINE, _WORDS_WIDTH = 15, 92  # height of a line, and the characters of one
_HEAD = {"bold": True, "bg_color": "#E8EEF3", "bottom": 1, "text_wrap": True, "valign": "top"}
_FORMATS: dict[str, dict[str, Any]] = {
    "text": {"align": "left", "indent": 1},
    "words": {"align": "left", "indent": 1, "text_wrap": True},
    "money": {"num_format": "#,##0.00;[Red]-#,##0.00"},
    "number": {"num_format": "#,##0.####"},
    "count": {"num_format": "#,##0"},
    "share": {"num_format": "0.0 %"},
    "day": {"num_format": "yyyy-mm-dd", "align": "left", "indent": 1},
    "month": {"num_format": "yyyy-mm", "align": "left", "indent": 1},
    "time": {"num_format": "yyyy-mm-dd hh:mm", "align": "left", "indent": 1},
    "exact": {"num_format": "@", "align": "right", "font_color": "#5A6B78"},
}


def workbook(of: ReportMonth) -> bytes:
    """Return the workbook of a month as the bytes of an XLSX file.

    Texts are never formulas, days are dates, and money is a number rounded half to even to cents. A number of more than
    15 digits is text.

    Raises:
        ConfigurationError: the extra ``report`` is not installed.
    """
    with needs_extra():
        import xlsxwriter

    file = BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(file, {**options, "remove_timezone": True})
    book.set_properties({"title": f"Billing report, {of.month}", "comments": "created by aiozbilling"})
    drawing = _Book(
        book,
        {name: book.add_format({**format_, "valign": "top"}) for name, format_ in _FORMATS.items()},
        {name: book.add_format({**format_, "bold": True, "top": 1}) for name, format_ in _FORMATS.items()},
        {
            name: book.add_format(
                {**_HEAD, "align": "left" if "indent" in format_ else "right", "indent": format_.get("indent", 0)}
            )
            for name, format_ in _FORMATS.items()
        },
    )
    for sheet in sheets(of):
        drawing.add(sheet)
    if of.statement.months:
        drawing.chart(of.statement.months)
    book.close()
    return file.getvalue()


@attrs.define(eq=False)
class _Book:
    _book: Any
    _cells: dict[str, Any]
    _totals: dict[str, Any]
    _heads: dict[str, Any]

    def add(self, sheet: Sheet) -> None:
        page = self._book.add_worksheet(sheet.name)
        for index, (title, kind, width) in enumerate(sheet.columns):
            page.write_string(0, index, title, self._heads[kind])
            page.set_column(index, index, width, self._cells[kind])
        for number, row in enumerate(sheet.rows, 1):
            self._row(page, sheet, number, row, self._cells)
        if sheet.rows:
            page.autofilter(0, 0, len(sheet.rows), len(sheet.columns) - 1)
        if sheet.total:
            self._row(page, sheet, len(sheet.rows) + 1, sheet.total, self._totals)
        page.set_row(0, 30)
        page.freeze_panes(1, 1)
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        page.set_footer("&L&A&RPage &P of &N")

    def chart(self, months: Sequence[SpendMonth]) -> None:
        """Draw the spend by month below the summary, from the cells of the sheet of months."""
        chart = self._book.add_chart({"type": "column", "subtype": "stacked"})
        drawn = months[-_CHART_MONTHS:]
        first, last = len(months) - len(drawn) + 1, len(months)
        for column, color in ((4, "#1F6FB2"), (6, "#D07C14"), (8, "#84929D")):  # storage, bandwidth, not split
            points = [None if is_whole(month) else _pale(color) for month in drawn]
            chart.add_series(
                {
                    "name": ["Months", 0, column],
                    "categories": ["Months", first, 0, last, 0],
                    "values": ["Months", first, column, last, column],
                    "fill": {"color": color},
                    "points": points,
                    "gap": 40,
                }
            )
        so_far = "" if months[-1].is_closed else f"; {months[-1].month} so far"
        so_far += "" if all(map(is_whole, drawn)) else "; paler: not the whole month"
        font = {"name_font": {"size": 12, "bold": True}}
        chart.set_title({"name": f"Spend by month, AIOZ Pin in USD{so_far}", **font})
        chart.set_x_axis({"num_format": "yyyy-mm", "text_axis": True, "label_position": "low"})
        chart.set_y_axis({"num_format": "#,##0.00", "major_gridlines": {"visible": True, "line": {"color": "#DDE3E8"}}})
        chart.set_legend({"position": "top"})
        chart.set_size({"width": 900, "height": 320})
        page = self._book.get_worksheet_by_name("Summary")
        page.fit_to_pages(1, 1)
        page.insert_chart(page.dim_rowmax + 2, 0, chart)

    def _row(self, page: Any, sheet: Sheet, number: int, row: Sequence[Any], formats: dict[str, Any]) -> None:
        words = [value for value, (_, kind, _) in zip(row, sheet.columns, strict=True) if kind == "words"]
        if words:  # LibreOffice shows the first line only of a wrapped text in a row without a height
            page.set_row(number, _LINE * -(-len(words[0]) // _WORDS_WIDTH))
        for index, (value, (_, kind, _)) in enumerate(zip(row, sheet.columns, strict=True)):
            _write(page, number, index, value, kind, formats[kind])


def _pale(color: str) -> dict[str, Any]:
    return {"fill": {"color": color, "transparency": 50}, "border": {"color": color}}


def _write(page: Any, row: int, column: int, value: Any, kind: str, format_: Any) -> None:
    if value is None or value == "":
        page.write_blank(row, column, None, format_)
    elif kind == "exact":
        page.write_string(row, column, decimal_text(value), format_)
    elif isinstance(value, str):
        page.write_string(row, column, clean(value.translate(_NO_ISOLATES), _LONGEST_TEXT), format_)
    elif kind in ("day", "month"):
        page.write_datetime(row, column, value, format_)
    elif kind == "time":
        page.write_datetime(row, column, value.astimezone(dt.UTC).replace(tzinfo=None), format_)
    elif abs(Fraction(value)) >= _LARGEST:
        page.write_string(row, column, decimal_text(value) if isinstance(value, Decimal) else str(int(value)), format_)
    else:
        number = round(Fraction(value), 2) if kind == "money" else Fraction(value)
        page.write_number(row, column, float(number), format_)
