"""Small drawings in tables, as SVG markup that contains only numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["bar", "gauge", "sparkline"]

_WIDTH, _HEIGHT = 120, 22


def sparkline(values: Sequence[float]) -> Markup | str:
    """Draw values as a line from left to right, the lowest at the bottom. Fewer than two values have no line."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = high - low or 1.0
    step = _WIDTH / (len(values) - 1)
    points = " ".join(
        f"{index * step:.0f},{_HEIGHT - 3 - (_HEIGHT - 6) * ((value - low) / span if high > low else 0.5):.1f}"
        for index, value in enumerate(values)
    )
    return _svg("spark", _HEIGHT, f'<polyline vector-effect="non-scaling-stroke" points="{points}"/>')


def bar(share: float) -> Markup:
    """Draw a share between 0 and 1 as a bar."""
    return _svg("bar", 12, f'<rect class="fill" width="{_pixels(share)}" height="12" rx="2"/>')


def gauge(share: float | None) -> Markup:
    """Draw the used share of an included amount. A share above 1 has another colour; None is drawn empty."""
    track = f'<rect class="track" width="{_WIDTH}" height="12" rx="2"/>'
    if share is None:
        return _svg("bar", 12, track)
    if share <= 1:
        return _svg("bar", 12, f'{track}<rect class="fill" width="{_pixels(share)}" height="12" rx="2"/>')
    within = _pixels(1 / share)
    # The gap shows where the plan ends, without colours, too.
    over = f'<rect class="over" x="{within + 1.5:.1f}" width="{_WIDTH - within - 1.5:.1f}" height="12" rx="2"/>'
    return _svg("bar", 12, f'<rect class="fill" width="{within}" height="12" rx="2"/>{over}')


def _pixels(share: float) -> float:
    return round(min(max(share, 0.0), 1.0) * _WIDTH, 1)


def _svg(kind: str, height: int, inner: str) -> Markup:
    from markupsafe import Markup

    return Markup(  # noqa: S704 - numbers of ours only
        f'<svg class="{kind}" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" aria-hidden="true">'
        f"{inner}</svg>"
    )
