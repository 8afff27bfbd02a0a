"""The command export, and the notes and progress bar that it shares with other commands."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import pty
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from aiozbilling.export.publish import publish
from aiozbilling.simulator import Simulator
from tests.marks import slow


@pytest.mark.parametrize("suffix", ["parquet", *slow("csv", "jsonl", "sqlite")])
def test_an_export_ends_with_its_facts(command: Any, tmp_path: Path, suffix: str) -> None:
    """The summary contains rows, sums and SHA-256; stderr stays empty if it is not a terminal."""
    path = tmp_path / f"t.{suffix}"
    result = command("export", "top-ups", "--out", str(path))
    assert (result.code, result.err) == (0, "")
    summary = dict(re.findall(r"^(\S+) +(.*)$", result.out.decode(), re.MULTILINE))
    manifest = json.loads((tmp_path / f"_t.{suffix}.manifest.json").read_bytes())
    assert (summary["rows"], summary["SHA-256"]) == ("120", manifest["sha256"])
    assert summary["sum"].endswith(" USD")
    assert summary["list"] == "static; 0 duplicates and 0 null rows skipped"
    again = command("export", "top-ups", "--out", str(path))
    assert (again.code, again.out) == (12, b"")
    assert "nothing is left to do. To export again, choose another name, or replace the file with --force" in again.err
    assert command("export", "top-ups", "--out", str(path), "--force").code == 0


def test_a_span_of_the_history(command: Any, tmp_path: Path) -> None:
    """A month includes all of its days, and the rows outside it are counted."""
    result = command("export", "history", "--out", str(tmp_path / "h.csv"), "--since", "2026-10", "--until", "2026-10")
    assert b"31, and 39 outside the time range" in result.out
    wrong = command("export", "history", "--out", str(tmp_path / "x.csv"), "--since", "yesterday")
    assert wrong.code == 2
    assert "since must be" in wrong.err


def test_daily_costs_in_the_columns_of_focus(command: Any, tmp_path: Path) -> None:
    """`--format focus` writes the history for cost tools; it needs a label for the account."""
    path = tmp_path / "costs.csv"
    missing = command("export", "history", "--format", "focus", "--out", str(path))
    assert missing.code == 2
    assert missing.err == "aiozbilling: --format focus needs --account …, the label for BillingAccountId\n"
    result = command("export", "history", "--format", "focus", "--account", "main", "--out", str(path))
    assert result.code == 0, result.err
    header, *rows = path.read_text().splitlines()
    assert {"BilledCost", "BillingAccountId", "ChargePeriodStart"} <= set(header.split(","))
    assert len(rows) == 70


def test_an_interrupted_export_resumes(command: Any, simulator: Simulator, tmp_path: Path) -> None:
    """After Ctrl-C, a note says how to resume, the exit code is 130, and the same command completes the file."""
    simulator.fail("hang", times=9, path="topUp", after=3)
    arguments = ("export", "top-ups", "--out", str(tmp_path / "t.csv"), "--page-size", "10", "--concurrency", "1")
    with command.start(*arguments) as process:
        while len(simulator.requests) < 4:  # the fourth is sent after the third reply was read
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"28 rows kept. Run the same command again to resume." in err
    simulator.forgive()
    assert b"runs     2" in command(*arguments).out


@pytest.mark.slow
def test_an_export_that_ends_before_its_first_row_keeps_nothing(
    command: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """After Ctrl-C before the first page, a note says that nothing is kept, and no file is left."""
    simulator.fail("hang", times=9)
    with command.start("export", "top-ups", "--out", str(tmp_path / "t.csv")) as process:
        while not simulator.in_flight:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert err == b"Nothing is kept: no row was read. Run the same command again to start from the beginning.\n"
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


@pytest.mark.parametrize("is_resumed", [False, True])
def test_an_export_that_is_interrupted_at_its_end_is_complete(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_resumed: bool
) -> None:
    """If SIGTERM comes while the file gets its name, a note and the next run say that it is complete."""
    path, link = tmp_path / "t.csv", tmp_path / "link.csv"
    link.symlink_to(path)
    loops: list[asyncio.AbstractEventLoop] = []
    new_event_loop = asyncio.new_event_loop

    def noted() -> asyncio.AbstractEventLoop:
        loops.append(new_event_loop())
        return loops[-1]

    def published(*arguments: Any, **options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        until = time.monotonic() + 60  # if the command is not cancelled by then, its exit code is another one
        while time.monotonic() < until and not any(task.cancelling() for task in asyncio.all_tasks(loops[-1])):
            time.sleep(0.01)
        return publish(*arguments, **options)

    def failed(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    if is_resumed:  # by a run that reads nothing
        monkeypatch.setattr("aiozbilling.export.job.publish", failed)
        assert command("export", "top-ups", "--out", str(link)).code == 12
    monkeypatch.setattr("aiozbilling.export.job.publish", published)
    monkeypatch.setattr("asyncio.events.new_event_loop", noted)
    result = command("export", "top-ups", "--out", str(link))
    assert result.code == 143
    assert result.err == "The file is complete: the command was interrupted after it was written.\n"
    again = command("export", "top-ups", "--out", str(link))
    assert again.code == 12
    assert "the file exists and is a complete export: 120 rows" in again.err
    assert "nothing is left to do. To export again, choose another name, or replace the file with --force" in again.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "history", "--format", "focus", "--out", "costs.csv"),
        ("export", "top-ups", "--out", "t.csv", "--since", "yesterday"),
        ("export", "top-ups", "--out", "t.docx"),
        ("sync", "--db", "."),
    ],
)
def test_wrong_arguments_come_before_simulated_data(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """The note about simulated data is written at the first request, so it does not appear for wrong arguments."""
    monkeypatch.chdir(tmp_path)
    refused = command(*arguments, "--simulator")
    assert refused.code in (2, 12)
    assert "simulated data" not in refused.err


@pytest.mark.parametrize("out", [".", ""])
def test_a_folder_is_no_output_file(command: Any, out: str) -> None:
    """The working folder as the output file is a wrong argument, not a bug."""
    result = command("export", "top-ups", "--out", out)
    assert result.code == 2
    assert "is a folder" in result.err


def test_simulated_data_is_noted_once(command: Any) -> None:
    """A command with several requests prints the note once."""
    result = command("history", "--simulator", "--page-size", "20", "--format", "csv")
    assert result.code == 0
    assert result.err == "simulated data (seed 1) from an embedded server\n"


@pytest.mark.parametrize("width", [60, *(pytest.param(width, marks=pytest.mark.slow) for width in (40, 80, 140))])
def test_a_progress_bar_on_a_terminal(command: Any, simulator: Simulator, tmp_path: Path, width: int) -> None:
    """The bar shows rows and their total in one line at every width, and is removed at the end."""
    simulator.behaviour.latency_s = 0.15
    terminal, ours = pty.openpty()
    arguments = ("export", "top-ups", "--out", str(tmp_path / "t.csv"), "--page-size", "30", "--concurrency", "1")
    environment = {"COLUMNS": str(width), "TERM": "xterm"}
    with command.start(*arguments, stderr=ours, environment=environment) as process:
        os.close(ours)
        shown = b""
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:
                break
            shown += chunk
        out, _ = process.communicate(timeout=60)
    os.close(terminal)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    assert any(re.search(r"\d+ of 120 rows", line) for line in lines)
    assert max(map(len, lines)) <= width
    assert process.returncode == 0
    assert b"120" in out


def test_stop_early_saves_requests(command: Any, simulator: Simulator, tmp_path: Path) -> None:
    """--stop-early returns the same rows with fewer requests, is reported by export, and needs --since."""
    options = ("--since", "2026-11", "--page-size", "5", "--concurrency", "1")
    counts = []
    printed = []
    for more in ((), ("--stop-early",)):
        before = len(simulator.requests)
        printed.append(command("history", *options, *more, "-f", "csv").out)
        counts.append(len(simulator.requests) - before)
    assert printed[0] == printed[1]
    assert counts[1] < counts[0]
    result = command("export", "history", "--out", str(tmp_path / "h.csv"), *options, "--stop-early")
    assert b"stopped  early" in result.out
    assert (tmp_path / "h.csv").read_bytes() == printed[0]
    for words in (("history",), ("export", "history", "--out", str(tmp_path / "x.csv"))):
        refused = command(*words, "--stop-early")
        assert refused.code == 2
        assert "since" in refused.err
