"""Times of calls and unusual pages, and pauses of the event loop."""

from __future__ import annotations

from benchmarks.children import child
from benchmarks.odd_pages import ODD, PLAIN
from benchmarks.outcome import Bar, Outcome, Samples, bars_of
from benchmarks.peers import CALLERS, FLOOR, Peer
from benchmarks.setting import Setting
from benchmarks.stall_one import REPLIES, USUAL

__all__ = ["calls", "odd_pages", "stall"]

_CONCURRENCY = (1, 16, 64)
_LARGEST_MIB = 64  # the default `max_body`


def calls(setting: Setting) -> Outcome:
    """CPU of a call of this_month_usage, with 1, 16 and 64 at the same time."""
    count = 128 if setting.quick else 1280
    samples: list[Samples] = []
    bars: list[Bar] = []
    for concurrency in _CONCURRENCY:
        values: dict[Peer, list[float]] = {peer: [] for peer in CALLERS if not peer.missing}
        for _ in range(setting.repeat):
            for peer, seen in values.items():
                cpu_s = child("repeat_one", "calls", peer.module, setting.server.url, str(concurrency), str(count))
                seen.append(cpu_s / count * 1e6)
        found = [Samples(peer.title, seen, f"x {concurrency}") for peer, seen in values.items()]
        bars += [
            bar._replace(what=f"{bar.what}, {concurrency} at once")
            for bar in bars_of(found, (FLOOR.title, "at most", 1.15))
        ]
        samples += found
    return Outcome("calls", "a call of this_month_usage", "µs of CPU", samples, bars, ratios=False)


def odd_pages(setting: Setting) -> Outcome:
    """CPU of decoding a page of 1000 rows, plain and with unusual rows."""
    count = 2 if setting.quick else 20
    values: dict[str, list[float]] = {name: [] for name in (PLAIN, *ODD)}
    for _ in range(setting.repeat):
        for name, seen in values.items():
            seen.append(child("repeat_one", "page", name, str(count)) / count * 1000)
    samples = [Samples(name, seen) for name, seen in values.items()]
    plain = samples[0].median
    bars = [Bar(f"x plain, {s.peer}", s.median / plain, 2.0 if "bad" in s.peer else 1.5) for s in samples[1:]]
    return Outcome("odd-pages", "decode a page of 1000 top-ups", "ms of CPU", samples, bars)


def stall(setting: Setting) -> Outcome:
    """The longest pause of the event loop while one reply is read, whatever the reply."""
    size = 4 if setting.quick else _LARGEST_MIB
    samples = [Samples(name, [child("stall_one", name, str(size))]) for name in REPLIES]
    usual = next(s.median for s in samples if s.peer == USUAL)
    bars = [Bar(f"ms beyond a usual page, {s.peer}", s.median - usual, 50) for s in samples if s.peer != USUAL]
    title = f"longest pause of the event loop for one reply of up to {size} MiB, best of three"
    return Outcome("stall", title, "ms", samples, bars, ratios=False)
