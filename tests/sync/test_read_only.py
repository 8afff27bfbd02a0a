"""A ledger is readable in any state that sync leaves."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from aiozbilling import ExportError
from aiozbilling.export import sync
from aiozbilling.statement import read_ledger
from aiozbilling.sync import verify
from aiozbilling.sync.layout import HISTORY, TOP_UPS
from tests.sync.synced import synced
from tests.sync.written import WrittenLedger, day_row, top_up_row


def killed_while_writing(folder: Path) -> Path:
    """Return a ledger of one deposit whose sync was killed while SQLite wrote a page."""
    path, copy = folder / "a.sqlite", folder / "killed.sqlite"
    with closing(WrittenLedger(path)) as one:
        one.store(TOP_UPS, [top_up_row("1", 10**18)])
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 5")  # SQLite writes into the file before the end of the transaction
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE top_ups SET id = '2'")
        filler = [("x" * 1000, str(number)) for number in range(100)]
        database.executemany("INSERT INTO ledger (value, name) VALUES (?, ?)", filler)
        shutil.copy(path, copy)
        shutil.copy(f"{path}-journal", f"{copy}-journal")
    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True)) as database:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            database.execute("SELECT id FROM top_ups")
    return copy


def test_a_ledger_is_read_after_a_sync_was_killed_while_it_wrote(tmp_path: Path) -> None:
    """The half-written page is rolled back. Before the fix, an error said that the file is not a ledger."""
    path = killed_while_writing(tmp_path)
    (account,) = read_ledger(path).accounts
    assert [row.id for row in account.deposits] == ["1"]
    assert verify(path).is_ok


def test_a_half_written_page_that_can_not_be_rolled_back_has_its_own_message(tmp_path: Path, monkeypatch) -> None:
    """If the file can only be read, the message names the journal, and does not say that the file is not a ledger."""
    path = killed_while_writing(tmp_path)
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda at, uri: connect(at.replace("mode=rw", "mode=ro"), uri=uri))
    for read in (verify, read_ledger):
        with pytest.raises(ExportError, match="the ledger can't be read") as caught:
            read(path)
        assert "-journal" in caught.value.hint


def test_a_name_that_the_system_refuses_is_an_export_error(tmp_path: Path) -> None:
    """A name that is too long is an error of this library with the path, not one of the system."""
    path = tmp_path / f"{'a' * 300}.sqlite"
    for read in (verify, read_ledger):
        with pytest.raises(ExportError) as caught:
            read(path)
        assert caught.value.path == str(path)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Keep a read transaction open, as another program may."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM top_ups").fetchone()
        yield


def test_a_page_is_stored_after_the_reader_that_locked_the_ledger_ends(tmp_path: Path) -> None:
    """While another program reads, storing fails because the ledger is locked; after that, it works."""
    path = tmp_path / "a.sqlite"
    with closing(WrittenLedger(path)) as one:
        one.ledger.select("PRAGMA busy_timeout = 1")
        with reading(path):
            for _ in range(2):
                with pytest.raises(ExportError, match="database is locked"):
                    one.store(HISTORY, [day_row("2026-10-01", 5)])
        one.store(HISTORY, [day_row("2026-10-01", 5)])
        assert one.rows("SELECT day FROM history") == [("2026-10-01",)]


async def test_a_failure_is_raised_even_if_it_can_not_be_recorded(tmp_path: Path) -> None:
    """The error of the callback reaches the caller, even if the ledger can't be written at that moment."""
    path = tmp_path / "a.sqlite"
    with pytest.raises(ZeroDivisionError):
        async with synced(path, top_ups=5, days=3) as account:

            def broken(progress: object) -> None:
                with closing(sqlite3.connect(path)) as database:
                    database.execute("CREATE TRIGGER no_end BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'no'); END")
                raise ZeroDivisionError

            await sync(account.billing, path, on_progress=broken)
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TRIGGER no_end")
        assert database.execute("SELECT result FROM runs").fetchall() == [("running",)]
