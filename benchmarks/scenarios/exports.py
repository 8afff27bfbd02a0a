"""Exports a whole list, compared with a hand-written loop with the same client, page size and columns."""

from __future__ import annotations

from importlib.util import find_spec
from statistics import median
from typing import Any

from benchmarks.children import child
from benchmarks.outcome import Bar, Outcome, Samples
from benchmarks.serving import Server, serving
from benchmarks.setting import Setting

_FORMATS = ("jsonl", "csv", "sqlite", "parquet")
_BY_HAND = {"jsonl": "orjson", "csv": "csv", "sqlite": "sqlite3", "parquet": "pyarrow"}
_WAYS = ("ours", "by-hand")
_MOST_ROWS = 1_000_000


def export(setting: Setting) -> Outcome:
    """Rows a second by wall time, and the peak of memory at these rows and at ten times as many, at most a million."""
    formats = [name for name in _FORMATS if name != "parquet" or find_spec("pyarrow")]
    turns = 1 if setting.export_rows >= _MOST_ROWS else min(3, setting.repeat)
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {(name, way): [] for name in formats for way in _WAYS}
    for _ in range(turns):
        for (format_, way), seen in runs.items():
            seen.append(_run(setting.server, format_, way, setting.export_rows))
    samples, bars, notes = [], [], []
    for format_ in formats:
        ours, by_hand = runs[format_, "ours"], runs[format_, "by-hand"]
        samples += [
            Samples(f"{format_}, aiozbilling", _speeds(ours)),
            Samples(f"{format_}, loop with {_BY_HAND[format_]}", _speeds(by_hand)),
        ]
        bars.append(
            Bar(f"x rows a second of the {format_} loop", samples[-2].median / samples[-1].median, 1.0, at_least=True)
        )
        cpu, by_hand_cpu = _cpu_us(ours), _cpu_us(by_hand)
        notes.append(f"{format_}: {cpu:.1f} µs of CPU a row, by hand {by_hand_cpu:.1f}, ratio {by_hand_cpu / cpu:.2f}")
    many = min(_MOST_ROWS, 10 * setting.export_rows)
    with serving(many) as server:
        for format_ in formats:
            few_mib, many_mib = (_run(server, format_, "ours", rows)["peak_mib"] for rows in (many // 10, many))
            bars.append(Bar(f"x peak memory at ten times the rows, {format_}", many_mib / few_mib, 1.05))
            by_hand_mib = runs[format_, "by-hand"][0]["peak_mib"]
            notes.append(
                f"{format_}: peak {many_mib:.0f} MiB at {many:,} rows, {few_mib:.0f} MiB at a tenth; by hand"
                f" {by_hand_mib:.0f} MiB at {setting.export_rows:,}"
            )
    title = f"export of {setting.export_rows:,} rows"
    return Outcome("export", title, "rows a second", samples, bars, tuple(notes), ratios=False)


def _run(server: Server, format_: str, way: str, rows: int) -> dict[str, Any]:
    server.set(rows)
    seen: dict[str, Any] = child("export_one", way, format_, server.url)
    if seen["rows"] != rows:
        raise SystemExit(f"{way} wrote {seen['rows']} rows of {rows} to {format_}")
    return seen


def _cpu_us(runs: list[dict[str, Any]]) -> float:
    return float(median(one["cpu_s"] / one["rows"] for one in runs)) * 1e6


def _speeds(runs: list[dict[str, Any]]) -> list[float]:
    return [one["rows"] / one["wall_s"] for one in runs]
