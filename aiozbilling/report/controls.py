"""The table of control totals."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from aiozbilling.records.amounts import exact_sum
from aiozbilling.records.texts import decimal_text
from aiozbilling.report.grid import Grid, shown
from aiozbilling.report.numbers import NOTHING, count, time_text
from aiozbilling.report.period import ReportMonth
from aiozbilling.statement.controls import ControlTotal, control_totals

__all__ = ["controls_grid"]

_CONTROLS = 9


def controls_grid(of: ReportMonth) -> Grid:
    """List counts and exact sums of each account, or of all together if there are many."""
    totals = [total for account in of.statement.facts.accounts for total in control_totals(account)]
    rows = [_control_row(total) for total in (totals if len(totals) <= _CONTROLS else _by_list(totals))]
    titles = ("<list", "<account", "rows", "provider's count", "first", "last", "sum in USD, exact", "read at")
    return Grid(columns=titles, rows=rows)


def _control_row(total: ControlTotal) -> list[str]:
    listed = f" of {count(total.listed)}" if total.list != "history" else ""
    return [
        total.list,
        shown(total.account),
        count(total.rows) + listed,
        count(total.counted),
        str(total.first or NOTHING),
        str(total.last or NOTHING),
        decimal_text(total.usd),
        time_text(total.read_at),
    ]


def _by_list(totals: Sequence[ControlTotal]) -> list[ControlTotal]:
    groups: defaultdict[str, list[ControlTotal]] = defaultdict(list)
    for total in totals:
        groups[total.list].append(total)
    return [_sum(name, parts) for name, parts in groups.items()]


def _sum(name: str, parts: Sequence[ControlTotal]) -> ControlTotal:
    counted = [part.counted for part in parts if part.counted is not None]
    first: list[dt.date] = [part.first for part in parts if part.first is not None]
    return ControlTotal(
        list=name,
        account=f"all {len(parts)}",
        rows=sum(part.rows for part in parts),
        counted=sum(counted) if len(counted) == len(parts) else None,
        listed=sum(part.listed for part in parts),
        first=min(first, default=None),
        last=max((part.last for part in parts if part.last is not None), default=None),
        usd=exact_sum(*(part.usd for part in parts)),
        unpriced=sum(part.unpriced for part in parts),
        read_at=min((part.read_at for part in parts if part.read_at is not None), default=None),
    )
