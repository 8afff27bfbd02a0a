"""The benchmarks run, and every peer does the whole work. Their numbers are not judged here."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.outcome import Bar
from benchmarks.peers import PEERS, Peer
from benchmarks.rows import encoded_rows
from benchmarks.serving import Server, serving
from benchmarks.task import Tally, Task

ROOT = Path(__file__).parents[2]
ROWS = 250


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Serve a small list."""
    with serving(ROWS) as server:
        yield server


@pytest.fixture(scope="module")
def expected() -> Tally:
    """Count and add up the rows independently of the peers."""
    rows = json.loads(b"[%s]" % encoded_rows(ROWS)[0].rstrip(b","))
    return Tally(ROWS, sum(int(row["amount"]["amount"]) for row in rows))


def test_rows_are_realistic() -> None:
    """Rows have distinct ids and the size of the provider's."""
    text, starts = encoded_rows(ROWS)
    rows = json.loads(b"[%s]" % text.rstrip(b","))
    assert len({row["id"] for row in rows}) == ROWS
    assert 540 <= starts[-1] / ROWS <= 600


@pytest.mark.slow  # dlt and openai take seconds to import
@pytest.mark.filterwarnings("default")  # of foreign libraries
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.module)
def test_every_peer_reads_all_rows(peer: Peer, server: Server, expected: Tally) -> None:
    """Each peer walks the list to its end, whatever the page size."""
    if peer.missing:
        pytest.skip(f"{peer.missing} not installed")
    walk = importlib.import_module(f"benchmarks.peers.{peer.module}").walk
    for page_size in (100, 10):
        server.set(ROWS)
        assert walk(Task(server.url, page_size)) == expected


@pytest.mark.parametrize("module", ["ours", "floor"])
def test_ours_and_the_floor_read_all_rows(module: str, server: Server, expected: Tally) -> None:
    """The two peers of the narrowest target do the same work."""
    server.set(ROWS)
    walk = importlib.import_module(f"benchmarks.peers.{module}").walk
    assert walk(Task(server.url, 100)) == expected


def test_the_server_counts_and_limits(server: Server) -> None:
    """Beyond its rate, the server replies with 429, and the client waits; both are counted."""
    ours = importlib.import_module("benchmarks.peers.ours").walk
    for _ in range(100):  # a machine that is busy for a second between two requests sends them within the rate
        server.set(ROWS, rate=2)
        assert ours(Task(server.url, 100)).rows == ROWS
        counts = server.counts()
        assert counts["requests"] == 3 + counts["refused"]
        if counts["refused"]:
            break
    assert counts["refused"] == 1


def test_a_bar_knows_its_direction() -> None:
    """A target is met at exactly its bound, and not beyond it."""
    assert Bar("x", 1.0, 1.0).holds
    assert not Bar("x", 1.1, 1.0).holds
    assert Bar("x", 1.1, 1.0, at_least=True).holds
    assert not Bar("x", 0.9, 1.0, at_least=True).holds


@pytest.mark.slow
def test_the_command_writes_a_table_and_json(tmp_path: Path) -> None:
    """One command runs a scenario and prints every peer and the targets."""
    out = tmp_path / "out.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "walk-100", "decode", "import", "--json", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    outcomes = json.loads(out.read_text())["outcomes"]
    assert [outcome["name"] for outcome in outcomes] == ["walk-100", "decode", "import"]
    assert all(outcome["bars"] for outcome in outcomes)
    for sample in outcomes[0]["samples"]:
        assert sample["peer"] in done.stdout
