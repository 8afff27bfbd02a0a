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
from aiozbilling.report.grid import shown
from aiozbilling.report.period import ReportMonth
from aiozbilling.report.sheets import Sheet, sheets

__all__ = ["workbook"]

_LONGEST_TEXT = 500
_LARGEST = 10**15  # a spreadsheet's number has 15 digits
_FORMATS = {
    "text": {},
    "money": {"num_format": "#,##0.00;[Red]-#,##0.00"},
    "number": {"num_format": "#,##0.####"},
    "count": {"num_format": "#,##0"},
    "share": {"num_format": "0.0 %"},
    "day": {"num_format": "yyyy-mm-dd", "align": "left"},
    "month": {"num_format": "yyyy-mm", "align": "left"},
    "time": {"num_format": "yyyy-mm-dd hh:mm"},
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
        book.add_format({"bold": True, "bg_color": "#E8EEF3", "bottom": 1, "text_wrap": True, "valign": "top"}),
    )
    for sheet in sheets(of):
        drawing.add(sheet)
    book.close()
    return file.getvalue()


@attrs.define(eq=False)
class _Book:
    _book: Any
    _cells: dict[str, Any]
    _totals: dict[str, Any]
    _head: Any

    def add(self, sheet: Sheet) -> None:
        page = self._book.add_worksheet(sheet.name)
        for index, (title, kind, width) in enumerate(sheet.columns):
            page.write_string(0, index, title, self._head)
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

    def _row(self, page: Any, sheet: Sheet, number: int, row: Sequence[Any], formats: dict[str, Any]) -> None:
        for index, (value, (_, kind, _)) in enumerate(zip(row, sheet.columns, strict=True)):
            _write(page, number, index, value, kind, formats[kind])


def _write(page: Any, row: int, column: int, value: Any, kind: str, format_: Any) -> None:
    if value is None or value == "":
        page.write_blank(row, column, None, format_)
    elif kind in ("text", "exact"):
        page.write_string(row, column, shown(value, _LONGEST_TEXT) if kind == "text" else decimal_text(value), format_)
    elif kind in ("day", "month"):
        page.write_datetime(row, column, value, format_)
    elif kind == "time":
        page.write_datetime(row, column, value.astimezone(dt.UTC).replace(tzinfo=None), format_)
    elif abs(Fraction(value)) >= _LARGEST:
        page.write_string(row, column, decimal_text(value) if isinstance(value, Decimal) else str(int(value)), format_)
    else:
        number = round(Fraction(value), 2) if kind == "money" else Fraction(value)
        page.write_number(row, column, float(number), format_)
