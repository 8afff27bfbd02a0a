"""Decodes one page to records, compared with the bare typed decoder."""

from __future__ import annotations

from benchmarks.children import child
from benchmarks.decode_one import BARE, OURS
from benchmarks.outcome import Outcome, Samples, bars_of
from benchmarks.setting import Setting


def decode(setting: Setting) -> Outcome:
    """A page of 1000 top-ups; the two are timed in turn in one process, in several processes."""
    rounds = 3 if setting.quick else 60
    seen = [child("decode_one", str(rounds)) for _ in range(setting.repeat)]
    samples = [Samples(name, [one[name] for one in seen]) for name in (OURS, BARE)]
    title = "decode one page of 1000 top-ups from bytes"
    return Outcome("decode", title, "ms of CPU", samples, bars_of(samples, (BARE, "at most", 1.15)))
