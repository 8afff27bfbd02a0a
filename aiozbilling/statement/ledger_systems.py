"""Reads compute units and metered usage from a ledger, as the records from which they were stored."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from aiozbilling.records import (
    CuDay,
    CuLine,
    CuSummary,
    CuUsage,
    EstimatedCost,
    MeteredUsage,
    MetricUsage,
    Period,
    ProjectedUsage,
)

__all__ = ["read_cu", "read_metered"]


def read_cu(database: sqlite3.Connection) -> Iterator[tuple[str, CuUsage]]:
    """Yield each account's months of compute units, oldest first. A ledger of version 1 has none."""
    if not _has(database, "cu_months"):
        return
    lines: defaultdict[tuple[str, str], list[CuLine]] = defaultdict(list)
    for account, day, type_, node_type, count, cu in database.execute(
        "SELECT account, day, type, node_type, count, cu FROM cu_lines WHERE missing_since IS NULL"
        " ORDER BY account, key"
    ):
        lines[account, day].append(
            CuLine(type=type_, node_type=node_type, count=None if count is None else int(count), cu=_amount(cu))
        )
    days: defaultdict[tuple[str, str], list[CuDay]] = defaultdict(list)
    for account, month, day, used in database.execute(
        "SELECT account, year_month, day, used_cu FROM cu_days WHERE missing_since IS NULL ORDER BY account, day"
    ):
        days[account, month].append(CuDay(date=day, used=_amount(used), breakdown=tuple(lines.get((account, day), ()))))
    for account, month, *sums in database.execute(
        "SELECT account, year_month, deposited_cu, granted_cu, used_cu FROM cu_months WHERE missing_since IS NULL"
        " ORDER BY account, year_month"
    ):
        deposited, granted, used = map(_amount, sums)
        summary = CuSummary(deposited=deposited, granted=granted, used=used)
        yield account, CuUsage(year_month=month, daily=tuple(days.get((account, month), ())), summary=summary)


def read_metered(database: sqlite3.Connection) -> Iterator[tuple[str, MeteredUsage]]:
    """Yield each account's billing periods, oldest first. A ledger of version 1 has none."""
    if not _has(database, "metered_periods"):
        return
    usages: defaultdict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for account, start, *cells in database.execute(
        "SELECT account, period_start, metric, name, unit, included, used, overage, percentage, projected,"
        " projected_percentage FROM metered_usage WHERE missing_since IS NULL ORDER BY account, period_start, rowid"
    ):
        usages[account, start].append(tuple(cells))
    for account, start, end, base, overage, total, currency in database.execute(
        "SELECT account, period_start, period_end, cost_base, cost_overage, cost_total, currency FROM metered_periods"
        " WHERE missing_since IS NULL ORDER BY account, period_start"
    ):
        rows = usages.get((account, start), [])
        yield (
            account,
            MeteredUsage(
                period=Period(start=_time(start), end=_time(end)),
                metrics={row[0]: _metric(row) for row in rows},
                estimated_cost=EstimatedCost(
                    base=Decimal(base), overage=Decimal(overage), total=Decimal(total), currency=currency
                ),
                projected_usage={
                    row[0]: ProjectedUsage(projected=Decimal(row[7]), percentage=_amount(row[8]))
                    for row in rows
                    if row[7] is not None
                },
            ),
        )


def _metric(row: tuple[Any, ...]) -> MetricUsage:
    _, name, unit, included, used, overage, percentage, *_ = row
    return MetricUsage(
        name=name,
        unit=unit,
        included=Decimal(included),
        used=Decimal(used),
        overage=_amount(overage),
        percentage=_amount(percentage),
    )


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def _has(database: sqlite3.Connection, table: str) -> bool:
    return bool(database.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone())
