"""Walks without latency: CPU of the client process."""

from __future__ import annotations

from benchmarks.children import in_turn
from benchmarks.outcome import Outcome, bars_of
from benchmarks.peers import DLT, FLOOR, HTTPX, OURS, PEERS
from benchmarks.setting import Setting
from benchmarks.task import Task

_OTHERS = 2.5  # times as fast as dlt's REST client and httpx2 + pydantic
_TURNS_OF_OTHERS = 3  # they are far off, and take most of the time


def walk_1000(setting: Setting) -> Outcome:
    return _walk(setting, 1000, 1.12)


def walk_100(setting: Setting) -> Outcome:
    return _walk(setting, 100, 1.15)


def walk_10(setting: Setting) -> Outcome:
    return _walk(setting, 10, 1.25)


def _walk(setting: Setting, page_size: int, floors: float) -> Outcome:
    setting.server.set(setting.rows)
    task = Task(setting.server.url, page_size)
    others = min(setting.repeat, _TURNS_OF_OTHERS)
    work = {peer: (task, others) for peer in PEERS if not peer.missing}
    work |= dict.fromkeys((OURS, FLOOR), (task, setting.repeat))
    samples = in_turn(work, setting.repeat, "cpu_s")
    bounds = (FLOOR.title, "at most", floors), (DLT.title, "at least", _OTHERS), (HTTPX.title, "at least", _OTHERS)
    title = f"walk of {setting.rows:,} rows, page size {page_size}, concurrency 1"
    return Outcome(f"walk-{page_size}", title, "ms of CPU", samples, bars_of(samples, *bounds))
