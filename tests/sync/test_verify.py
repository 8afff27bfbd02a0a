"""`verify` finds whatever was changed by hand."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path

import pytest

from aiozbilling import ExportError, PermissionDeniedError
from aiozbilling.export import sync
from aiozbilling.statement import read_ledger
from aiozbilling.sync import verify
from aiozbilling.sync.runs import chain_of
from tests.sync.synced import Synced, synced


@asynccontextmanager
async def synced_thrice(path: Path) -> AsyncIterator[Synced]:
    """Create a ledger in three runs, with changes and a removed row."""
    async with synced(path, top_ups=40, days=20) as run:
        await run()
        run.simulator.account.remove_top_up(7)
        run.simulator.advance(days=1, seconds=600)
        await run()
        run.simulator.advance(seconds=600)
        await run()
        yield run


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Synced]:
    """Make a ledger whose simulator runs."""
    async with synced_thrice(tmp_path / "b.sqlite") as run:
        yield run


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a ledger for all tests that edit a copy of it."""
    path = tmp_path_factory.mktemp("ledger") / "b.sqlite"

    async def make() -> None:
        async with synced_thrice(path):
            pass

    asyncio.run(make())
    return path


@pytest.fixture
def ledger(made_once: Path, tmp_path: Path) -> Path:
    """Copy the ledger."""
    return Path(shutil.copy(made_once, tmp_path / "b.sqlite"))


async def test_a_ledger_that_sync_wrote_is_right(run: Synced) -> None:
    """Nothing differs, and the control totals are the exact sums of the rows that the provider returned."""
    report = verify(run.path)
    assert report.is_ok
    assert report.differences == ()
    assert report.runs == 3
    totals = {total.list: total for total in report.totals}
    assert (totals["top_ups"].rows, totals["top_ups"].missing, totals["top_ups"].counted) == (40, 1, 39)
    served = sum(Fraction(row["total_amount"]) for row in run.simulator.history_rows() if row)
    amount = totals["history"].amount
    assert amount is not None
    assert Fraction(amount) == served / 10**18
    assert totals["history"].gaps == 0


EDITS = {
    "a changed amount": "UPDATE history SET total_amount_attousd = '1' WHERE day = '2026-11-10'",
    "a changed rounded amount": "UPDATE top_ups SET credit_usd = credit_usd + 1e-6 WHERE rowid = 5",
    "a row that is no more missing": "UPDATE top_ups SET missing_since = NULL WHERE missing_since IS NOT NULL",
    "a deleted row": "DELETE FROM top_ups WHERE rowid = 9",
    "an added row": "INSERT INTO history SELECT 'main', '2020-01-01', '2020-01-01', 1, 1, 1.0, '1', NULL, NULL, NULL,"
    " row_hash FROM history LIMIT 1",
    "another label": "UPDATE months SET account = 'other'",
    "a run's result": "UPDATE runs SET result = 'failed' WHERE run = 2",
    "a run's counts": "UPDATE run_lists SET counted = 7 WHERE run = 1 AND list = 'top_ups'",
    "a content's digest": "UPDATE contents SET digest = '00' WHERE list = 'history'",
    "an added change": "INSERT INTO changes VALUES (2, 'main', 'history', '2020', 'total_amount_attousd', '1', '2')",
    "the latest change": "DROP TRIGGER changes_stay;DELETE FROM changes WHERE rowid = (SELECT max(rowid) FROM changes)",
    "an edited change": "DROP TRIGGER changes_keep; UPDATE changes SET old = '1' WHERE rowid = 1",
    "the latest run": "DROP TRIGGER runs_stay; DELETE FROM runs WHERE run = 3",
    "the first run": "DROP TRIGGER runs_stay; DELETE FROM runs WHERE run = 1",
    "the salt": "UPDATE ledger SET value = '00' WHERE name = 'salt'",
    "an added identity": "INSERT INTO identities VALUES ('main', 'aioz', 'ff', 'https://example.com', 1)",
    "a deleted identity": "DELETE FROM identities",
    "an added account": "INSERT INTO accounts VALUES ('other', NULL, NULL)",
    "the time of the latest sync": "UPDATE accounts SET synced_at = '2030-01-01T00:00:00.000000Z'",
    "null rows of a list": "UPDATE lists SET excess = 5",
    "the known rows of a list": "UPDATE lists SET known = '[]'",
    "a deleted list": "DELETE FROM lists",
    "a change of no run": "INSERT INTO changes SELECT 99, account, 'history', date, 'total_amount_attousd', '1',"
    " total_amount_attousd FROM history LIMIT 1",
    "counts of no run": "INSERT INTO run_lists SELECT 99, list, 9, 9, 9, 9, stored, 9, digest FROM run_lists LIMIT 1",
    "a run that seems to run": "UPDATE runs SET result = 'running' WHERE run = 3",
    "a run without an end that seems to run": "UPDATE runs SET result = 'running', ended_at = NULL, chain = NULL"
    " WHERE run = 3",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_by_hand_is_found(ledger: Path, edit: str) -> None:
    """Each kind of edit makes at least one difference."""
    with contextlib.closing(sqlite3.connect(ledger)) as database:
        database.executescript(edit)
        assert database.total_changes
    report = verify(ledger)
    assert not report.is_ok
    assert report.count == len(report.differences)


def test_a_run_of_another_account_excuses_nothing(ledger: Path) -> None:
    """While one account is synced, the contents of the others agree with their latest runs."""
    with contextlib.closing(sqlite3.connect(ledger)) as database, database:
        database.execute("INSERT INTO runs VALUES (4, '2026-11-22', NULL, '0', 'h', 'other', 'running', NULL, NULL)")
    assert verify(ledger).is_ok
    with contextlib.closing(sqlite3.connect(ledger)) as database, database:
        database.execute("DELETE FROM history")
        database.execute("UPDATE contents SET rows = 0, digest = ? WHERE list = 'history'", ("0" * 64,))
    assert "the table contents does not agree with the record of the latest run" in {
        difference.what for difference in verify(ledger).differences
    }


async def test_a_ledger_of_an_earlier_release_is_right(run: Synced) -> None:
    """A ledger whose runs have no state is right before and after the next sync."""
    with contextlib.closing(sqlite3.connect(run.path)) as database, database:
        database.execute("DELETE FROM run_lists WHERE list = 'state'")
        chain = ""
        for number in (1, 2, 3):
            chain = chain_of(database, number, chain)
            database.execute("UPDATE runs SET chain = ? WHERE run = ?", (chain, number))
    assert verify(run.path).is_ok
    await run()
    assert verify(run.path, chain=chain).is_ok


def test_every_cell_counts(ledger: Path) -> None:
    """A change of a random cell is found, and its row is named."""
    choose = random.Random(5)
    copy = ledger.with_name("copy.sqlite")
    for _ in range(25):
        shutil.copy(ledger, copy)
        table = choose.choice(("top_ups", "history", "months"))
        with contextlib.closing(sqlite3.connect(copy)) as database:
            names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")][2:]
            name = choose.choice(names)
            [(rowid, key, before)] = database.execute(
                f"SELECT rowid, {'id' if table == 'top_ups' else 'day'}, {name} FROM {table} ORDER BY random() LIMIT 1"
            )
            after = f"{before}0" if isinstance(before, str) else 12345
            database.execute(f"UPDATE {table} SET {name} = ? WHERE rowid = ?", (after, rowid))
            database.commit()
        report = verify(copy)
        assert any(key[:10] in found.key or found.key in key for found in report.differences), (table, name)


async def test_a_rewritten_ledger_is_found_by_an_older_chain(run: Synced) -> None:
    """If the hashes are rewritten too, a chain hash that was kept elsewhere reveals it."""
    kept = verify(run.path).chain
    run.simulator.advance(seconds=600)
    await run()
    assert verify(run.path, chain=kept).is_ok
    run.path.unlink()
    await sync(run.billing, run.path)
    assert verify(run.path).is_ok
    [found] = verify(run.path, chain=kept).differences
    assert "no run has the expected chain" in found.what


def test_a_file_that_is_not_a_ledger_is_refused(tmp_path: Path) -> None:
    """A missing file and another database are errors, and nothing is created."""
    with pytest.raises(ExportError, match="no such file"):
        verify(tmp_path / "missing.sqlite")
    with contextlib.closing(sqlite3.connect(tmp_path / "other.sqlite")) as database:
        database.execute("CREATE TABLE t (x)")
    with pytest.raises(ExportError, match="another program"):
        verify(tmp_path / "other.sqlite")
    assert [path.name for path in tmp_path.iterdir()] == ["other.sqlite"]


@pytest.mark.parametrize(
    ("edit", "list_", "what"),
    [
        (
            "DROP VIEW v_spend_month; CREATE VIEW v_spend_month AS SELECT account, 0.01 AS total FROM accounts",
            "schema",
            "the view is not the one that this release creates",
        ),
        ("DROP VIEW v_data_quality", "schema", "the view is missing"),
        ("DROP TRIGGER changes_keep", "schema", "the trigger is missing"),
        (
            "CREATE TRIGGER mine AFTER INSERT ON top_ups BEGIN DELETE FROM top_ups WHERE id = new.id; END",
            "schema",
            "sync did not create this trigger",
        ),
        (
            "UPDATE lists SET total = 9",
            "history",
            "the server's count does not agree with the record of the latest run",
        ),
        (
            "UPDATE accounts SET aioz_read_at = '2030-01-01T00:00:00.000000Z'",
            "accounts",
            "the time of the latest complete sync does not agree with the record of its run",
        ),
    ],
)
def test_what_no_hash_covers_is_compared_too(ledger: Path, edit: str, list_: str, what: str) -> None:
    """An edited view or trigger, or an edited state that the views show, is found."""
    with contextlib.closing(sqlite3.connect(ledger)) as database:
        database.executescript(edit)
    result = verify(ledger)
    assert (list_, what) in {(difference.list, difference.what) for difference in result.differences}


async def test_sync_writes_an_edited_view_again(run: Synced) -> None:
    """The next sync replaces a view that was edited, although the stored text of the views is unchanged."""
    with contextlib.closing(sqlite3.connect(run.path)) as database:
        database.executescript("DROP VIEW v_history; CREATE VIEW v_history AS SELECT 'main' AS account")
    assert not verify(run.path).is_ok
    await run()
    assert verify(run.path).is_ok


async def test_verify_is_quiet_after_runs_that_failed(run: Synced) -> None:
    """A run that failed may have stored a newer count of the list, which is not a difference."""
    run.simulator.account.add_top_ups(3)
    run.simulator.fail("http-403", path="historyUsage")
    with pytest.raises(PermissionDeniedError):
        await run()
    assert verify(run.path).is_ok


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        ("UPDATE history SET total_amount_attousd = 'abc'", "the row was edited"),
        ("UPDATE history SET total_amount_attousd = 'NaN'", "the row was edited"),
        ("UPDATE history SET total_amount_attousd = x'01ff'", "the row was edited"),
        ("UPDATE top_ups SET credit_attousd = '', total_amount_attousd = '' WHERE status", "the row was edited"),
        ("DELETE FROM accounts", "the table accounts does not have this account"),
        ("ALTER TABLE history ADD COLUMN extra", "the columns of the table are not those that sync creates"),
    ],
)
def test_verify_names_edits_that_statements_can_not_read(ledger: Path, edit: str, what: str) -> None:
    """A cell that is not a number, a missing account and changed columns are differences, not tracebacks."""
    with contextlib.closing(sqlite3.connect(ledger)) as database:
        database.executescript(edit)
    found = [difference.what for difference in verify(ledger).differences]
    assert any(what in each for each in found)


@pytest.mark.parametrize("cell", ["abc", "NaN", b"\x01", "1.5.5"])
def test_the_statement_of_an_edited_ledger_says_what_to_do(ledger: Path, cell: object) -> None:
    """A stored value that is not a number raises an error that names `verify`."""
    with contextlib.closing(sqlite3.connect(ledger)) as database, database:
        database.execute("UPDATE history SET total_amount_attousd = ?", (cell,))
    with pytest.raises(ExportError, match="a stored value is not one that sync writes") as caught:
        read_ledger(ledger)
    assert "verify" in caught.value.hint


def test_verify_finds_an_index_that_does_not_agree_with_its_table(ledger: Path) -> None:
    """Queries that use a damaged index return wrong rows; no hash covers it, but SQLite finds it."""
    with contextlib.closing(sqlite3.connect(ledger)) as database:
        database.execute("PRAGMA writable_schema = 1")
        descending = "UPDATE sqlite_schema SET sql = replace(sql, 'created_at)', 'created_at DESC)') WHERE name = ?"
        database.execute(descending, ("top_ups_by_time",))
        database.commit()
    assert any("the file is damaged" in each.what for each in verify(ledger).differences)


def test_a_file_without_a_ledger_is_not_said_to_be_old(tmp_path: Path) -> None:
    """An empty file, which a sync leaves if the disk is full at once, is named as empty."""
    (tmp_path / "b.sqlite").touch()
    with pytest.raises(ExportError, match="this file is empty"):
        verify(tmp_path / "b.sqlite")


def test_a_damaged_file_is_not_said_to_be_none(ledger: Path) -> None:
    """A truncated ledger is damaged, and a text is not a ledger."""
    content = ledger.read_bytes()
    ledger.write_bytes(content[: len(content) // 2])
    for read in (verify, read_ledger):
        with pytest.raises(ExportError, match="the ledger is damaged"):
            read(ledger)
    ledger.write_bytes(b"no database " * 1000)
    for read in (verify, read_ledger):
        with pytest.raises(ExportError, match="not a ledger"):
            read(ledger)
