"""Bars and lines made of characters."""

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
    """Draw a share of something on its track: always `width` characters."""
    filled = round(min(max(share, 0.0), 1.0) * width)
    full, track = ("#", ".") if ascii_only else ("█", "░")
    return full * filled + track * (width - filled)


def level(share: float) -> str:
    """Give the colour of a share of what is allowed."""
    return "green" if share < 0.8 else "yellow" if share <= 1 else "red"


def sparkline(values: Sequence[float], width: int, *, ascii_only: bool = False) -> str:
    """Draw values as a line of columns, averaged where there are more of them than `width`."""
    heights = _ASCII_HEIGHTS if ascii_only else _HEIGHTS
    count = min(len(values), width)
    slices = [values[len(values) * i // count : len(values) * (i + 1) // count] for i in range(count)]
    means = [sum(part) / len(part) for part in slices]
    highest = max(means, default=0.0)
    if highest <= 0:
        return heights[0] * count
    return "".join(heights[min(int(max(mean, 0.0) / highest * len(heights)), len(heights) - 1)] for mean in means)
