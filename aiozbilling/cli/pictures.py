"""Draws bars, gauges and sparklines with characters."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["bar", "gauge", "level", "sparkline"]

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HEIGHTS = "▁▂▃▄▅▆▇█"
_ASCII_HEIGHTS = "_.-=+*%#"


def bar(share: float, width: int, *, ascii_only: bool = False) -> str:
    """Draw a share between 0 and 1 as a bar of at most `width` characters."""
    share = min(max(share, 0.0), 1.0)
    if ascii_only:
        return "#" * round(share * width)
    full, rest = divmod(round(share * width * 8), 8)
    return ("█" * full + _EIGHTHS[rest]).rstrip() if rest else "█" * full


def gauge(share: float, width: int, *, ascii_only: bool = False) -> str:
    """Draw a share as a bar on a grey background, always `width` characters wide."""
    filled = round(min(max(share, 0.0), 1.0) * width)
    full, empty = ("#", ".") if ascii_only else ("█", "░")
    return full * filled + empty * (width - filled)


def level(share: float) -> str:
    """Return the colour of a used share of an allowance."""
    return "green" if share < 0.8 else "yellow" if share <= 1 else "red"


def sparkline(values: Sequence[float], width: int, *, ascii_only: bool = False) -> str:
    """Draw values as a line of columns; more than `width` values are averaged."""
    heights = _ASCII_HEIGHTS if ascii_only else _HEIGHTS
    count = min(len(values), width)
    slices = [values[len(values) * i // count : len(values) * (i + 1) // count] for i in range(count)]
    means = [sum(part) / len(part) for part in slices]
    highest = max(means, default=0.0)
    if highest <= 0:
        return heights[0] * count
    return "".join(heights[min(int(max(mean, 0.0) / highest * len(heights)), len(heights) - 1)] for mean in means)
