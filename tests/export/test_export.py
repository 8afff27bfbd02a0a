"""Exports to real files."""

from __future__ import annotations

import asyncio
import csv
import errno
import json
import os
import sqlite3
import stat
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from aiozbilling import (
    AiozBilling,
    AuthenticationError,
    CheckpointError,
    ConfigurationError,
    DriftError,
    ExportError,
    ExportLockedError,
    ListingError,
    TokenAmount,
    TopUp,
)
from aiozbilling.export import Progress, export
from aiozbilling.export.disk import Disk
from aiozbilling.simulator import Simulator
from aiozbilling.tables.arrow import schema
from aiozbilling.tables.table import TOP_UPS
from tests.export.export_lists import NOON, listing_of, top_up, top_ups

SUFFIXES = (".csv", ".jsonl", ".parquet", ".sqlite")
NAMES = [column.name for column in TOP_UPS.columns]


def rows_in(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of any format."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_bytes().splitlines()]
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    with closing(sqlite3.connect(path)) as database:
        return [
            dict(zip([*NAMES, "misfits"], row, strict=True))
            for row in database.execute("SELECT * FROM top_ups ORDER BY rowid")
        ]


def beside(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()}


class InterruptedExportError(Exception):
    """Raised by a test to interrupt an export."""


def stop_after(rows: int) -> Any:
    def on_progress(progress: Progress) -> None:
        if progress.read >= rows:
            raise InterruptedExportError

    return on_progress


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_rows_read_back_exactly(tmp_path: Path, suffix: str) -> None:
    """The file has every row in order, with exact amounts; None, huge and tiny amounts survive."""
    rows = [
        top_up(3, total_amount=None, created_at=None, updated_at=NOON, evm_tx_hash=None, block_number=None),
        top_up(2, amount=TokenAmount("attoaioz", Decimal(1)), credit=Decimal("1.5"), status=False),
        top_up(1, amount=TokenAmount("attoaioz", Decimal(10**60 + 1)), created_at=NOON + timedelta(microseconds=1)),
        top_up(0, amount=TokenAmount("uusdc", Decimal("0.25"))),
    ]
    report = await export(listing_of(rows), tmp_path / f"t{suffix}")
    found = rows_in(report.path)
    assert [row["id"] for row in found] == [row.id for row in rows]
    for row, record in zip(found, rows, strict=True):
        misfits = row.pop("misfits", None)  # numbers that do not fit into their column
        row.update(json.loads(misfits) if misfits else {})
        assert list(row) == NAMES
        assert Decimal(row["amount"]) == record.amount.amount
        assert Decimal(row["token_amount"]) == record.amount.value
        assert row["denom"] == record.amount.denom
        assert (Decimal(row["credit_usd"]) if row["credit_usd"] else None) == record.credit_usd
    assert found[0]["created_at"] in (None, "")
    if suffix == ".parquet":
        assert found[1]["created_at"] == rows[1].created_at
        assert pq.read_schema(report.path).equals(schema(TopUp), check_metadata=True)  # for any rows
    else:
        assert found[2]["created_at"] == "2026-10-31T12:00:00.000001Z"
        assert found[3]["created_at"] == "2026-10-31T12:00:00.000000Z"
    assert report.amounts["attoaioz"].amount == 10**60 + 1 + 1 + 10**18 + 3
    assert report.usd == sum((row.credit_usd for row in rows if row.credit_usd is not None), Decimal(0))
    assert report.rows_without_usd == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_other_programs_read_the_file(tmp_path: Path, suffix: str) -> None:
    """DuckDB or the sqlite3 shell, and pandas read the same rows, sums and times."""
    import pandas as pd  # takes a second: only the process that runs this test loads it

    async with (
        Simulator(top_ups=2500) as simulator,
        AiozBilling(api_key=simulator.api_key, secret_key=simulator.secret_key, base_url=simulator.url) as billing,
    ):
        report = await export(billing.top_ups(), tmp_path / f"t{suffix}")
    path = str(report.path)
    # By itself DuckDB reads a CSV's amounts as floating point.
    source = f"read_csv('{path}', types = {{'credit_usd': 'DECIMAL(38, 18)'}})" if suffix == ".csv" else f"'{path}'"
    if suffix == ".sqlite":
        process = await asyncio.create_subprocess_exec(
            "sqlite3", path, "SELECT count(*), max(created_at) FROM top_ups", stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert out.decode().startswith("2500|2026-11-")
        with closing(sqlite3.connect(path)) as database:
            frame = pd.read_sql("SELECT * FROM top_ups", database)
    else:
        count, usd, last = duckdb.sql(
            f"SELECT count(*), sum(credit_usd::DECIMAL(38, 18)), max(created_at::TIMESTAMPTZ) FROM {source}"
        ).fetchall()[0]
        assert (count, usd, last.astimezone(UTC)) == (2500, report.usd, report.last_time)
        frame = {
            ".csv": lambda: pd.read_csv(path, dtype=str, parse_dates=["created_at"]),
            ".jsonl": lambda: pd.read_json(path, lines=True, dtype=False),
            ".parquet": lambda: pd.read_parquet(path),
        }[suffix]()
    assert len(frame) == 2500
    assert sum(map(Decimal, frame["token_amount"])) == report.amounts["attoaioz"].value
    times = pd.to_datetime(frame["created_at"], utc=True)
    assert times.max().to_pydatetime() == report.last_time
    assert times.min().to_pydatetime() == report.first_time


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_an_interrupted_export_ends_in_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    """An export that is interrupted after some rows and resumed writes the same file and the same sums."""
    rows = top_ups(40)
    whole = await export(listing_of(rows), tmp_path / f"whole{suffix}")
    for stop in (5, 6, 20, 40):
        path = tmp_path / f"{stop}{suffix}"
        with pytest.raises(InterruptedExportError) as caught:
            await export(listing_of(rows), path, on_progress=stop_after(stop))
        assert "run the same export again" in caught.value.__notes__[0]
        assert not path.exists()
        report = await export(listing_of(rows, page_size=7), path)
        assert report.runs == 2
        assert path.read_bytes() == whole.path.read_bytes()
        for name in ("rows", "usd", "amounts", "first_time", "last_time"):
            assert getattr(report, name) == getattr(whole, name)
    assert not [name for name in beside(whole.path) if name.endswith((".part", ".checkpoint", ".lock", ".tmp"))]


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_cancellation_keeps_what_was_read(tmp_path: Path, suffix: str) -> None:
    """A cancelled export leaves its checkpoint, no lock and no task, and continues later."""
    path, rows, paged = tmp_path / f"t{suffix}", top_ups(60), asyncio.Event()
    task = asyncio.create_task(export(listing_of(rows), path, on_progress=lambda progress: paged.set()))
    await paged.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert beside(path) == {f"t{suffix}.part", f"t{suffix}.checkpoint"}
    assert (await export(listing_of(rows), path)).rows == 60


async def test_a_span_keeps_rows_by_their_time(tmp_path: Path) -> None:
    """`since` is included, `until` is not, a day is included as a whole, and rows without a time are left out."""
    rows = [top_up(0, created_at=None), *(top_up(n, created_at=NOON + timedelta(days=n)) for n in range(1, 6))]

    async def kept(**span: Any) -> tuple[int, int]:
        report = await export(listing_of(rows), tmp_path / "t.csv", overwrite=True, **span)
        return report.rows, report.rows_outside

    assert await kept(since=NOON + timedelta(days=2), until=NOON + timedelta(days=4)) == (2, 4)
    assert await kept(since="2026-11-01", until=date(2026, 11, 2)) == (2, 4)
    assert await kept(since="2026-11") == (5, 1)
    assert await kept(until="2026-10") == (0, 6)
    assert await kept() == (6, 0)
    for wrong in ("November", NOON.replace(tzinfo=None), "2026-13", 5):
        with pytest.raises(ConfigurationError, match="since must be"):
            await kept(since=wrong)
    with pytest.raises(ConfigurationError, match="is after until"):
        await kept(since="2026-11", until="2026-10")


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_an_empty_list_makes_an_empty_file(tmp_path: Path, suffix: str) -> None:
    """The file has the columns and no row."""
    report = await export(listing_of([]), tmp_path / f"t{suffix}")
    assert rows_in(report.path) == []
    assert report.first_time is None
    assert report.usd == 0


async def test_a_file_is_not_overwritten(tmp_path: Path) -> None:
    """A file of that name is an error before the first request, and also if it appears while the export runs."""
    path = tmp_path / "t.csv"
    path.write_text("mine")
    with pytest.raises(ExportError, match="the file exists"):
        await export(listing_of(top_ups(9)), path)
    path.unlink()
    with pytest.raises(ExportError, match="is kept next to it"):
        await export(listing_of(top_ups(9)), path, on_progress=lambda progress: path.write_text("mine"))
    assert path.read_text() == "mine"
    with pytest.raises(ExportError, match="is kept next to it"):
        await export(listing_of([]), path)
    report = await export(listing_of([]), path, overwrite=True)  # nothing is read again
    assert report.rows == len(rows_in(path)) == 9
    with pytest.raises(ExportError, match=r"is a complete export: 9 rows, .*nothing is left to do"):
        await export(listing_of([]), path)
    path.write_text("edited")
    with pytest.raises(ExportError, match=r"the file exists\. Choose another name"):
        await export(listing_of([]), path)
    assert beside(path) == {"t.csv", "_t.csv.manifest.json"}


async def test_a_file_that_an_unfinished_export_replaces_is_not_called_complete(tmp_path: Path) -> None:
    """Without `overwrite`, the export that is to be resumed does not say that nothing is left to do."""
    path = tmp_path / "t.csv"

    def interrupt(_progress: Progress) -> None:
        raise InterruptedError

    await export(listing_of(top_ups(9)), path)
    with pytest.raises(InterruptedError):
        await export(listing_of(top_ups(12)), path, overwrite=True, on_progress=interrupt)
    with pytest.raises(ExportError, match=r"the file exists\. Choose another name"):
        await export(listing_of(top_ups(12)), path)
    assert (await export(listing_of(top_ups(12)), path, overwrite=True)).rows == 12


async def test_two_exporters_are_kept_apart(tmp_path: Path) -> None:
    """A second export to the same file is refused while the first runs, which removes its lock at the end."""
    path, refused = tmp_path / "t.csv", []

    def second(progress: Progress) -> None:
        with (
            pytest.raises(ExportLockedError, match="is writing this file") as caught,
            Disk().locked(Path(f"{path}.lock")),
        ):
            pass
        refused.append(caught.value)

    await export(listing_of(top_ups(9)), path, on_progress=second)
    assert refused
    assert beside(path) == {"t.csv", "_t.csv.manifest.json"}


def test_a_lock_file_that_cannot_be_closed_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the disk while the lock file is closed does not make a complete export a failed one."""
    close = os.close

    def fails(handle: int) -> None:
        close(handle)
        raise OSError(errno.EIO, "input/output error")

    with Disk().locked(tmp_path / "x.lock"):
        monkeypatch.setattr(os, "close", fails)
    monkeypatch.undo()


def test_a_removed_lock_file_locks_nothing(tmp_path: Path) -> None:
    """A process that holds a removed lock file does not block the next one, which creates its own."""
    path = tmp_path / "x.lock"
    with Disk().locked(path):
        path.unlink()
        with Disk().locked(path):
            assert path.exists()
    assert not path.exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_files_are_private(tmp_path: Path, suffix: str) -> None:
    """Only the owner can read the files, while the export runs and afterwards, whatever the umask is."""
    path, seen = tmp_path / f"t{suffix}", set()

    def look(progress: Progress) -> None:
        seen.update((file.name, stat.S_IMODE(file.stat().st_mode)) for file in tmp_path.iterdir())

    await export(listing_of(top_ups(30)), path, on_progress=look)
    look(Progress(rows=0, read=0, resumed=0, total=0, pages=0))
    assert {mode for _, mode in seen} == {0o600}
    assert len({name for name, _ in seen}) >= 5


async def test_a_failure_of_the_first_request_leaves_nothing(tmp_path: Path) -> None:
    """An export that read no row leaves no file."""
    async with (
        Simulator(top_ups=90) as simulator,
        AiozBilling(api_key=simulator.api_key, secret_key=simulator.secret_key, base_url=simulator.url) as billing,
    ):
        simulator.fail("http-401", times=1)
        with pytest.raises(AuthenticationError):
            await export(billing.top_ups(), tmp_path / "t.csv")
        assert beside(tmp_path / "t.csv") == set()


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_no_file_holds_a_secret(tmp_path: Path, suffix: str) -> None:
    """No file has the credentials, neither while the export runs nor afterwards."""
    async with (
        Simulator(top_ups=90) as simulator,
        AiozBilling(api_key=simulator.api_key, secret_key=simulator.secret_key, base_url=simulator.url) as billing,
    ):

        def look(progress: Progress | None) -> None:
            for file in tmp_path.iterdir():
                content = file.read_bytes()
                assert simulator.secret_key.encode() not in content
                assert simulator.api_key.encode() not in content

        await export(billing.top_ups(page_size=20), tmp_path / f"t{suffix}", on_progress=look)
        look(None)


async def test_another_export_is_refused(tmp_path: Path) -> None:
    """A checkpoint of other arguments or of another version, a damaged part and a part alone are refused."""
    path, rows = tmp_path / "t.csv", top_ups(30)
    with pytest.raises(InterruptedExportError):
        await export(listing_of(rows), path, on_progress=stop_after(10))
    checkpoint, part = tmp_path / "t.csv.checkpoint", tmp_path / "t.csv.part"
    kept, content = checkpoint.read_bytes(), part.read_bytes()
    with pytest.raises(CheckpointError, match="since was None and is"):
        await export(listing_of(rows), path, since="2026-10")
    with pytest.raises(CheckpointError, match="max_items was None and is 3"):
        await export(listing_of(rows, max_items=3), path)
    for text, why in ((b"{}", "not the check"), (b'{"version": 99}', "version 99"), (b"[" * 99_999, "not the check")):
        checkpoint.write_bytes(text)
        with pytest.raises(CheckpointError, match=why):
            await export(listing_of(rows), path)
    checkpoint.write_bytes(kept)
    for damaged, why in ((content[:-1], "but its check"), (content.replace(b"top-up-29", b"top-up-xx"), "was changed")):
        part.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=why):
            await export(listing_of(rows), path)
    checkpoint.unlink()
    with pytest.raises(ExportError, match="not part of an export"):
        await export(listing_of(rows), path)
    assert not path.exists()


async def test_max_items_counts_over_all_runs(tmp_path: Path) -> None:
    """The `max_items` and `offset` of a listing count for the whole export, however often it is resumed."""
    rows, path = top_ups(40), tmp_path / "t.jsonl"
    with pytest.raises(InterruptedExportError):
        await export(listing_of(rows, max_items=22, offset=4), path, on_progress=stop_after(10))
    await export(listing_of(rows, max_items=22, offset=4), path)
    assert [row["id"] for row in rows_in(path)] == [row.id for row in rows[4:26]]


async def test_an_export_resumes_on_a_list_that_changed(tmp_path: Path) -> None:
    """After rows were added and removed between two runs, no row is written twice and none is left out."""
    rows: list[TopUp | None] = [*top_ups(40)]
    path, expected = tmp_path / "t.jsonl", [row.id for row in top_ups(40)]
    with pytest.raises(InterruptedExportError):
        await export(listing_of(rows), path, on_progress=stop_after(12))
    rows[:0] = [top_up(number) for number in range(60, 40, -1)]
    del rows[-1], rows[22:24]
    await export(listing_of(rows), path)
    found = [row["id"] for row in rows_in(path)]
    assert found == [id_ for id_ in expected if id_ in found]
    assert set(expected) - set(found) <= {"top-up-0"}


@pytest.mark.parametrize(
    ("added", "appended", "removed", "seen"),
    [(0, 0, 0, "static"), (7, 0, 0, "grown"), (0, 7, 0, "grown"), (7, 3, 0, "grown"), (0, 0, 5, "changed")],
)
async def test_changes_between_two_runs_are_reported(
    tmp_path: Path, added: int, appended: int, removed: int, seen: str
) -> None:
    """The report says how the list changed between two runs; with "raise", all but an append is an error."""
    for on_drift in ("repair", "raise"):
        rows, path = top_ups(40), tmp_path / f"{on_drift}.csv"
        with pytest.raises(InterruptedExportError):
            await export(listing_of(rows, on_drift=on_drift), path, on_progress=stop_after(12))
        del rows[:removed]
        rows += [top_up(-number) for number in range(1, appended + 1)]
        rows[:0] = [top_up(number) for number in range(100 + added, 100, -1)]
        if on_drift == "repair" or not (added or removed):
            assert (await export(listing_of(rows, on_drift=on_drift), path)).consistency == seen  # type: ignore[arg-type]
        else:
            with pytest.raises(DriftError, match="between two runs"):
                await export(listing_of(rows, on_drift=on_drift), path)


async def test_null_rows_after_the_cursor_are_no_change(tmp_path: Path) -> None:
    """Null rows right after the cursor do not count as rows that were inserted there."""
    rows: list[TopUp | None] = [*top_ups(40)]
    rows[15:15] = [None, None]
    path = tmp_path / "t.csv"
    with pytest.raises(InterruptedExportError):
        await export(listing_of(rows, on_drift="raise", page_size=15), path, on_progress=stop_after(15))
    report = await export(listing_of(rows, on_drift="raise", page_size=15), path)
    assert (report.rows, report.null_rows_skipped, report.consistency) == (40, 2, "static")


async def test_another_list_is_an_error_that_says_how_to_start_again(tmp_path: Path) -> None:
    """If the list no longer has the rows of the first run, the error has the paths of the files to remove."""
    path = tmp_path / "t.csv"
    with pytest.raises(InterruptedExportError):
        await export(listing_of(top_ups(400)), path, on_progress=stop_after(200))
    with pytest.raises(
        ListingError, match=r"Is this the account.*To start again, remove .*t\.csv\.part and .*t\.csv\.checkpoint"
    ) as caught:
        await export(listing_of([top_up(number) for number in range(1040, 1000, -1)]), path)
    assert not hasattr(caught.value, "__notes__")  # no advice to run the same export again


async def test_the_manifest_has_the_facts(tmp_path: Path) -> None:
    """The manifest has the rows, times, sums, SHA-256 and skipped rows."""
    rows: Sequence[TopUp | None] = [*top_ups(12), None, top_up(-1)]
    report = await export(listing_of(rows), tmp_path / "t.csv")
    manifest = json.loads((tmp_path / "_t.csv.manifest.json").read_bytes())
    content = report.path.read_bytes()
    assert manifest["sha256"] == report.sha256 == sha256(content).hexdigest()
    assert manifest["bytes"] == report.bytes == len(content)
    assert (manifest["rows"], manifest["null_rows_skipped"], manifest["consistency"]) == (13, 1, "static")
    assert manifest["sums"]["attoaioz"] == {
        "amount": "13000000000000000065",
        "tokens": "13.000000000000000065",
        "token": "AIOZ",
    }
    assert manifest["first_time"] == "2026-10-31T11:58:59.999999Z"
    assert manifest["columns"] == NAMES


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 2**70 + 1, -(2**63) - 1])
async def test_an_integer_keeps_every_digit(tmp_path: Path, suffix: str, number: int) -> None:
    """An integer beyond 64 bits is in the text column `misfits` if the format has no such integers."""
    report = await export(listing_of([top_up(1, block_number=number)]), tmp_path / f"t{suffix}")
    (row,) = rows_in(report.path)
    if suffix in (".csv", ".jsonl") or -(2**63) <= number < 2**63:
        assert int(row["block_number"]) == number
        assert row.get("misfits") is None
    else:
        assert row["block_number"] is None
        assert json.loads(row["misfits"]) == {"block_number": str(number)}


async def test_the_loop_keeps_running(tmp_path: Path) -> None:
    """While pages are written to a slow disk, the event loop runs other tasks."""
    turns, turns_in_syncs, until = 0, [], time.monotonic() + 30

    class SlowDisk(Disk):
        def sync(self, handle: int) -> None:
            before = turns
            while turns == before and time.monotonic() < until:
                time.sleep(0.01)
            turns_in_syncs.append(turns - before)
            super().sync(handle)

    from aiozbilling.export.job import Job
    from aiozbilling.export.span import Span

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    turning = asyncio.create_task(turn())
    job = Job(listing_of(top_ups(20)), tmp_path / "t.csv", None, Span(), overwrite=False, disk=SlowDisk())
    await job.run(lambda progress: None)
    turning.cancel()
    assert turns_in_syncs
    assert min(turns_in_syncs) > 0


async def test_wrong_arguments(tmp_path: Path) -> None:
    """An unknown format, a folder as the file and a folder that does not exist are errors."""
    with pytest.raises(ConfigurationError, match="no known format"):
        await export(listing_of([]), tmp_path / "t.xlsx")
    with pytest.raises(ConfigurationError, match="is a folder"):
        await export(listing_of([]), tmp_path, format="csv")
    with pytest.raises(ExportError, match="the folder does not exist"):
        await export(listing_of([]), tmp_path / "not" / "there.csv")
    assert (await export(listing_of([]), tmp_path / "t.txt", format="jsonl")).format == "jsonl"
