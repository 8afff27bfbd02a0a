"""The one flat column order of each record, for every format.

Wire units and scaled values stand side by side: `amount` is in units of `denom`, `token_amount` in whole tokens;
``…_attousd`` is USD * 10^18 as on the wire, ``…_usd`` whole dollars. Both are exact.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

import attrs

from aiozbilling.records import CuDay, CuLine, CuSummary, CuUsage, DayUsage, MeteredUsage, MonthUsage, TopUp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Cell", "CellType", "Column", "cells_of", "columns", "flat"]

CellType = Literal["text", "int", "decimal", "time", "bool"]
Cell = Any  # str, int, Decimal, aware datetime, bool or None


@attrs.frozen
class Column:
    """A column of the flat form; any cell may be None.

    Attributes:
        name: as in a header.
        type: of the cells: str, int, `decimal.Decimal`, a datetime in UTC, or bool.

    """

    name: str
    type: CellType

    @property
    def scale(self) -> int:
        """Decimal places that a number of this column has at most, if the provider keeps to its units."""
        return 0 if self.name == "amount" or self.name.endswith("_attousd") else 18


# (column, type, where the record has it)
_TOP_UP: tuple[tuple[str, CellType, str], ...] = (
    ("id", "text", "id"),
    ("created_at", "time", "created_at"),
    ("updated_at", "time", "updated_at"),
    ("status", "bool", "status"),
    ("token_amount", "decimal", "amount.value"),
    ("token", "text", "amount.symbol"),
    ("credit_usd", "decimal", "credit_usd"),
    ("sender", "text", "sender"),
    ("recipient", "text", "recipient"),
    ("cosmos_tx_hash", "text", "cosmos_tx_hash"),
    ("evm_tx_hash", "text", "evm_tx_hash"),
    ("event_index", "int", "event_index"),
    ("block_number", "int", "block_number"),
    ("amount", "decimal", "amount.amount"),
    ("denom", "text", "amount.denom"),
    ("total_amount_attousd", "decimal", "total_amount"),
    ("credit_attousd", "decimal", "credit"),
)
_DAY: tuple[tuple[str, CellType, str], ...] = (
    ("date", "time", "date"),
    ("total_storage_bytes", "int", "total_storage"),
    ("total_bandwidth_bytes", "int", "total_bandwidth"),
    ("total_amount_usd", "decimal", "amount_usd"),
    ("total_amount_attousd", "decimal", "total_amount"),
)
_MONTH: tuple[tuple[str, CellType, str], ...] = (
    ("total_storage_bytes", "int", "total_storage"),
    ("storage_usage_bytes", "int", "storage_usage"),
    ("bandwidth_usage_bytes", "int", "bandwidth_usage"),
    ("storage_cost_usd", "decimal", "storage_cost_usd"),
    ("bandwidth_cost_usd", "decimal", "bandwidth_cost_usd"),
    ("total_cost_usd", "decimal", "total_cost_usd"),
    ("storage_cost_attousd", "decimal", "storage_cost"),
    ("bandwidth_cost_attousd", "decimal", "bandwidth_cost"),
)
# A row for each line of a day's breakdown; the columns of the day and of the month repeat on its lines.
_CU: tuple[tuple[str, CellType], ...] = (
    ("year_month", "text"),
    ("date", "text"),
    ("type", "text"),
    ("node_type", "text"),
    ("count", "int"),
    ("cu", "decimal"),
    ("day_used_cu", "decimal"),
    ("month_deposited_cu", "decimal"),
    ("month_granted_cu", "decimal"),
    ("month_used_cu", "decimal"),
)
# A row for each metric; the columns of the period's cost repeat on its metrics.
_METERED: tuple[tuple[str, CellType], ...] = (
    ("period_start", "time"),
    ("period_end", "time"),
    ("metric", "text"),
    ("name", "text"),
    ("unit", "text"),
    ("included", "decimal"),
    ("used", "decimal"),
    ("overage", "decimal"),
    ("percentage", "decimal"),
    ("projected", "decimal"),
    ("projected_percentage", "decimal"),
    ("period_cost_base", "decimal"),
    ("period_cost_overage", "decimal"),
    ("period_cost_total", "decimal"),
    ("currency", "text"),
)


def columns(kind: type) -> tuple[Column, ...]:
    """Give the columns of TopUp, DayUsage, MonthUsage, CuUsage or MeteredUsage, in order."""
    return _COLUMNS[kind]


def cells_of(kind: type) -> Callable[[Sequence[Any]], list[list[Cell]]]:
    """Give the function that makes the cells of many TopUps, DayUsages or MonthUsages, column by column."""
    getters = [attrgetter(path) for _, _, path in _BY_PATH[kind]]
    # Half the time of making rows and turning them around.
    return lambda records: [list(map(get, records)) for get in getters]


def flat(record: Any) -> list[tuple[Cell, ...]]:
    """Give the rows of any record: one, or for a CuUsage one a line of each day, for a MeteredUsage one a metric."""
    if isinstance(record, CuUsage):
        return list(_cu_rows(record))
    if isinstance(record, MeteredUsage):
        return list(_metered_rows(record))
    return [_ROW[type(record)](record)]


def _cu_rows(usage: CuUsage) -> Iterator[tuple[Cell, ...]]:
    month = usage.summary or CuSummary()
    sums = (month.deposited, month.granted, month.used)
    for day in usage.daily or (CuDay(),):  # a month or a day without lines still has a row for its own columns
        for line in day.breakdown or (CuLine(),):
            yield (usage.year_month, day.date, line.type, line.node_type, line.count, line.cu, day.used, *sums)


def _metered_rows(usage: MeteredUsage) -> Iterator[tuple[Cell, ...]]:
    period, cost = usage.period, usage.estimated_cost
    costs = (cost.base, cost.overage, cost.total, cost.currency)
    for id_, metric in usage.metrics.items():
        projection = usage.projected_usage.get(id_)
        projected = (None, None) if projection is None else (projection.projected, projection.percentage)
        used = (metric.included, metric.used, metric.overage, metric.percentage)
        yield (period.start, period.end, id_, metric.name, metric.unit, *used, *projected, *costs)


_BY_PATH = {TopUp: _TOP_UP, DayUsage: _DAY, MonthUsage: _MONTH}
_COLUMNS: dict[type, tuple[Column, ...]] = {
    **{kind: tuple(Column(name, type_) for name, type_, _ in table) for kind, table in _BY_PATH.items()},
    CuUsage: tuple(Column(*column) for column in _CU),
    MeteredUsage: tuple(Column(*column) for column in _METERED),
}
_ROW: dict[type, Callable[[Any], tuple[Cell, ...]]] = {
    kind: attrgetter(*(path for _, _, path in table)) for kind, table in _BY_PATH.items()
}
