"""Measurements in new processes, with the peers in turn, so that a noisy minute affects all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Literal

from benchmarks.outcome import Samples
from benchmarks.peers import Peer
from benchmarks.serving import ROOT
from benchmarks.task import Task


def child(module: str, *arguments: str) -> Any:
    """Run a module of this package in a new process, and return the JSON that it prints."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[2:])} failed, see above")
    return json.loads(done.stdout.splitlines()[-1])


def in_turn(
    work: dict[Peer, tuple[Task, int]], repeat: int, measure: Literal["cpu_s", "wall_s"], walks: int = 5
) -> list[Samples]:
    """Measure each peer with its task several times in turn (A B C A B C), in ms; `repeat` is the upper limit."""
    values: dict[Peer, list[float]] = {peer: [] for peer in work}
    tallies: dict[Peer, object] = {}
    for turn in range(repeat):
        for peer, (task, times) in work.items():
            if turn < times:
                seen = child("run_one", peer.module, json.dumps(task), str(walks))
                values[peer].append(seen[measure] * 1000)
                tallies[peer] = seen["tally"]
    first = next(iter(tallies.values()))
    for peer, tally in tallies.items():
        if tally != first:
            raise SystemExit(f"{peer.title} saw {tally}, others {first}: it did not do the work")
    return [Samples(peer.title, times) for peer, times in values.items()]
