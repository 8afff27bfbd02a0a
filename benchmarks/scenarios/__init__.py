"""The scenarios, in the order of the table."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.outcome import Outcome
from benchmarks.scenarios import clocked, cpu, decode, exports, fleet, startup, wall
from benchmarks.setting import Setting

SCENARIOS: dict[str, Callable[[Setting], Outcome]] = {
    "walk-1000": cpu.walk_1000,
    "walk-100": cpu.walk_100,
    "walk-10": cpu.walk_10,
    "latency": wall.latency,
    "defaults": wall.defaults,
    "rate-limit": wall.rate_limit,
    "calls": clocked.calls,
    "decode": decode.decode,
    "odd-pages": clocked.odd_pages,
    "stall": clocked.stall,
    "export": exports.export,
    "fleet": fleet.fleet,
    "import": startup.imports,
    "help": startup.help_text,
}
