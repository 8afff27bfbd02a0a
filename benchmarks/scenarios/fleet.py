"""Two hundred accounts to one dataset, beside a hand-written gather over `export` and dlt's REST client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from statistics import median
from typing import Any

from benchmarks.children import child
from benchmarks.outcome import Bar, Outcome, Samples
from benchmarks.serving import ROOT
from benchmarks.setting import Setting

_TITLES = {
    "fleet": "aiozbilling fleet, 8 workers",
    "fleet-2": "aiozbilling fleet, 2 processes",
    "gather-32": "gather over export, 32 at once",
    "gather-8": "gather over export, 8 at once",
    "dlt-rest": "dlt's REST client",
}
_MOST_MIB = 400


def fleet(setting: Setting) -> Outcome:
    """Rows a second by wall time and the peak of memory: 200 accounts of 5,000 top-ups and 730 days, one bad key."""
    accounts, top_ups, days = (6, 300, 40) if setting.quick else (200, 5000, 730)
    turns = 1 if setting.quick else min(3, setting.repeat)
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in _TITLES if way != "dlt-rest" or find_spec("dlt")}
    with _serving(top_ups, days) as url:
        for turn in range(turns):
            for way, seen in runs.items():
                if way != "dlt-rest" or turn == 0:  # it takes minutes
                    seen.append(_run(way, accounts, url, (accounts - 1) * (top_ups + days)))
    samples = [Samples(_TITLES[way], [one["rows"] / one["wall_s"] for one in seen]) for way, seen in runs.items()]
    speed = {way: sample.median for way, sample in zip(runs, samples, strict=True)}
    peaks = {way: median(one["peak_mib"] for one in seen) for way, seen in runs.items()}
    bars = [
        Bar("x rows a second of the gather, 32 at once", speed["fleet"] / speed["gather-32"], 1.1, at_least=True),
        Bar("MiB of memory at the peak", peaks["fleet"], _MOST_MIB),
        Bar("x rows a second with two processes", speed["fleet-2"] / speed["fleet"], 1.5, at_least=True),
    ]
    if "dlt-rest" in speed:
        bars.insert(
            1, Bar("x rows a second of dlt's REST client", speed["fleet"] / speed["dlt-rest"], 4, at_least=True)
        )
    notes = tuple(f"{_TITLES[way]}: peak {peak:.0f} MiB in the first process" for way, peak in peaks.items())
    title = f"fleet of {accounts} accounts, {top_ups:,} top-ups and {days} days each"
    return Outcome("fleet", title, "rows a second", samples, bars, notes, ratios=False)


def _run(way: str, accounts: int, url: str, rows: int) -> dict[str, Any]:
    seen: dict[str, Any] = child("fleet_one", way, str(accounts), url)
    if seen["rows"] != rows:
        raise SystemExit(f"{way} wrote {seen['rows']} rows of {rows}")
    return seen


@contextmanager
def _serving(top_ups: int, days: int) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.fleet_server", str(top_ups), str(days)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()
