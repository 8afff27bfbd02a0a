"""The workbook: typed cells, sums, and text that is never a formula."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import time
import zipfile
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import openpyxl
import pytest

from aiozbilling import ConfigurationError, ExportError
from aiozbilling.records.amounts import exact_sum
from aiozbilling.report import write_report
from aiozbilling.statement import statement
from tests.report.cases import CASES, READ_AT, usual

SOFFICE = shutil.which("soffice")
NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def cells_of(path, sheet: int) -> list[list[tuple[str, str]]]:
    """Read a sheet's cells as (type, text): s for text, n for a number."""
    with zipfile.ZipFile(path) as book:
        strings = [
            "".join(part.itertext())
            for part in ElementTree.fromstring(book.read("xl/sharedStrings.xml")).findall("m:si", NS)
        ]
        root = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))
    rows = []
    for row in root.iter(f"{{{NS['m']}}}row"):
        cells = []
        for cell in row.findall("m:c", NS):
            value = cell.findtext("m:v", "", NS)
            is_text = cell.get("t") == "s"
            cells.append(("s" if is_text else "n", strings[int(value)] if is_text else value))
        rows.append(cells)
    return rows


def test_months_are_dates_with_rounded_and_exact_amounts(tmp_path):
    """Money is a number of cents beside its exact text, days are dates, and totals are exact sums."""
    book = statement(usual())
    assert write_report(book, tmp_path / "r.xlsx", now=READ_AT) == "2026-10"
    head, *rows, total = cells_of(tmp_path / "r.xlsx", 2)
    assert [text for _, text in head[:4]] == ["month", "state", "spend USD", "spend USD, exact"]
    october = rows[-2]
    spend = book.month("2026-10").spend
    assert october[0] == ("n", str((date(2026, 10, 1) - date(1899, 12, 30)).days))
    assert october[2:4] == [("n", str(float(round(spend, 2)))), ("s", format(spend.normalize(), "f"))]
    assert Decimal(total[3][1]) == exact_sum(*(month.spend for month in book.months))


def test_the_summary_has_its_money_as_numbers(tmp_path):
    """Spend, balances, deposits and this month are numbers of cents; the runway is a text."""
    book = statement(usual())
    write_report(book, tmp_path / "r.xlsx", now=READ_AT)
    rows = cells_of(tmp_path / "r.xlsx", 1)[1:7]
    assert rows[0][2] == ("n", str(float(round(book.month("2026-10").spend, 2))))
    assert [row[2][0] == "n" and bool(row[2][1]) for row in rows] == [True, True, True, True, False, True]


def test_the_summary_says_what_it_rests_on(tmp_path):
    """The summary has the sentences of the page, its time, unit and source, and a chart of the months."""
    write_report(statement(CASES["right-to-left"]()), tmp_path / "r.xlsx", now=READ_AT)
    rows = {row[0][1]: row[3][1] for row in cells_of(tmp_path / "r.xlsx", 1)[1:]}
    assert rows["In short"].startswith("October cost $")
    assert "account 👩‍👩‍👧\u00a0צוות lasts until" in rows["In short"]
    assert "as of 2026-11-21 12:00 UTC · amounts in USD" in rows["Source"]
    with zipfile.ZipFile(tmp_path / "r.xlsx") as book:
        chart = book.read("xl/charts/chart1.xml").decode()
    assert "AIOZ Pin in USD; 2026-11 so far" in chart
    assert "Months!$E$2:$E$5" in chart


def test_months_that_are_not_whole_are_marked(tmp_path):
    """The first month of the history and the running one have their number of days, and are paler in the chart."""
    write_report(statement(usual()), tmp_path / "r.xlsx", now=READ_AT)
    months = openpyxl.load_workbook(tmp_path / "r.xlsx")["Months"]
    states = [cell.value for cell in months["B"]]
    assert (states[1], states[-2]) == ("closed (14 days)", "open (21 days)")
    assert set(states[2:-2]) == {"closed"}
    with zipfile.ZipFile(tmp_path / "r.xlsx") as book:
        chart = book.read("xl/charts/chart1.xml").decode()
    assert "paler: not the whole month" in chart
    assert re.findall(r'<c:dPt><c:idx val="(\d+)"/>', chart) == ["0", str(len(states) - 3)] * 3


def test_titles_stand_above_their_numbers(tmp_path):
    """A title is aligned as its column, and the days of compute units are dates."""
    write_report(statement(usual()), tmp_path / "r.xlsx", now=READ_AT)
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx")["Compute units"]
    assert [sheet[place].alignment.horizontal for place in ("A1", "F1", "G1", "H1")] == ["left", *["right"] * 3]
    assert [sheet[place].value.date() for place in ("B2", "C2")] == [date(2026, 10, 1)] * 2


def test_no_text_is_a_formula(tmp_path):
    """Text that begins like a formula or a link is text in every sheet."""
    for case in ("hostile", "huge", "nothing"):
        write_report(statement(CASES[case]()), tmp_path / "r.xlsx", now=READ_AT)
        with zipfile.ZipFile(tmp_path / "r.xlsx") as book:
            sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
            assert len(sheets) == 10
            assert not [name for name in sheets if b"<f>" in book.read(name) or b"<hyperlink" in book.read(name)]


def test_amounts_beyond_a_spreadsheets_digits_stay_exact(tmp_path):
    """A number that a spreadsheet would round is written as text with all its digits."""
    book = statement(CASES["huge"]())
    write_report(book, tmp_path / "r.xlsx", now=READ_AT)
    last = cells_of(tmp_path / "r.xlsx", 2)[-2]
    assert last[2] == last[3] == ("s", format(book.months[-1].spend.normalize(), "f"))


def test_other_endings_and_places_are_refused(tmp_path):
    """A name that is neither a page nor a workbook, a static workbook, and a missing folder are errors."""
    book = statement(usual())
    with pytest.raises(ConfigurationError, match="ends with .html or .xlsx"):
        write_report(book, tmp_path / "report.pdf")
    with pytest.raises(ConfigurationError, match="no script"):
        write_report(book, tmp_path / "report.xlsx", static=True)
    for name in ("missing/r.xlsx", "missing/r.html"):
        with pytest.raises(ExportError, match="no such folder"):
            write_report(book, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_link_stays_and_a_pipe_is_refused(tmp_path):
    """The target of a link is replaced, not the link; a folder and a pipe are not replaced."""
    book = statement(usual())
    (tmp_path / "link.html").symlink_to("target.html")
    write_report(book, tmp_path / "link.html", static=True, now=READ_AT)
    assert (tmp_path / "link.html").is_symlink()
    assert b"<html" in (tmp_path / "target.html").read_bytes()
    (tmp_path / "folder.html").mkdir()
    os.mkfifo(tmp_path / "pipe.html")
    for name in ("folder.html", "pipe.html"):
        with pytest.raises(ConfigurationError, match="is a folder, a device or a pipe"):
            write_report(book, tmp_path / name, static=True, now=READ_AT)
    with pytest.raises(ExportError, match="file name too long. Fix this and write the report again"):
        write_report(book, tmp_path / f"{'r' * 300}.html", static=True, now=READ_AT)
    assert {path.name for path in tmp_path.iterdir()} == {"link.html", "target.html", "folder.html", "pipe.html"}


def test_the_file_of_a_killed_report_is_removed(tmp_path):
    """A report removes what a killed one left an hour ago, but nothing of one that runs, and no other file."""
    kept = {".r.xlsx.0000abcd.part", ".r.xlsx.notes.part", ".q.xlsx.0000abce.part"}
    for name in (*kept, ".r.xlsx.0000abce.part"):
        (tmp_path / name).touch()
    for name in (".r.xlsx.notes.part", ".q.xlsx.0000abce.part", ".r.xlsx.0000abce.part"):
        os.utime(tmp_path / name, (0, time.time() - 4000))
    write_report(statement(usual()), tmp_path / "r.xlsx", now=READ_AT)
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "r.xlsx"}


@pytest.mark.slow
@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
def test_libreoffice_reads_the_right_sums(tmp_path):
    """LibreOffice opens the workbook; its days add up to the total, and days are days."""
    book = statement(CASES["hostile"]())
    write_report(book, tmp_path / "r.xlsx", now=READ_AT)
    filter_ = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    command = [SOFFICE, "--headless", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"]
    subprocess.run(
        [*command, "--convert-to", filter_, "--outdir", str(tmp_path), str(tmp_path / "r.xlsx")],
        check=True, capture_output=True, timeout=500,
    )  # fmt: skip
    rows = list(csv.reader((tmp_path / "r-Days.csv").read_text(encoding="utf-8").splitlines()))
    head, *days, total = rows
    assert head[:4] == ["account", "day", "spend USD", "spend USD, exact"]
    assert days[0][0].startswith("<script>")
    assert days[0][1] == "2026-08-24"
    exact = exact_sum(*(Decimal(row[3]) for row in days))
    assert exact == Decimal(total[3]) == exact_sum(*(month.spend for month in book.months))
    assert abs(sum(Decimal(row[2]) for row in days) - exact) < Decimal("0.005") * len(days)
