"""Fleets in several processes, and fleets that are killed."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import random
import signal
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from aiozbilling import RateLimit, SharedRateLimit
from aiozbilling.fleet.processes import next_group
from aiozbilling.simulator import Simulator
from tests.fleet.fleets import accounts_file, ids_in, run

SIZES = {f"a{number}": 40 * number for number in range(8)}


async def rows_of(folder: Path, simulator: Simulator) -> tuple[Path, dict[str, list[str]]]:
    accounts = {label: simulator.add_account(top_ups=size) for label, size in SIZES.items()}
    return accounts_file(folder / "etc", simulator, accounts), {
        label: account.top_up_ids() for label, account in accounts.items()
    }


@pytest.mark.parametrize(("accounts", "processes"), [(2, 2), (3, 2), (17, 2), (200, 2), (200, 3), (1000, 7)])
def test_groups_become_smaller(accounts: int, processes: int) -> None:
    """Every account is in one group; a group is at most a fair share, and the later ones are not larger."""
    waiting: Any = deque(range(accounts))
    groups: list[Any] = []
    while waiting:
        most = -(-len(waiting) // processes)
        groups.append(next_group(waiting, processes, 8))
        assert 1 <= len(groups[-1]) <= most
    assert [number for group in groups for number in group] == list(range(accounts))
    assert sorted(map(len, groups), reverse=True) == list(map(len, groups))
    assert next_group(waiting, processes, 8) == []


@pytest.mark.slow
async def test_two_processes_make_the_same_dataset(tmp_path):
    """Two processes share the accounts, and the dataset and the outcomes are those of one."""
    async with Simulator() as simulator:
        file, expected = await rows_of(tmp_path, simulator)
        (file.parent / "a3.key").write_text("bad")
        outcomes = await run(file, tmp_path / "out", processes=2)
        assert {label for label, outcome in outcomes.items() if outcome.status == "failed"} == {"a3"}
        del expected["a3"]
        assert ids_in(tmp_path / "out") == expected
        assert {label: outcome.rows for label, outcome in outcomes.items()} == SIZES | {"a3": 0}


@pytest.mark.slow
async def test_no_process_is_left(tmp_path):
    """When a fleet has ended, its processes have too; an idle one waited until its pool was collected as garbage."""
    async with Simulator() as simulator:
        file, _ = await rows_of(tmp_path, simulator)
        gc.disable()
        try:
            await run(file, tmp_path / "out", processes=3)
            assert multiprocessing.active_children() == []
        finally:
            gc.enable()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no signal masks")
async def test_ctrl_c_does_not_reach_processes_that_start(tmp_path, monkeypatch):
    """The processes start with SIGINT blocked, since Ctrl-C would show a traceback of their imports."""
    async with Simulator(top_ups=3) as simulator:
        monkeypatch.setenv("API_KEY", simulator.api_key)
        monkeypatch.setenv("SECRET_KEY", simulator.secret_key)
        (tmp_path / "accounts.toml").write_text(
            f'[[account]]\nlabel = "a"\nbase_url = "{simulator.url}"\napi_key = "tests.fleet.masks:api_key"\n'
            'secret_key = "env:SECRET_KEY"\n'
            f'[[account]]\nlabel = "b"\nbase_url = "{simulator.url}"\napi_key = "env:NONE"\nsecret_key = "env:NONE"\n'
        )
        outcomes = await run(tmp_path / "accounts.toml", tmp_path / "out", processes=2)
    assert outcomes["a"].error is None
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())


def ask_for_keys(file: Path, function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a function of `masks` return the keys of all accounts, which it finds in the environment."""
    for label in SIZES:
        monkeypatch.setenv(f"KEY_{label}", (file.parent / f"{label}.key").read_text().strip())
        file.write_text(file.read_text().replace(f"file:{label}.key", f"tests.fleet.masks:{function}"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
async def test_a_process_that_is_killed_fails_only_its_accounts(tmp_path, monkeypatch):
    """If the system kills another process, this one exports the rest, and the next run what is missing."""
    async with Simulator() as simulator:
        file, expected = await rows_of(tmp_path, simulator)
        ask_for_keys(file, "key_that_kills", monkeypatch)
        outcomes = await run(file, tmp_path / "out", processes=2)
        failed = {label for label, outcome in outcomes.items() if outcome.error is not None}
        assert 0 < len(failed) <= len(SIZES) / 2
        assert all("a process of the fleet died" in str(outcomes[label].error) for label in failed)
        assert ids_in(tmp_path / "out") == {label: ids for label, ids in expected.items() if label not in failed}
        await run(file, tmp_path / "out")
        assert ids_in(tmp_path / "out") == expected


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
async def test_a_process_that_is_killed_fails_no_accounts_of_others(tmp_path, monkeypatch):
    """If the system kills one of three processes, only the accounts of its group fail."""
    async with Simulator() as simulator:
        simulator.behaviour.max_limit, simulator.behaviour.latency_s = 10, 0.1  # the others are busy when it dies
        file, expected = await rows_of(tmp_path, simulator)
        ask_for_keys(file, "key_that_kills_with_a0", monkeypatch)
        outcomes = await run(file, tmp_path / "out", processes=3)
        failed = {label for label, outcome in outcomes.items() if outcome.error is not None}
        assert failed == {"a0", "a1", "a2"}  # a third of the accounts
        assert ids_in(tmp_path / "out") == {label: ids for label, ids in expected.items() if label not in failed}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
async def test_an_idle_process_ends_after_its_parent_was_killed(tmp_path):
    """A process that has nothing more to export does not outlive the command."""
    async with Simulator() as simulator:
        simulator.behaviour.max_limit, simulator.behaviour.latency_s = 10, 0.1
        accounts = {"small": simulator.add_account(top_ups=3), "large": simulator.add_account(top_ups=5000)}
        file = accounts_file(tmp_path / "etc", simulator, accounts)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "aiozbilling", "fleet", "export", "top-ups", "--accounts", str(file)),
            *("--out", str(tmp_path / "out"), "--rate-limit", "none", "--processes", "2"),
            stdout=asyncio.subprocess.PIPE,
        )
        while not (tmp_path / "out/top_ups/account=small").exists():
            assert process.returncode is None
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)  # until it is idle; if it is not, it ends as well
        process.kill()
        assert process.stdout is not None
        async with asyncio.timeout(60):
            await process.stdout.read()  # its end comes when no process has the pipe
        await process.wait()


@pytest.mark.slow
async def test_cancelled_processes_end_and_resume(tmp_path):
    """A cancelled fleet ends its processes, and the next run completes the dataset."""
    async with Simulator() as simulator:
        simulator.behaviour.max_limit, simulator.behaviour.latency_s = 10, 0.05
        file, expected = await rows_of(tmp_path, simulator)
        task = asyncio.create_task(run(file, tmp_path / "out", processes=2))
        while len(simulator.requests) < 20:
            await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.1)  # in which the simulator reads what was sent before
        before = len(simulator.requests)
        await asyncio.sleep(0.3)
        assert len(simulator.requests) == before
        simulator.behaviour.latency_s = 0
        await run(file, tmp_path / "out")
        assert ids_in(tmp_path / "out") == expected


@pytest.mark.slow
@pytest.mark.parametrize("is_shared", [False, True])
async def test_the_limit_of_an_account_holds_in_all_processes(tmp_path, is_shared):
    """Under a limit of 6 in 3 s, two processes never send more for an account than is allowed since the start."""
    limit = SharedRateLimit(tmp_path / "limits", 6, 3.0) if is_shared else RateLimit(6, 3.0)
    replies: list[tuple[Any, float]] = []
    async with Simulator(on_request=lambda request: replies.append((request.account, time.monotonic()))) as simulator:
        simulator.behaviour.max_limit = 10
        accounts = {f"a{number}": simulator.add_account(top_ups=150) for number in range(4)}
        file = accounts_file(tmp_path / "etc", simulator, accounts)
        started = time.monotonic()
        outcomes = await run(file, tmp_path / "out", processes=2, rate_limit=limit)
        assert [outcome.rows for outcome in outcomes.values()] == [150] * 4
        for account in accounts.values():
            times = [at - started for other, at in replies if other is account]
            assert len(times) > 12
            assert all(time >= 3.0 * (number // 6) for number, time in enumerate(times))  # a delay only adds to a time
    files = list((tmp_path / "limits").glob("*.times")) if is_shared else []
    assert len(files) == 4 * is_shared


async def killed(simulator: Simulator, file: Path, out: Path, after: int, processes: int) -> bool:
    """Run the command and kill it after so many requests; return whether it had ended before."""
    command = ["fleet", "export", "top-ups", "--accounts", str(file), "--out", str(out), "--rate-limit", "none"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiozbilling", *command, "--processes", str(processes), "--workers", "3"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    until = len(simulator.requests) + after
    while process.returncode is None and len(simulator.requests) < until:
        await asyncio.sleep(0.005)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    return process.returncode == 0


@pytest.mark.slow  # test_fleet.py interrupts a fleet, which resumes, by default
@pytest.mark.parametrize(("kills", "processes"), [(2, 1), (12, 1), (4, 2)])
async def test_a_killed_fleet_resumes_to_the_same_dataset(tmp_path, kills, processes):
    """After kills at random moments and new runs, the dataset has the same bytes as without interruption."""
    choose = random.Random(kills)
    async with Simulator() as simulator:
        simulator.behaviour.max_limit = 20
        file, expected = await rows_of(tmp_path, simulator)
        await run(file, tmp_path / "undisturbed")
        ended = 0
        for _ in range(kills):
            ended += await killed(simulator, file, tmp_path / "out", choose.randrange(1, 120 // kills + 2), processes)
        assert ended < kills
        outcomes = await run(file, tmp_path / "out")
        assert [outcome.error for outcome in outcomes.values() if outcome.error is not None] == []
        assert ids_in(tmp_path / "out") == expected
        files = {path.relative_to(tmp_path / "undisturbed") for path in (tmp_path / "undisturbed").rglob("*.parquet")}
        assert files == {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.parquet")}
        for path in files:
            assert (tmp_path / "out" / path).read_bytes() == (tmp_path / "undisturbed" / path).read_bytes()
        assert not list((tmp_path / "out/_work/top_ups").iterdir())
