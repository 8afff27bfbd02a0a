"""The command `report`, as in aiozbilling/report/README.md."""

from __future__ import annotations

import os
import sys
import zipfile

import pytest


@pytest.mark.slow
def test_a_report_of_simulated_accounts(command, tmp_path):
    """With --simulator, one command writes a page of three accounts."""
    page = tmp_path / "report.html"
    result = command("report", "--simulator", "--month", "2026-10", "--out", str(page))
    assert (result.code, result.out.decode().split(",")[:2]) == (0, [f"{page}: 2026-10", " 3 accounts of AIOZ"])
    text = page.read_text(encoding="utf-8")
    assert "Billing report, October 2026" in text
    assert "<span>simulated</span> <span>data</span>" in text
    assert text.count("window.vegaEmbed=") == 1


def test_a_workbook_of_a_ledger(command, tmp_path):
    """The suffix .xlsx selects the workbook."""
    assert command("sync", "--db", str(tmp_path / "l.db")).code == 0
    assert command("report", "--db", str(tmp_path / "l.db"), "--out", str(tmp_path / "r.xlsx")).code == 0
    assert zipfile.is_zipfile(tmp_path / "r.xlsx")


def test_names_that_are_not_utf8(command, tmp_path):
    """A report is written to such a name, and the note about it can be printed."""
    ledger, book = str(tmp_path / "l.db"), os.fsdecode(b"r\xff.xlsx")
    assert command("sync", "--db", ledger).code == 0
    result = command("report", "--db", ledger, "--out", str(tmp_path / book))
    assert (result.code, result.out.decode().split(":")[0]) == (0, f"{tmp_path}/r�.xlsx")
    assert zipfile.is_zipfile(tmp_path / book)


def test_another_ending_is_refused(command, tmp_path):
    """A suffix other than .html or .xlsx is an error before anything is read."""
    result = command("report", "--simulator", "--out", str(tmp_path / "r.pdf"))
    assert (result.code, "ends with .html or .xlsx" in result.err, "simulated" in result.err) == (2, True, False)


def test_a_month_without_data_is_refused(command, tmp_path):
    """A month without data is a wrong argument: nothing is written, and the message names the months with data."""
    ledger, page = str(tmp_path / "l.db"), tmp_path / "r.html"
    assert command("sync", "--db", ledger).code == 0
    result = command("report", "--db", ledger, "--month", "2024-01", "--out", str(page))
    assert (result.code, page.exists()) == (2, False)
    assert result.err == "aiozbilling: there is no data for 2024-01; months with data: 2026-09 to 2026-11\n"


def test_an_account_without_rows_has_a_report_of_this_month_only(command, simulator, tmp_path, monkeypatch):
    """A report of a new account exists for the current month only."""
    newcomer = simulator.add_account()
    monkeypatch.setenv("AIOZ_PIN_API_KEY", newcomer.api_key)
    monkeypatch.setenv("AIOZ_PIN_SECRET_KEY", newcomer.secret_key)
    refused = command("report", "--month", "2024-01", "--out", str(tmp_path / "r.xlsx"))
    this_month = refused.err.strip().rpartition(" ")[2]
    assert (refused.code, refused.err.count("-")) == (2, 2)
    assert command("report", "--month", this_month, "--out", str(tmp_path / "r.xlsx")).code == 0
    assert zipfile.is_zipfile(tmp_path / "r.xlsx")


@pytest.mark.slow
def test_from_sync_to_report(command, simulator, tmp_path):
    """Commands sync, months, balance and report work one after another on a ledger of all three systems."""
    ledger, page = str(tmp_path / "l.db"), tmp_path / "r.html"
    systems = ("--what", "aioz,b3os,metered", "--organization", simulator.organization)
    assert command("sync", "--db", ledger, *systems).code == 0
    months = command("months", "--db", ledger, "-f", "csv").out.decode().splitlines()
    assert {line.partition(",")[0] for line in months[1:]} == {"aioz", "b3os", "metered"}
    assert command("balance", "--db", ledger, "-f", "csv").code == 0
    assert command("report", "--db", ledger, "--month", "2026-10", "--static", "--out", str(page)).code == 0
    text = page.read_text(encoding="utf-8")
    assert "evm-swap" in text
    assert "API Calls" in text
    assert "l.db" in text


@pytest.mark.parametrize(("name", "module"), [("r.html", "altair"), ("r.xlsx", "xlsxwriter")])
def test_a_missing_extra_is_found_before_anything_is_read(command, simulator, tmp_path, monkeypatch, name, module):
    """Without the extra, the command ends before its first request: a large account would be read for nothing."""
    monkeypatch.setitem(sys.modules, module, None)
    result = command("report", "--out", str(tmp_path / name))
    assert (result.code, result.err.endswith("pip install 'aiozbilling[report]'\n")) == (2, True)
    assert simulator.requests == []
