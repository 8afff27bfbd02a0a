"""The scenarios of ``--instructions``: the same work, counted in instructions."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from benchmarks.instructions import counted, per_unit
from benchmarks.odd_pages import ODD, PLAIN
from benchmarks.outcome import Bar, Outcome, Samples, bars_of
from benchmarks.peers import CALLERS, FLOOR, OURS
from benchmarks.setting import Setting
from benchmarks.task import Task

__all__ = ["COUNTED"]

_MILLION = 1e6
_UNIT = "millions of instructions"


def _walk(page_size: int, pages: tuple[int, int], bound: float, setting: Setting) -> Outcome:
    """Instructions of a page of a walk. Each length has its own process."""
    samples = []
    for peer in (OURS, FLOOR):
        counts = []
        for count in pages:
            setting.server.set(count * page_size)
            task = json.dumps(Task(setting.server.url, page_size))
            counts.append(counted(["-m", "benchmarks.repeat_one", "walk", peer.module, task, "1", "--once"]))
        samples.append(Samples(peer.title, [(counts[1] - counts[0]) / (pages[1] - pages[0]) / _MILLION]))
    title = f"a page of a walk at page size {page_size}, one at a time"
    return Outcome(f"walk-{page_size}", title, _UNIT, samples, bars_of(samples, (FLOOR.title, "at most", bound)))


def _odd_pages(setting: Setting) -> Outcome:
    """Decode a page of 1000 rows with odd ones."""
    short, long = (1, 2) if setting.quick else (2, 8)
    samples = [Samples(name, [per_unit(["page", name], short, long) / _MILLION]) for name in (PLAIN, *ODD)]
    plain = samples[0].median
    bars = [Bar(f"x plain, {s.peer}", s.median / plain, 2.0 if "bad" in s.peer else 1.5) for s in samples[1:]]
    return Outcome("odd-pages", "decode a page of 1000 top-ups", _UNIT, samples, bars)


def _calls(concurrency: int, setting: Setting) -> Outcome:
    """Read this month's usage."""
    short, long = (64, 128) if setting.quick else (128, 640)
    samples = []
    for peer in (OURS, FLOOR) if setting.quick else CALLERS:
        if not peer.missing:
            work = ["calls", peer.module, setting.server.url, str(concurrency)]
            samples.append(Samples(peer.title, [per_unit(work, short, long) / _MILLION]))
    title = f"a call of this_month_usage, {concurrency} at once"
    return Outcome(f"calls-{concurrency}", title, _UNIT, samples, bars_of(samples, (FLOOR.title, "at most", 1.15)))


def _imports(setting: Setting) -> Outcome:
    """Import the client, without the interpreter's own start."""
    del setting
    statements = ("from aiozbilling import AiozBilling", "import aiohttp")
    start = counted(["-c", "pass"])
    samples = [Samples(statement, [(counted(["-c", statement]) - start) / _MILLION]) for statement in statements]
    return Outcome("import", "import", _UNIT, samples, bars_of(samples, ("import aiohttp", "at most", 1.15)))


COUNTED: dict[str, Callable[[Setting], Outcome]] = {
    "walk-1000": partial(_walk, 1000, (4, 16), 1.12),
    "walk-100": partial(_walk, 100, (20, 80), 1.15),
    "walk-10": partial(_walk, 10, (50, 200), 1.25),
    "odd-pages": _odd_pages,
    "calls-1": partial(_calls, 1),
    "calls-16": partial(_calls, 16),
    "calls-64": partial(_calls, 64),
    "import": _imports,
}
