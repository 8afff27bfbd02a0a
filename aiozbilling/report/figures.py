"""The figures of the page: charts with title, unit, legend, text and table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Any

import attrs

from aiozbilling.records.calendar import next_month
from aiozbilling.report.charts import balance_chart, days_chart, months_chart, running_chart
from aiozbilling.report.drawing import script_spec, static_svg
from aiozbilling.report.grid import Grid, shown
from aiozbilling.report.numbers import day_name, days_text, long_month, money, money_short, month_name, runway_text
from aiozbilling.report.period import ReportMonth, is_whole, month_label
from aiozbilling.statement.estimates import forecast
from aiozbilling.statement.facts import SpendDay
from aiozbilling.statement.summary import Statement

__all__ = ["Figure", "figures"]

_MONTHS, _DAYS = 24, 180
_AHEAD = dt.timedelta(days=365)


@attrs.frozen(kw_only=True)
class Figure:
    """A chart on the page.

    Attributes:
        id: id of its elements.
        title: title.
        unit: unit of the values.
        text: description in one sentence, for screen readers.
        legend: pairs of colour class and text.
        svg: the drawing without scripts, as markup; empty if there is nothing to draw.
        spec: input for the script, or None on a page without scripts.
        grid: table of the values.
    """

    id: str
    title: str
    unit: str
    text: str
    legend: Sequence[tuple[str, str]]
    svg: str
    spec: dict[str, Any] | None
    grid: Grid


def figures(of: ReportMonth, *, static: bool) -> list[Figure]:
    """Draw the figures. If the page is not `static`, each has input for the script, too."""
    return [make(of, static) for make in (_months, _balance, _running, _days)]


def _months(of: ReportMonth, static: bool) -> Figure:  # noqa: FBT001 - used by this module only
    months = of.statement.months[-_MONTHS:]
    rows = [[month_label(m), money(m.spend), money(m.storage), money(m.bandwidth), money(m.not_split)] for m in months]
    legend = [("blue", "storage"), ("orange", "bandwidth"), ("grey", "not split")]
    if not all(map(is_whole, months)):
        legend.append(("pale", "paler: not the whole month"))
    text = f"{len(months)} months" + (f" from {months[0].month} to {months[-1].month}" if months else "")
    return _figure(
        "months",
        "Spend by month",
        text,
        legend,
        Grid(columns=("<month", "spend", "storage", "bandwidth", "not split"), rows=rows),
        lambda tooltips: months_chart(months, tooltips=tooltips),
        unit=_unit(of),
        static=static,
    )


def _balance(of: ReportMonth, static: bool) -> Figure:  # noqa: FBT001
    statement = of.statement
    days = statement.balances[-_DAYS:]
    runways = [runway for runway in statement.runways if runway.days is not None]
    ends = [runway.empty_on for runway in runways if runway.empty_on is not None]
    legend, corners = [], []
    if days:
        legend.append(("blue", f"{money_short(days[-1].closing)} on {day_name(days[-1].day)}"))
        latest = max((runway.day for runway in runways), default=days[-1].day)
        until = min(max(ends, default=latest + _AHEAD), latest + _AHEAD)
        corners = [(day, usd) for day, usd in forecast(statement.runways, until) if runways]
    first = statement.runway
    if first is not None and first.empty_on is not None and first.balance > 0 and days:
        whose = f"{shown(first.account)} " if len(statement.accounts) > 1 else ""
        legend.append(("red", f"forecast; {whose}empty {day_name(first.empty_on)}"))
    elif len(corners) > 1:  # one point is no line
        legend.append(("red", "forecast"))
    rows = [[str(d.day), money(d.opening), money(d.credited), money(d.spent, 4), money(d.closing)] for d in days]
    return _figure(
        "balance",
        "Balance and forecast",
        f"{days_text(len(days))}; runway {_runway(statement)}",
        legend,
        Grid(columns=("<day", "opening", "credited", "spent", "closing"), rows=rows),
        lambda tooltips: balance_chart(days, corners, tooltips=tooltips),
        unit=_unit(of),
        static=static,
    )


def _runway(statement: Statement) -> str:
    first = statement.runway or next((runway for runway in statement.runways if runway.basis_days), None)
    return "unknown" if first is None else runway_text(first, first.day)


def _running(of: ReportMonth, static: bool) -> Figure:  # noqa: FBT001
    this, last, before = _totals(of.days), _totals(of.days_before), next_month(of.month, -1)
    sums = [{day.day: total for day, total in totals} for totals in (this, last)]
    rows = [[str(n), *(money(total.get(n)) for total in sums)] for n in sorted({*sums[0], *sums[1]})]
    legend = [
        (color, f"{month_name(name)} {money_short(totals[-1][1])}")
        for color, name, totals in (("blue", of.month, this), ("grey", before, last))
        if totals
    ]
    return _figure(
        "running",
        f"{long_month(of.month)}, day by day",
        f"running total of {long_month(of.month)} against {long_month(before)}",
        legend,
        Grid(columns=("<day of the month", of.month, before), rows=rows),
        lambda tooltips: running_chart(this, last, tooltips=tooltips),
        unit=_unit(of),
        static=static,
    )


def _totals(days: Sequence[SpendDay]) -> list[tuple[dt.date, Fraction]]:
    """Return each day with the sum up to it."""
    sums = accumulate(Fraction(day.usd or 0) for day in days)
    return list(zip((day.day for day in days), sums, strict=True))


def _days(of: ReportMonth, static: bool) -> Figure:  # noqa: FBT001
    days = of.statement.days[-_DAYS:]
    unusual = frozenset(day.day for day in of.statement.unusual) & {day.day for day in days}
    rows = [[str(day.day), money(day.usd, 4), "unusual" if day.day in unusual else ""] for day in days]
    found = f"{len(unusual)} unusual" if unusual else "none is unusual"
    as_of = of.statement.as_of
    unfinished = frozenset(day.day for day in days if as_of is not None and day.day >= as_of.date())
    legend = [("blue", "spend"), ("mark", f"unusual: {len(unusual)}")]
    if unfinished:
        legend.append(("pale", "paler: the day so far"))
    return _figure(
        "days",
        "Spend by day",
        f"{len(days)} days, {found}",
        legend,
        Grid(columns=("<day", "spend", "<remark"), rows=rows),
        lambda tooltips: days_chart(days, unusual, unfinished, tooltips=tooltips),
        unit=_unit(of),
        static=static,
    )


def _unit(of: ReportMonth) -> str:
    """Return the unit of the amounts, and whose they are if another system has costs, too."""
    return "USD, AIOZ Pin" if of.statement.facts.metered else "USD"


def _figure(
    id_: str,
    title: str,
    text: str,
    legend: Sequence[tuple[str, str]],
    grid: Grid,
    chart: Callable[[bool], dict[str, Any]],
    *,
    unit: str,
    static: bool,
) -> Figure:
    is_empty = not grid.rows
    return Figure(
        id=id_,
        title=title,
        unit=unit,
        text=text,
        legend=() if is_empty else legend,
        svg="" if is_empty else static_svg(chart(False)),  # noqa: FBT003
        spec=None if static or is_empty else script_spec(chart(True)),  # noqa: FBT003
        grid=grid,
    )
