"""Exports that are killed with SIGKILL, over a list that grows meanwhile."""

from __future__ import annotations

import asyncio
import csv
import json
import math
import random
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aiozbilling.simulator import Simulator

SCRIPT = Path(__file__).with_name("killed_export.py")
SLOW = [pytest.mark.slow, pytest.mark.timeout(900)]
ORDERS = ("newest_first", "oldest_first")
KILLS = [
    pytest.param(suffix, order, 6, id=f"many-{suffix}-{order}", marks=SLOW)
    for suffix in (".csv", ".jsonl", ".parquet", ".sqlite")
    for order in ORDERS
]


async def one_run(simulator: Simulator, path: Path, kill_after: float = math.inf) -> bool:
    """Export in a process that is killed after so many requests; return whether it ended by itself without an error.

    Moments are counted in requests: how many seconds a process needs depends on how busy the machine is.
    """
    until = len(simulator.requests) + kill_after
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), simulator.url, simulator.api_key, simulator.secret_key, str(path)
    )
    ending = asyncio.create_task(process.wait())
    while not ending.done() and len(simulator.requests) < until:
        await asyncio.sleep(0.002)
    if not ending.done():
        await asyncio.sleep(random.random() * simulator.behaviour.latency_s)
        with suppress(ProcessLookupError):  # it has ended meanwhile
            process.kill()
    return await ending == 0


def ids_in(path: Path) -> list[str]:
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return [row["id"] for row in csv.DictReader(file)]
    if path.suffix == ".jsonl":
        return [json.loads(line)["id"] for line in path.read_bytes().splitlines()]
    if path.suffix == ".parquet":
        return [str(found) for found in pq.read_table(path, columns=["id"])["id"].to_pylist()]
    with closing(sqlite3.connect(path)) as database:
        return [found for (found,) in database.execute("SELECT id FROM top_ups ORDER BY rowid")]


def complete(path: Path) -> bool:
    """Return whether an export is complete, even if its process was killed before it ended."""
    return path.exists() and not path.with_name(f"{path.name}.checkpoint").exists()


# By default, test_crash_points.py cuts the power at every step, and tests/sync/test_killed.py kills a process.
@pytest.mark.parametrize(("suffix", "order", "kills"), KILLS)
async def test_a_killed_export_resumes(tmp_path: Path, suffix: str, order: str, kills: int) -> None:
    """After kills at random moments while the list grows, the file has each row once, in order, without a gap."""
    choose = random.Random(f"{suffix} {order} {kills}")
    path = tmp_path / f"top-ups{suffix}"
    async with Simulator(top_ups=1200) as simulator:
        simulator.behaviour.order = order
        simulator.behaviour.latency_s = 0.05
        simulator.behaviour.grow_per_request = 1
        before = simulator.top_up_ids()
        interrupted = 0
        while interrupted < kills and not complete(path):
            await one_run(simulator, path, choose.randrange(1, 60 // kills))
            interrupted += 1
        assert complete(path) or await one_run(simulator, path)
        if path.with_name(f"{path.name}.lock").exists():
            # The last process was killed after the file was complete; the next one finds the file and removes the lock.
            assert not await one_run(simulator, path)
        ids, now = ids_in(path), simulator.top_up_ids()
    assert interrupted > 1
    first = now.index(ids[0])
    assert ids == now[first : first + len(ids)]
    assert set(before) <= set(ids)
    manifest = json.loads(path.with_name(f"_{path.name}.manifest.json").read_bytes())
    assert manifest["rows"] == len(ids)
    assert {file.name for file in tmp_path.iterdir() if "top-ups" in file.name} == {
        path.name,
        f"_{path.name}.manifest.json",
    }


@pytest.mark.slow  # test_crash_points.py has the same failure at every step, without processes
@pytest.mark.timeout(900)
@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet", ".sqlite"])
async def test_a_full_disk_stops_and_loses_nothing(tmp_path: Path, suffix: str) -> None:
    """If a file can't grow any more, the export raises, and resumes when it can."""
    path = tmp_path / f"top-ups{suffix}"
    async with Simulator(top_ups=1200) as simulator:
        for most_bytes in (10_000, 200_000):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(SCRIPT), simulator.url, simulator.api_key, simulator.secret_key, str(path)),
                str(most_bytes),
                stderr=asyncio.subprocess.PIPE,
            )
            _, err = await process.communicate()
            assert b"ExportError" in err
            assert b"run the same export again" in err
            assert not path.exists()
        assert await one_run(simulator, path)
        assert ids_in(path) == simulator.top_up_ids()


@pytest.mark.slow  # tests/sync/test_killed.py has two kills of a sync by default
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("order", "kills"), [("newest_first", 1), *((order, 8) for order in ORDERS)])
async def test_a_killed_sync_resumes(tmp_path: Path, order: str, kills: int) -> None:
    """After kills at random moments while the list grows, a later sync stores every row."""
    choose = random.Random(f"{order} {kills}")
    path = tmp_path / "billing.sync.sqlite"
    async with Simulator(top_ups=900) as simulator:
        simulator.behaviour.order = order
        simulator.behaviour.latency_s = 0.02
        simulator.behaviour.max_limit = 20
        for _ in range(kills):
            simulator.behaviour.grow_per_request = choose.randrange(3)
            await one_run(simulator, path, choose.randrange(1, 20))
            simulator.add_top_ups(choose.choice((0, 5, 150)))
        simulator.behaviour.grow_per_request = 0
        assert await one_run(simulator, path)
        with closing(sqlite3.connect(path)) as database:
            stored = {found for (found,) in database.execute("SELECT id FROM top_ups")}
        assert stored == set(simulator.top_up_ids())
