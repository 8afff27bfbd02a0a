"""The tables of compute units and of metered billing."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

from aiozbilling.records import MetricUsage
from aiozbilling.records.amounts import exact_sum
from aiozbilling.report.grid import Grid, shown
from aiozbilling.report.marks import bar, gauge
from aiozbilling.report.numbers import NOTHING, count, money_in, percent, quantity
from aiozbilling.report.period import ReportMonth

__all__ = ["cu_grid", "cu_summary", "metered_cost", "metered_grid"]

_LINES = 12


def cu_grid(of: ReportMonth) -> Grid:
    """List the month's compute units by node type, highest first."""
    units: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    runs: defaultdict[tuple[str, str], int] = defaultdict(int)
    for line in (line for _, usage in of.cu for day in usage.daily for line in day.breakdown):
        key = shown(line.node_type) or "no name", shown(line.type)
        units[key] = exact_sum(units[key], line.cu or Decimal(0))
        runs[key] += line.count or 0
    total = exact_sum(*units.values())
    rows: list[list[Any]] = []
    for key, amount in sorted(units.items(), key=lambda item: (-item[1], item[0])):
        share = Fraction(amount) / Fraction(total) if total else None
        rows.append([key[0], key[1], bar(float(share or 0)), quantity(amount), percent(share), count(runs[key])])
    return Grid(
        columns=("<node", "<kind", "<share of all", "CU", "share", "runs"),
        rows=rows[:_LINES],
        folded=rows[_LINES:],
        folded_title="Further nodes",
        total=["all", "", "", quantity(total), "", count(sum(runs.values()))] if rows else (),
    )


def metered_grid(of: ReportMonth) -> Grid:
    """List the metered metrics, highest percentage first: used and included amounts, and overage."""
    several = len(of.metered) > 1
    rows: list[list[Any]] = []
    for account, usage in of.metered:
        for metric in sorted(usage.metrics.values(), key=_share, reverse=True):
            share = float(_share(metric)) if metric.included else None
            name = f"{shown(account)}: {shown(metric.name)}" if several else shown(metric.name)
            over = quantity(metric.overage) if metric.overage else NOTHING
            numbers = [quantity(number) for number in (metric.used, metric.included)]
            rows.append([name, gauge(share), *numbers, over, shown(metric.unit)])
    return Grid(
        columns=("<metric", "<used of included", "used", "included", "over", "<unit"),
        rows=rows[:_LINES],
        folded=rows[_LINES:],
        folded_title="Further metrics",
    )


def _share(metric: MetricUsage) -> Fraction:
    return Fraction(metric.used) / Fraction(metric.included) if metric.included else Fraction(-1)


def metered_cost(of: ReportMonth) -> list[str]:
    """Return the cost of each metered account as a sentence."""
    sentences = []
    for account, usage in of.metered:
        cost = usage.estimated_cost
        whose = f"{shown(account)}: base" if len(of.metered) > 1 else "Base"
        base, over, total = (money_in(part, shown(cost.currency)) for part in (cost.base, cost.overage, cost.total))
        sentences.append(f"{whose} {base} + over {over} = {total}, estimated by the provider.")
    return sentences


def cu_summary(of: ReportMonth) -> list[str]:
    """Return a sentence with the deposited, granted and used compute units of each organization."""
    sentences = []
    for account, usage in of.cu:
        if usage.summary is not None:
            whose = f"{shown(account)}: " if len(of.cu) > 1 else ""
            used, deposited, granted = (
                quantity(number) for number in (usage.summary.used, usage.summary.deposited, usage.summary.granted)
            )
            sentences.append(f"{whose}{used} CU used; {deposited} deposited, {granted} granted.")
    return sentences
