"""One writer at a time, and no file of another program is changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from aiozbilling import ConfigurationError, ExportError, ExportLockedError
from aiozbilling.export import sync
from aiozbilling.export.disk import Disk
from aiozbilling.simulator import Simulator
from aiozbilling.sync import verify
from aiozbilling.sync.store import Ledger
from tests.simulated import client_of, simulator_in_thread
from tests.sync.synced import synced


async def test_a_second_sync_waits_for_the_first(tmp_path: Path) -> None:
    """Without `wait_s`, it fails at once and names the option; with it, it starts when the file is free."""
    refusal = r"another process \(\d+\) is writing this file. To wait for it, use wait_s=60"
    async with synced(tmp_path / "b.sqlite", top_ups=5, days=2) as run:
        with Disk().locked(tmp_path / "b.sqlite.lock"):
            with pytest.raises(ExportLockedError, match=refusal):
                await run()
            with pytest.raises(ExportLockedError, match=refusal):
                await run(wait_s=0.05)
        first, second = await asyncio.gather(run(wait_s=30), run(wait_s=30))
    assert sorted((first[0].top_ups_new, second[0].top_ups_new)) == [0, 5]


@pytest.mark.parametrize("wait_s", [-1, True, "1", float("nan")])
async def test_an_invalid_wait_is_refused(tmp_path: Path, wait_s: object) -> None:
    """`wait_s` must be a number of seconds."""
    async with synced(tmp_path / "b.sqlite", top_ups=1, days=1) as run:
        with pytest.raises(ConfigurationError, match="wait_s"):
            await run(wait_s=wait_s)


async def test_a_foreign_lock_file_is_left_alone(tmp_path: Path) -> None:
    """A ledger named Cargo does not use an existing Cargo.lock as its lock, and creates nothing."""
    (tmp_path / "Cargo.lock").write_text('[[package]]\nname = "serde"\n')
    async with synced(tmp_path / "Cargo", top_ups=1, days=1) as run:
        with pytest.raises(ExportError, match="Cargo.lock, is taken by a file of another user or program"):
            await run()
    assert [path.name for path in tmp_path.iterdir()] == ["Cargo.lock"]
    assert (tmp_path / "Cargo.lock").read_text() == '[[package]]\nname = "serde"\n'


async def test_a_name_that_the_system_refuses(tmp_path: Path) -> None:
    """The advice of a system error names the sync, not an export."""
    async with synced(tmp_path / f"{'a' * 300}.sqlite", top_ups=1, days=1) as run:
        with pytest.raises(ExportError, match="name too long. Fix this and sync again"):
            await run()


async def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    """A missing folder is named, as for an export."""
    async with synced(tmp_path / "not" / "there.sqlite", top_ups=1, days=1) as run:
        with pytest.raises(ExportError, match="the folder does not exist. Create it, or choose another folder"):
            await run()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
async def test_a_folder_or_a_pipe_is_no_ledger(tmp_path: Path) -> None:
    """A folder or a pipe is refused with its reason; opening a pipe would wait forever."""
    pipe = tmp_path / "pipe.sqlite"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        async with synced(path, top_ups=1, days=1) as run:
            with pytest.raises(ExportError, match="a folder, a device or a pipe, not a file. Use a name such as"):
                await run()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe.sqlite"]


@pytest.mark.parametrize("name", ["x.duckdb", "x.csv", "x.PARQUET", "x.json", "Cargo.lock"])
async def test_a_name_of_another_kind_of_file_is_refused(tmp_path: Path, name: str) -> None:
    """A ledger can't have the suffix of another format."""
    async with synced(tmp_path / name, top_ups=1, days=1) as run:
        with pytest.raises(ExportError, match="another kind of file"):
            await run()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", [0, 1, 2])
async def test_a_foreign_database_is_left_alone(tmp_path: Path, version: int) -> None:
    """Another program's database is refused, whatever its version, and is not changed."""
    path = tmp_path / "mine.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE mine (x)")
        database.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    async with synced(path, top_ups=1, days=1) as run:
        with pytest.raises(ExportError, match="another program"):
            await run()
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    """The advice for another kind of file, or for a damaged ledger, is another file, not another sync."""
    path = tmp_path / "mine.sqlite"
    path.write_bytes(b"mine" * 300)
    async with synced(path, top_ups=1, days=1) as run:
        with pytest.raises(ExportError, match="file is not a database. Use another file, or restore a copy of it"):
            await run()
    assert path.read_bytes() == b"mine" * 300


async def test_a_link_takes_the_lock_of_its_file(tmp_path: Path) -> None:
    """A sync through a symbolic link and one of the file itself exclude each other."""
    async with synced(tmp_path / "b.sqlite", top_ups=1, days=1) as run:
        await run()
        (tmp_path / "link.sqlite").symlink_to(tmp_path / "b.sqlite")
        with Disk().locked(tmp_path / "b.sqlite.lock"), pytest.raises(ExportLockedError):
            await sync(run.billing, tmp_path / "link.sqlite")
        assert (await sync(run.billing, tmp_path / "link.sqlite")).top_ups == 1


def test_a_ledger_in_use_is_not_closed_at_the_end_of_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`asyncio.run` cancels every task at its end; a sync then closes its ledger after the running transaction."""
    begun, closed, steps = threading.Event(), threading.Event(), []
    store, close = Ledger.store, Ledger.close

    def slow_store(*arguments: Any) -> Any:
        begun.set()
        closed.wait(0.5)  # in vain, unless it is closed meanwhile
        steps.append("stored")
        return store(*arguments)

    def noted_close(ledger: Ledger) -> None:
        steps.append("closed")
        closed.set()
        close(ledger)

    async def main(simulator: Simulator) -> None:
        async with client_of(simulator) as billing:
            task = asyncio.create_task(sync(billing, tmp_path / "b.sqlite"))
            while not begun.is_set():
                await asyncio.sleep(0.01)
        assert not task.done()

    monkeypatch.setattr(Ledger, "store", slow_store)
    monkeypatch.setattr(Ledger, "close", noted_close)
    with simulator_in_thread(top_ups=5, days=2) as simulator:
        asyncio.run(main(simulator))
    assert steps == ["stored", "closed"]
    assert verify(tmp_path / "b.sqlite").is_ok
