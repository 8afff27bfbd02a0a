"""The command `aiozbilling fleet export`."""

from __future__ import annotations

import json
import os
import pty
import signal
import threading
import time
from contextlib import suppress

import pytest

from tests.cli.conftest import command, simulator  # noqa: F401 - fixtures
from tests.fleet.fleets import accounts_file, ids_in


@pytest.fixture
def accounts(simulator):  # noqa: F811
    return {label: simulator.add_account(top_ups=60, days=4) for label in ("eu-1", "eu-2", "us")}


@pytest.fixture
def arguments(tmp_path, simulator, accounts):  # noqa: F811
    file = accounts_file(tmp_path / "etc", simulator, accounts)
    return ("fleet", "export", "top-ups", "--accounts", str(file), "--out", str(tmp_path / "out"))


def test_export_writes_a_dataset(command, arguments, accounts, tmp_path):  # noqa: F811
    """The command writes the selected accounts and prints totals."""
    done = command(*arguments, "--only", "eu-*", "--rate-limit", "none")
    assert done.code == 0
    assert b"2, 2 complete, 0 failed" in done.out
    assert b"120, 120 new" in done.out
    assert ids_in(tmp_path / "out") == {label: accounts[label].top_up_ids() for label in ("eu-1", "eu-2")}


def test_a_terminal_shows_the_progress(command, arguments):  # noqa: F811
    """On a terminal a bar shows accounts and rows, and the command succeeds as it does without one."""
    terminal, ours = pty.openpty()
    shown = []
    reader = threading.Thread(target=lambda: shown.append(read_all(terminal)))
    reader.start()
    done = command.process(
        *arguments, "--rate-limit", "none", stderr=ours, environment={"TERM": "xterm", "COLUMNS": "80"}
    )
    os.close(ours)
    reader.join()
    os.close(terminal)
    assert done.code == 0
    assert b"3 of 3 accounts" in shown[0]


def read_all(terminal):
    """Read what a terminal shows until its other side is closed."""
    text = b""
    with suppress(OSError):
        while chunk := os.read(terminal, 65536):
            text += chunk
    return text


def test_some_failed_has_an_exit_code_of_its_own(command, arguments, accounts):  # noqa: F811
    """One bad key exits with 13 and is named on stderr; after it is fixed, the same command exits with 0."""
    accounts["us"].is_revoked = True
    done = command(*arguments)
    assert done.code == 13
    assert "us: GET /api/billing/topUp: HTTP 401" in done.err
    assert b"3, 2 complete, 1 failed" in done.out
    accounts["us"].is_revoked = False
    done = command(*arguments)
    assert done.code == 0
    assert b"180, 60 new" in done.out


@pytest.mark.parametrize("limit", ["180", "0/60", "a/b"])
def test_a_wrong_rate_limit_is_refused(command, arguments, limit):  # noqa: F811
    """A rate limit that is invalid is a usage error."""
    assert command(*arguments, "--rate-limit", limit).code == 2


def interrupted(command, simulator, *arguments):  # noqa: F811
    """Press Ctrl-C while the seventh request hangs, and return what the command says."""
    simulator.requests.clear()
    simulator.fail("hang", times=99, after=6)
    with command.start(*arguments, "--rate-limit", "none") as process:
        while len(simulator.requests) < 7:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    simulator.forgive()
    return err.decode()


@pytest.mark.slow  # tests/cli/test_export.py interrupts a command by default, test_fleet.py a fleet
def test_ctrl_c_ends_cleanly_and_resumes(command, simulator, arguments, accounts, tmp_path):  # noqa: F811
    """SIGINT ends the command with 130 and says that it resumes; the next run completes the dataset."""
    simulator.behaviour.max_limit = 5
    said = "The rows read so far are kept. Run the same command again to resume.\n"
    assert interrupted(command, simulator, *arguments) == said
    assert command(*arguments, "--rate-limit", "none").code == 0
    assert ids_in(tmp_path / "out") == {label: account.top_up_ids() for label, account in accounts.items()}
    summary = json.loads((tmp_path / "out/_fleet.json").read_bytes())
    assert summary["lists"]["top_ups"]["complete"] == 3
    said = "Complete accounts are kept. Run the same command again to resume.\n"
    assert interrupted(command, simulator, *arguments, "--incremental") == said


def test_only_formats_that_work_are_offered(command, arguments):  # noqa: F811
    """A dataset has no parts in FOCUS: the command refuses it at once and names the formats that it writes."""
    refused = command(*arguments, "--format", "focus")
    assert refused.code == 2
    assert refused.err.partition("'focus' is not one of ")[2].startswith("'csv', 'jsonl', 'parquet', 'sqlite'.")
