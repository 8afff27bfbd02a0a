"""The charts as Vega-Lite specifications, with Altair. Colours are CSS variables, so dark and light need no script."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import altair as alt

from aiozbilling.records.calendar import next_month
from aiozbilling.report.numbers import axis_format, days_text, long_month, money
from aiozbilling.report.period import is_whole
from aiozbilling.statement.balance import BalanceDay
from aiozbilling.statement.facts import SpendDay
from aiozbilling.statement.months import SpendMonth

__all__ = ["balance_chart", "days_chart", "months_chart", "running_chart"]

WIDTH, HEIGHT = 460, 210
_PALE = 0.5  # opacity of what is not whole, such as the running month
_OPACITY: dict[str, Any] = {"field": "opacity", "type": "quantitative", "scale": None, "legend": None}
_FEWEST_MONTHS, _FEWEST_DAYS = 6, 14  # so that a single bar does not fill the chart
_APART: dict[str, Any] = {
    "labelOverlap": "greedy",
    "labelSeparation": 10,
    "labelFlush": True,
    "labelPadding": 8,
    "grid": False,
}
_TOOLTIP: dict[str, Any] = {"tooltip": [alt.Tooltip("is:N"), alt.Tooltip("worth:N")]}
_PARTS = (("storage", "var(--blue)"), ("bandwidth", "var(--orange)"), ("not split", "var(--grey)"))


def months_chart(months: Sequence[SpendMonth], *, tooltips: bool) -> dict[str, Any]:
    """Draw the spend of each month as a stack of its components."""
    names = [month.month for month in months]
    while 0 < len(names) < _FEWEST_MONTHS:
        names.insert(0, next_month(names[0], -1))
    rows = [row for month in months for row in _parts(month)]
    color = alt.Color(
        "part:N", legend=None, scale=alt.Scale(domain=[name for name, _ in _PARTS], range=[c for _, c in _PARTS])
    )
    highest = max((float(month.spend) for month in months), default=0.0)
    bars = (
        _chart(rows)
        .mark_bar(width=alt.RelativeBandSize(0.72), aria=False)
        .encode(
            x=alt.X("month:O", axis=_few(names, 7, "%Y-%m", "%b %Y"), scale=alt.Scale(domain=names), title=None),
            y=_dollars(highest).stack("zero"),
            color=color,
            fillOpacity=_OPACITY,
            stroke={"field": "outline", "type": "nominal", "scale": None, "legend": None},
            order=alt.Order("order:O"),
            **(_TOOLTIP if tooltips else {}),
        )
    )
    return _finished(bars, f"Spend by month in USD, {len(months)} months, split into storage, bandwidth and not split")


def _parts(month: SpendMonth) -> list[dict[str, Any]]:
    none = Decimal(0)
    # Parts that exceed the sum of the days would make a bar that is higher than the month's spend.
    if month.has_excess or month.spend < 0:
        amounts = [none, none, month.spend]
    else:
        amounts = [max(part or none, none) for part in (month.storage, month.bandwidth, month.not_split)]
    return [
        {
            "month": month.month,
            "part": name,
            "usd": float(amount),
            "order": order,
            "opacity": 1 if is_whole(month) else _PALE,
            # Without colours two parts are the same grey, and a paler bar needs an edge to be visible.
            "outline": "var(--page)" if is_whole(month) else color,
            "is": f"{long_month(month.month)}{'' if is_whole(month) else f' ({days_text(month.days)})'}, {name}",
            "worth": money(amount),
        }
        for order, ((name, color), amount) in enumerate(zip(_PARTS, amounts, strict=True))
        if amount
    ]


def days_chart(
    days: Sequence[SpendDay], unusual: frozenset[dt.date], unfinished: frozenset[dt.date], *, tooltips: bool
) -> dict[str, Any]:
    """Draw the spend of each day as a bar: unusual ones in another colour and with a mark, unfinished ones paler."""
    names = [day.day.isoformat() for day in days]
    while 0 < len(names) < _FEWEST_DAYS:
        names.insert(0, (dt.date.fromisoformat(names[0]) - dt.timedelta(days=1)).isoformat())
    rows = [
        {
            "day": day.day.isoformat(),
            "usd": float(day.usd or 0),
            "opacity": _PALE if day.day in unfinished else 1,
            "is": f"{day.day}{' (unusual)' * (day.day in unusual)}{' (so far)' * (day.day in unfinished)}",
            "worth": money(day.usd, 4),
            "kind": "unusual" if day.day in unusual else "usual",
        }
        for day in days
    ]
    months = [name for name in names if name.endswith("-01")]
    named = months if len(months) > 2 else names
    color = alt.Color(
        "kind:N",
        legend=None,
        scale=alt.Scale(domain=["usual", "unusual"], range=["var(--blue)", "var(--red)"]),
    )
    bars = (
        _chart(rows)
        .mark_bar(width=alt.RelativeBandSize(0.8), aria=False)
        .encode(
            x=alt.X("day:O", axis=_few(named, 4, "%Y-%m-%d", "%-d %b %Y"), scale=alt.Scale(domain=names), title=None),
            y=_dollars(max((float(day.usd or 0) for day in days), default=0.0)),
            color=color,
            opacity=_OPACITY,
            **(_TOOLTIP if tooltips else {}),
        )
    )
    # Without colours, as on paper, red and blue are the same grey.
    marks = (
        _chart([row | {"usd": max(row["usd"], 0.0)} for row in rows if row["kind"] == "unusual"])
        .mark_point(shape="triangle-down", filled=True, size=36, opacity=1, yOffset=-6, color="var(--red)", aria=False)
        .encode(x=alt.X("day:O"), y=alt.Y("usd:Q"), **(_TOOLTIP if tooltips else {}))
    )
    drawn = alt.layer(bars, marks) if unusual else bars
    return _finished(drawn, f"Spend by day in USD, {len(days)} days, {len(unusual)} of them unusual")


def balance_chart(
    days: Sequence[BalanceDay], forecast: Sequence[tuple[dt.date, Fraction]], *, tooltips: bool
) -> dict[str, Any]:
    """Draw the balance of each day as an area, and its forecast as a dashed line."""
    past = [_point(row.day, Fraction(row.closing), "") for row in days]
    future = [_point(day, usd, " (forecast)") for day, usd in forecast]
    highest = max((abs(row["usd"]) for row in [*past, *future]), default=0.0)
    x = alt.X(
        "day:T",
        scale=alt.Scale(type="utc"),
        title=None,
        axis=alt.Axis(format="%-d %b %Y", tickCount=4, **_APART),
    )
    y = _dollars(highest)
    before, after = (_chart(rows).encode(x=x, y=y) for rows in (past, future))
    layers: list[Any] = [
        before.mark_area(color="var(--blue)", opacity=0.14, aria=False),
        before.mark_line(color="var(--blue)", strokeWidth=2, aria=False),
        # A line of one point is invisible.
        _chart(past[-1:]).mark_point(filled=True, size=46, opacity=1, color="var(--blue)", aria=False).encode(x=x, y=y),
    ]
    if future:
        layers.append(after.mark_line(color="var(--red)", strokeWidth=1.6, strokeDash=[5, 4], aria=False))
    if tooltips:
        layers.append(_hover(_chart([*past, *future]).encode(x=x, y=y)))
    return _finished(alt.layer(*layers), f"Balance by day in USD, {len(days)} days, with its forecast")


def running_chart(
    this: Sequence[tuple[dt.date, Fraction]], last: Sequence[tuple[dt.date, Fraction]], *, tooltips: bool
) -> dict[str, Any]:
    """Draw the running totals of a month's days, and those of the previous month."""
    old, new = _running(last), _running(this)
    axis = alt.Axis(values=[1, 5, 10, 15, 20, 25, 31], format="d", grid=False, title="day of the month")
    x = alt.X("number:Q", scale=alt.Scale(domain=[1, 31]), axis=axis)
    highest = max((row["usd"] for row in [*old, *new]), default=0.0)
    y = _dollars(highest)
    layers: list[Any] = [
        _chart(rows).mark_line(color=color, strokeWidth=width, aria=False).encode(x=x, y=y)
        for rows, color, width in ((old, "var(--grey)", 2), (new, "var(--blue)", 2.4))
        if len(rows) > 1
    ]
    # A line of one point is invisible.
    ends = [rows[-1] | {"color": color} for rows, color in ((old, "var(--grey)"), (new, "var(--blue)")) if rows]
    dots = _chart(ends).mark_point(filled=True, size=46, opacity=1, aria=False)
    layers.append(dots.encode(x=x, y=y, color=alt.Color("color:N", scale=None)))
    if tooltips:
        layers.append(_hover(_chart([*old, *new]).encode(x=x, y=y)))
    return _finished(alt.layer(*layers), "Running total of the month's spend in USD against the month before, by day")


def _chart(rows: Sequence[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.Data(values=list(rows)))  # type: ignore[no-untyped-call]


def _running(totals: Sequence[tuple[dt.date, Fraction]]) -> list[dict[str, Any]]:
    return [{"number": day.day, "usd": float(usd), "is": f"until {day}", "worth": money(usd)} for day, usd in totals]


def _point(day: dt.date, usd: Fraction, remark: str) -> dict[str, Any]:
    return {"day": day.isoformat(), "usd": float(usd), "is": f"{day}{remark}", "worth": money(usd)}


def _few(names: Sequence[str], most: int, stored: str, written: str) -> alt.Axis:
    """Choose at most `most` evenly spaced values for labels, including the last one, and rewrite their times."""
    step = -(-len(names) // most) or 1
    chosen = list(reversed(list(reversed(names))[::step]))
    words = f"utcFormat(utcParse(datum.label, '{stored}'), '{written}')"
    return alt.Axis(values=chosen, labelAngle=0, ticks=False, labelExpr=words, **_APART)


def _dollars(highest: float) -> alt.Y:
    """Return the vertical axis. An axis without any amount ends at a dollar, so that 0 is at its foot."""
    # d3 abbreviates as physicists do; the tiles say bn and tn.
    words = "replace(replace(replace(datum.label, 'M', 'm'), 'G', 'bn'), 'T', 'tn')"
    words = f"datum.value === 0 ? '$0' : {words}"
    large: dict[str, Any] = {"labelExpr": words} if highest >= 10**6 or 0 < highest < 0.01 else {}
    zero: dict[str, Any] = {
        "gridColor": {"condition": {"test": "datum.value === 0", "value": "var(--muted)"}, "value": "var(--line)"}
    }
    axis = alt.Axis(format=axis_format(highest), tickCount=4, domain=False, ticks=False, **large, **zero)
    empty: dict[str, Any] = {} if highest else {"scale": alt.Scale(domain=[0, 1])}
    return alt.Y("usd:Q", axis=axis, title=None, **empty)


def _hover(base: Any) -> Any:
    """Add invisible points that are large enough for a finger."""
    return base.mark_point(filled=True, opacity=0, size=160, aria=False).encode(**_TOOLTIP)


_AXIS = {"labelColor": "var(--muted)", "titleColor": "var(--muted)", "labelFontSize": 11, "titleFontSize": 11}
_CONFIG = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        **_AXIS,
        "titleFontWeight": 400,
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "gridColor": "var(--line)",
    },
}


def _finished(chart: Any, description: str) -> dict[str, Any]:
    sized = chart.properties(
        width=WIDTH, height=HEIGHT, description=description, autosize={"type": "fit", "contains": "padding"}
    )
    spec: dict[str, Any] = sized.to_dict()
    return {**spec, "config": _CONFIG}
