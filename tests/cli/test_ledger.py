"""The commands sync and verify."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aiozbilling.export.disk import Disk
from aiozbilling.simulator import Simulator


def test_sync_keeps_a_database(command: Any, tmp_path: Path) -> None:
    """A second run finds no new rows, and accounts are separated by their labels."""
    path = str(tmp_path / "billing.sqlite")
    assert b"120 rows, 120 new, 0 changed" in command("sync", "--db", path).out
    assert b"120 rows, 0 new, 0 changed" in command("sync", "--db", path).out
    assert b"account second" in command("sync", "--db", path, "--account", "second", "--simulator").out
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT DISTINCT account FROM v_top_ups ORDER BY 1").fetchall() == [
            ("main",),
            ("second",),
        ]


def test_a_sync_that_ends_early_says_what_it_keeps(command: Any, simulator: Simulator, tmp_path: Path) -> None:
    """A note says that rows are kept if any are in the ledger; otherwise it does not."""
    arguments = ("sync", "--db", str(tmp_path / "billing.sqlite"))
    simulator.fail("http-403", times=1)
    nothing = command(*arguments)
    assert (nothing.code, "again to resume" in nothing.err) == (4, False)
    simulator.fail("http-403", times=1, path="historyUsage")
    some = command(*arguments)
    assert (some.code, "again to resume" in some.err) == (4, True)
    assert b"120 rows, 0 new" in command(*arguments).out


def test_the_ledger_of_a_running_sync_is_refused_with_the_option(command: Any, tmp_path: Path) -> None:
    """A second sync fails, and the hint names --wait."""
    with Disk().locked(tmp_path / "billing.sqlite.lock"):
        result = command("sync", "--db", str(tmp_path / "billing.sqlite"))
    assert result.code == 12
    assert " ".join(result.err.split()).endswith("is writing this file. To wait for it, use --wait 60")


def test_sync_reads_all_systems(command: Any, simulator: Simulator, tmp_path: Path, monkeypatch: Any) -> None:
    """With --what, the ledger also holds compute units and metered usage, and verify finds no difference."""
    monkeypatch.setenv("B3OS_ORGANIZATION", simulator.organization)
    path = str(tmp_path / "ledger.db")
    result = command("sync", "--db", path, "--what", "aioz,b3os,metered")
    assert result.code == 0, result.err
    tables = {line.split()[0] for line in result.out.decode().splitlines()}
    assert {"top_ups", "history", "cu_days", "metered_usage"} <= tables
    checked = command("verify", path)
    assert (checked.code, checked.out.decode().splitlines()[-1].split(maxsplit=1)) == (0, ["result", "nothing differs"])


def test_verify_finds_a_row_that_was_edited(command: Any, tmp_path: Path) -> None:
    """The exit code is that of a difference, and the output names the row."""
    path = str(tmp_path / "ledger.db")
    command("sync", "--db", path)
    with closing(sqlite3.connect(path)) as database:
        (edited,) = database.execute("SELECT id FROM top_ups WHERE rowid = 3").fetchone()
        database.execute("UPDATE top_ups SET sender = 'somebody' WHERE rowid = 3")
        database.commit()
    result = command("verify", "--db", path)
    assert result.code == 15
    assert f"main top_ups {edited}: the row was edited" in result.out.decode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("verify",), "name the ledger"),
        (("verify", "missing.db"), "no such file"),
        (("sync", "--db", "x.db", "--what", "aioz,azio"), "--what takes"),
        (("sync", "--db", "x.db", "--what", "b3os"), "B3OS_ORGANIZATION"),
        (("sync", "--db", "x.db", "--what", "aioz,b3os", "--base-url", "http://127.0.0.1:1"), "one system"),
        (("sync", "--db", "x.duckdb"), "duckdb"),
    ],
)
def test_wrong_use_is_refused(
    command: Any, simulator: Simulator, tmp_path: Path, monkeypatch: Any, arguments: tuple[str, ...], words: str
) -> None:
    """A wrong system, a missing organization or ledger, and an unknown suffix are errors before any request."""
    monkeypatch.chdir(tmp_path)
    result = command(*arguments)
    assert result.code in (2, 12)
    assert words in result.err
    assert simulator.requests == []


def test_a_difference_of_the_whole_ledger_is_named(command: Any, tmp_path: Path) -> None:
    """A difference without an account and a key begins with its list, without blanks for them."""
    path = str(tmp_path / "ledger.db")
    command("sync", "--db", path)
    found = command("verify", path, "--chain", "0" * 64)
    assert (found.code, b" runs: no run has the expected chain" in found.out) == (15, True)


def test_labels_of_any_script_are_aligned(command: Any, tmp_path: Path) -> None:
    """Wide letters in a label take two columns each, and a label can't send control characters to the terminal."""
    path = str(tmp_path / "ledger.db")
    for account, system in (("東京", "aioz"), ("a\x1b[31m", "metered")):
        assert command("sync", "--db", path, "--account", account, "--what", system).code == 0
    lines = command("verify", path).out.decode().splitlines()
    assert not any("\x1b" in line for line in lines)
    (wide,) = (line for line in lines if line.startswith("東京 history"))
    (narrow,) = (line for line in lines if line.startswith("runs"))
    assert wide.index("70 rows") + len("東京") == narrow.index("2")
