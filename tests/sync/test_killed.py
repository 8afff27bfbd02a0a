"""A process killed at any moment of a sync or a migration loses nothing."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from aiozbilling.export.disk import Disk
from aiozbilling.sync import verify
from aiozbilling.sync.schema import opened
from tests.marks import slow
from tests.sync.synced import synced
from tests.sync.test_migration import exact_rows, ledger_1

TOP = Path(__file__).parents[2]
MIGRATES = """
import sys
from pathlib import Path
from aiozbilling.export.disk import Disk
from aiozbilling.sync.schema import opened
from tests.marks import slow
sys.stdout.write("x")
sys.stdout.flush()
opened(Disk(), Path(sys.argv[1])).close()
"""


@pytest.mark.parametrize("kills", [1, *slow(10)])
async def test_a_killed_sync_loses_nothing(tmp_path: Path, kills: int) -> None:
    """After kills at random moments, one more sync stores every row, and the ledger has no differences."""
    choose = random.Random(kills)
    async with synced(tmp_path / "b.sqlite", top_ups=200, days=20) as run:
        run.simulator.behaviour.max_limit = 20
        environment = os.environ | {
            "AIOZ_PIN_API_KEY": run.simulator.api_key,
            "AIOZ_PIN_SECRET_KEY": run.simulator.secret_key,
            "AIOZ_PIN_BASE_URL": run.simulator.url,
        }
        for _ in range(kills):
            requests = len(run.simulator.requests)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.sync.killed_sync", str(run.path), env=environment, cwd=TOP, stdout=-1
            )
            while len(run.simulator.requests) == requests:
                await asyncio.sleep(0.005)
            await asyncio.sleep(choose.random() * 0.3)
            process.kill()
            await process.communicate()
            run.simulator.account.add_top_ups(choose.choice((0, 3, 50)))
            run.simulator.account.remove_top_up(choose.randrange(100))
            run.simulator.advance(seconds=choose.choice((0, 4000, 90_000)))
        await run()
        stored = run.rows("SELECT id FROM top_ups WHERE missing_since IS NULL")
        assert {id_ for (id_,) in stored} == set(run.simulator.top_up_ids())
        results = {result for (result,) in run.rows("SELECT result FROM runs")}
        assert results <= {"complete", "interrupted"}
    assert verify(run.path).is_ok


@pytest.mark.parametrize("kills", [1, *slow(10)])
def test_a_killed_migration_loses_nothing(tmp_path: Path, kills: int) -> None:
    """A migration that is killed at a random moment leaves a ledger of version 1 or 2 with all rows."""
    path, choose = tmp_path / "b.sqlite", random.Random(kills)
    ledger_1(path, top_ups=3000)
    before = exact_rows(path)
    for _ in range(kills):
        with subprocess.Popen([sys.executable, "-c", MIGRATES, str(path)], stdout=subprocess.PIPE, cwd=TOP) as process:
            assert process.stdout is not None
            process.stdout.read(1)
            try:
                process.wait(choose.random() * 0.2)
            except subprocess.TimeoutExpired:
                process.kill()
        assert exact_rows(path) == before
    opened(Disk(), path).close()
    assert exact_rows(path) == before
    assert verify(path).is_ok
