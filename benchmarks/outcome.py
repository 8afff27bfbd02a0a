"""Results of a scenario: samples of each peer, and targets."""

from __future__ import annotations

from statistics import median
from typing import Any, NamedTuple


class Samples(NamedTuple):
    """Measured values of one peer, and notes."""

    peer: str
    values: list[float]
    remark: str = ""

    @property
    def median(self) -> float:
        return median(self.values)


class Bar(NamedTuple):
    """A target and the measured value."""

    what: str
    measured: float
    bound: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{'pass' if self.holds else 'FAIL'}  {self.what}: {self.measured:.3g} (target {sign} {self.bound:g})"


class Outcome(NamedTuple):
    """Result of a scenario. The first of `samples` is this library; with `ratios`, the others are compared with it."""

    name: str
    title: str
    unit: str
    samples: list[Samples]
    bars: list[Bar]
    notes: tuple[str, ...] = ()
    ratios: bool = True

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "unit": self.unit,
            "samples": [s._asdict() | {"median": s.median} for s in self.samples],
            "bars": [bar._asdict() | {"holds": bar.holds} for bar in self.bars],
            "notes": list(self.notes),
        }

    def of(self, peer: str) -> float | None:
        return next((s.median for s in self.samples if s.peer == peer), None)


def bars_of(samples: list[Samples], *bounds: tuple[str, str, float]) -> list[Bar]:
    """Return targets from ``(peer, "at most" | "at least", ratio)``: at most r × the peer, or at least r × faster."""
    medians = {s.peer: s.median for s in samples}
    ours = samples[0].median
    return [
        Bar(f"x {peer}", ours / medians[peer], ratio)
        if kind == "at most"
        else Bar(f"x faster than {peer}", medians[peer] / ours, ratio, at_least=True)
        for peer, kind, ratio in bounds
        if peer in medians
    ]
