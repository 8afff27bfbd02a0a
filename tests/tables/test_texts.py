"""Cells as CSV and JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiozbilling.records.texts import decimal_text
from aiozbilling.tables.columns import Column
from aiozbilling.tables.texts import csv_header, csv_lines, decimal_texts, defused, jsonl_lines, undefused

COLUMNS = (
    Column("note", "text"),
    Column("bytes", "int"),
    Column("usd", "decimal"),
    Column("at", "time"),
    Column("ok", "bool"),
)
ROW = ('a "b",\nc', 2**63, Decimal("-0.10"), datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), True)


@pytest.mark.parametrize(
    ("number", "text"),
    [("1E+3", "1000"), ("-0.10", "-0.1"), ("0E-18", "0"), ("-0", "0"), ("1e-7", "0.0000001"), ("100", "100")],
)
def test_a_number_is_written_digit_by_digit(number: str, text: str) -> None:
    """The text has no exponent and no trailing zeros, and no digit is lost."""
    assert decimal_text(Decimal(number)) == text


@given(st.lists(st.none() | st.decimals(allow_nan=False, allow_infinity=False)))
def test_a_column_of_numbers_is_written_as_each_number(numbers: list[Decimal | None]) -> None:
    """The text of a number does not depend on the other numbers of its page."""
    assert decimal_texts(numbers) == [None if number is None else decimal_text(number) for number in numbers]


@given(st.lists(st.none() | st.text(alphabet=st.sampled_from("'=a"), max_size=3), min_size=1, max_size=3))
def test_a_column_of_texts_is_defused_as_each_text(texts: list[str | None]) -> None:
    """Whether a text is defused does not depend on the other texts of its page."""
    content = csv_lines((Column("text", "text"),), [(text,) for text in texts]).decode()
    assert content.split("\n")[:-1] == ["" if text is None else defused(text) for text in texts]


def test_csv_reads_back() -> None:
    """Quotes, line breaks and large numbers are read back; None is an empty cell."""
    text = (csv_header(COLUMNS) + csv_lines(COLUMNS, [ROW, (None,) * 5])).decode()
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == [
        {"note": 'a "b",\nc', "bytes": str(2**63), "usd": "-0.1", "at": "2026-01-02T03:04:05.000006Z", "ok": "true"},
        dict.fromkeys(("note", "bytes", "usd", "at", "ok"), ""),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_formula_is_defused(text: str) -> None:
    """A text that a spreadsheet would run gets an apostrophe; other texts do not change."""
    assert defused(text) == "'" + text
    assert defused("'" + text) == "''" + text
    assert defused("a" + text) == "a" + text
    assert defused("") == ""
    assert defused("'tis") == "'tis"


@given(st.text(alphabet=st.sampled_from("'=+-@\t\r\na1\""), max_size=6))
def test_a_defused_text_can_be_restored(text: str) -> None:
    """`undefused` restores every text exactly, so `=1` and `'=1` remain different."""
    assert undefused(defused(text)) == text
    assert not defused(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(st.lists(st.text(alphabet=st.sampled_from('\r\n",=a '), max_size=5), min_size=1, max_size=4))
def test_hostile_texts_read_back_from_csv(texts: list[str]) -> None:
    """Carriage returns, line breaks, quotes and commas remain in their cell, and no line begins with a formula."""
    columns = (Column("first", "text"), Column("second", "text"))
    content = csv_lines(columns, [(text, "x") for text in texts]).decode()
    assert [undefused(row[0]) for row in csv.reader(io.StringIO(content, newline=""))] == texts
    outside = re.sub(r'"(?:[^"]|"")*"', "", content)
    assert not re.search(r"[\r]|^[=+@-]", outside, re.MULTILINE)


def test_a_lone_carriage_return_is_quoted() -> None:
    """The bytes are the same on every Python version; before 3.13 the csv module did not quote it."""
    columns = (Column("first", "text"), Column("second", "text"))
    assert csv_lines(columns, [("a\r=1+2", "b")]) == b'"a\r=1+2",b\n'


def test_json_lines_read_back() -> None:
    """Each line is one object; amounts are text, and numbers of bytes are numbers."""
    first, second = map(json.loads, jsonl_lines(COLUMNS, [ROW, (None,) * 5]).splitlines())
    assert first == {
        "note": 'a "b",\nc',
        "bytes": 2**63,
        "usd": "-0.1",
        "at": "2026-01-02T03:04:05.000006Z",
        "ok": True,
    }
    assert second == dict.fromkeys(first, None)


def test_no_rows_are_no_bytes() -> None:
    """Without rows, there are no bytes."""
    assert csv_lines(COLUMNS, []) == jsonl_lines(COLUMNS, []) == b""
