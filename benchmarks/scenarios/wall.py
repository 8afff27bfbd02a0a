"""Walks that wait for the server: wall time."""

from __future__ import annotations

from statistics import median

from benchmarks.children import in_turn
from benchmarks.outcome import Bar, Outcome, Samples, bars_of
from benchmarks.peers import OURS, PEERS, REQUESTS
from benchmarks.setting import Setting
from benchmarks.task import Task

_SEQUENTIAL_TURNS = 1  # ten seconds each, of which latency is known


def latency(setting: Setting) -> Outcome:
    """200 pages of 100 rows; we alone have several in flight."""
    pages, concurrency, latency_ms = (16 if setting.quick else 200), 8, 50
    setting.server.set(100 * pages, latency_ms=latency_ms)
    task = Task(setting.server.url, 100)
    work = {peer: (task, _SEQUENTIAL_TURNS) for peer in PEERS if not peer.missing}
    work[OURS] = (task._replace(concurrency=concurrency), setting.repeat)
    samples = in_turn(work, setting.repeat, "wall_s", walks=1)
    ideal = pages / concurrency * latency_ms
    bars = [Bar(f"of {pages // concurrency} x {latency_ms} ms", samples[0].median / ideal, 1.12)]
    bars += bars_of(samples, *((s.peer, "at least", 6) for s in samples[1:]))
    title = f"{pages} pages of 100 rows, {latency_ms} ms latency, ours at concurrency {concurrency}"
    return Outcome("latency", title, "ms of wall", samples, bars)


def defaults(setting: Setting) -> Outcome:
    """All defaults of ours, its rate limit included, and all of the sample's."""
    rows = 300 if setting.quick else 5000
    setting.server.set(rows, latency_ms=20)
    task = Task(setting.server.url, None, concurrency=None, rate=None)
    work = {OURS: (task, setting.repeat)}
    if not REQUESTS.missing:
        work[REQUESTS] = (task, _SEQUENTIAL_TURNS)
    samples = in_turn(work, setting.repeat, "wall_s", walks=1)
    title = f"{rows:,} rows, 20 ms latency, each with its own defaults"
    bars = bars_of(samples, (REQUESTS.title, "at least", 100))
    return Outcome("defaults", title, "ms of wall", samples, bars)


def rate_limit(setting: Setting) -> Outcome:
    """More work than the server allows in a second.

    A server that grants `rate` requests in any second can't be done with n of them before (n - 1) // rate seconds.
    """
    rate, rows, server = 100, (1500 if setting.quick else 18_000), setting.server
    task = Task(server.url, 10, concurrency=16, rate=rate)
    walls, used, refused, granted = [], [], [], 0
    for _ in range(min(setting.repeat, 3)):
        server.set(rows, rate=rate)
        (seen,) = in_turn({OURS: (task, 1)}, 1, "wall_s", walks=1)
        counts = server.counts()
        granted = counts["requests"] - counts["refused"]
        walls += seen.values
        used.append((granted - 1) // rate * 1000 / seen.median * 100)
        refused.append(counts["refused"] / counts["requests"] * 100)
    bars = [
        Bar("% of the allowed rate used", median(used), 99, at_least=True),
        Bar("% of requests answered 429, in the worst run", max(refused), 0.5),
    ]
    title = f"{granted} requests to a server that allows {rate} a second, ours at concurrency 16"
    return Outcome("rate-limit", title, "ms of wall", [Samples(OURS.title, walls)], bars)
