"""Writes outcomes as text for a terminal or as Markdown for the README."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.outcome import Outcome
from benchmarks.peers import FLOOR


def plain(outcome: Outcome) -> str:
    """Return a scenario as a small table, with its targets below."""
    rows = [("", "median", "min - max", "n", "÷ ours", "÷ floor"), *_cells(outcome)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [f"{outcome.name}: {outcome.title} ({outcome.unit})"]
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        lines.append(f"  {first.ljust(widths[0])}  {'  '.join(cells)}".rstrip())
    lines += [f"  {bar}" for bar in outcome.bars]
    lines += [f"  {note}" for note in outcome.notes]
    return "\n".join(lines)


def markdown(outcomes: list[Outcome], machine: dict[str, str]) -> str:
    """Return a table with a row for each scenario, and a table of targets."""
    lines = ["| scenario | peer | median | ÷ ours |", "|---|---|--:|--:|"]
    for outcome in outcomes:
        for number, (peer, middle, _, _, ratio, _) in enumerate(_cells(outcome)):
            title = f"{outcome.title}, {outcome.unit}" if number == 0 else ""
            lines.append(f"| {title} | {peer} | {middle} | {ratio} |")
    lines += ["", "| scenario | measured | target | |", "|---|--:|--:|---|"]
    for outcome in outcomes:
        for bar in outcome.bars:
            sign = "≥" if bar.at_least else "≤"
            mark = "✓" if bar.holds else "✗"
            lines.append(f"| {outcome.name}: {bar.what} | {bar.measured:.3g} | {sign} {bar.bound:g} | {mark} |")
    lines += ["", ", ".join(f"{name} {value}" for name, value in machine.items())]
    return "\n".join(lines)


def _cells(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    ours, floor = outcome.samples[0].median, outcome.of(FLOOR.title)
    for samples in outcome.samples:
        middle = samples.median
        yield (
            f"{samples.peer} {samples.remark}".strip(),
            _number(middle),
            f"{_number(min(samples.values))} - {_number(max(samples.values))}",
            str(len(samples.values)),
            f"{middle / ours:.2f}" if outcome.ratios else "",
            "" if floor is None else f"{middle / floor:.2f}",
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
