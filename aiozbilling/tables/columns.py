"""The flat columns of each record: one order, name, type, unit and meaning for every format.

Wire units and scaled values are both there: `amount` is in units of `denom` and `token_amount` in whole tokens;
``…_attousd`` is USD × 10^18 as on the wire and ``…_usd`` is dollars. Both are exact.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

import attrs

from aiozbilling.records import CuBalance, CuDay, CuLine, CuSummary, CuUsage, DayUsage, MeteredUsage, MonthUsage, TopUp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Cell", "CellType", "Column", "cells_of", "columns_of", "flat"]

# In text, a fraction always has a decimal point and a second has no fraction; else they are a decimal and a time.
CellType = Literal["text", "int", "decimal", "fraction", "time", "second", "date", "bool"]
Cell = Any  # str, int, Decimal, aware datetime, date, bool or None


@attrs.frozen
class Column:
    """A column; any cell may be None.

    Attributes:
        name: as in a header.
        type: of the cells: str, int, `decimal.Decimal`, a datetime in UTC, a date, or bool.
        path: attribute of the record, such as ``"amount.value"``.
        meaning: in a sentence, with the unit.
        scale: decimal places of a number of this column, where the provider keeps to its units.
    """

    name: str
    type: CellType
    path: str = ""
    meaning: str = ""
    scale: int = 18


_TOP_UP = (
    Column("id", "text", "id", "The provider's id of the deposit; unique."),
    Column("created_at", "time", "created_at", "When the provider recorded it, UTC."),
    Column("updated_at", "time", "updated_at", "When the provider last changed it, UTC."),
    Column("status", "bool", "status", "Undocumented; false was seen for deposits that are not credited (yet)."),
    Column("token_amount", "decimal", "amount.value", "Tokens deposited, in whole tokens."),
    Column("token", "text", "amount.symbol", "The token."),
    Column("credit_usd", "decimal", "credit_usd", "Credit for the deposit, in USD."),
    Column("sender", "text", "sender", "Address that paid."),
    Column("recipient", "text", "recipient", "Address that was paid."),
    Column("cosmos_tx_hash", "text", "cosmos_tx_hash", "Hash of the transaction on the Cosmos chain."),
    Column("evm_tx_hash", "text", "evm_tx_hash", "Hash of the transaction on the EVM chain; may be empty."),
    Column("event_index", "int", "event_index", "Index of the event in its transaction."),
    Column("block_number", "int", "block_number", "Number of the block."),
    Column("amount", "decimal", "amount.amount", "Tokens deposited, in units of denom.", scale=0),
    Column("denom", "text", "amount.denom", "Unit of amount, such as attoaioz (AIOZ × 10^18)."),
    Column("total_amount_attousd", "decimal", "total_amount", "The field total_amount, in USD × 10^18.", scale=0),
    Column("credit_attousd", "decimal", "credit", "The field credit, in USD × 10^18.", scale=0),
)
_DAY = (
    Column("day", "date", "day", "The calendar day, UTC; unique."),
    Column("date", "time", "date", "The day as the provider stamps it, UTC."),
    Column("total_storage_bytes", "int", "total_storage", "Storage, in bytes."),
    Column("total_bandwidth_bytes", "int", "total_bandwidth", "Bandwidth, in bytes."),
    Column("total_amount_usd", "decimal", "amount_usd", "Cost of the day, in USD."),
    Column("total_amount_attousd", "decimal", "total_amount", "Cost of the day, in USD × 10^18.", scale=0),
)
_MONTH = (
    Column("total_storage_bytes", "int", "total_storage", "The field total_storage, in bytes; undocumented."),
    Column("storage_usage_bytes", "int", "storage_usage", "Storage used this month, in bytes."),
    Column("bandwidth_usage_bytes", "int", "bandwidth_usage", "Bandwidth used this month, in bytes."),
    Column("storage_cost_usd", "decimal", "storage_cost_usd", "Cost of storage so far, in USD."),
    Column("bandwidth_cost_usd", "decimal", "bandwidth_cost_usd", "Cost of bandwidth so far, in USD."),
    Column("total_cost_usd", "decimal", "total_cost_usd", "Cost of both so far, in USD."),
    Column("storage_cost_attousd", "decimal", "storage_cost", "Cost of storage so far, in USD × 10^18.", scale=0),
    Column("bandwidth_cost_attousd", "decimal", "bandwidth_cost", "Cost of bandwidth so far, in USD × 10^18.", scale=0),
)
_BALANCE = (
    Column("balance_cu", "decimal", "balance", "Compute units left."),
    Column("min_threshold_cu", "decimal", "min_threshold", "The provider's minimum, in compute units."),
)
# A row for each line of a day's breakdown; the columns of the day and of the month repeat on its lines.
_CU = (
    Column("year_month", "text", meaning="The month, as 2026-10."),
    Column("date", "text", meaning="The day as the provider writes it."),
    Column("type", "text", meaning="trigger or action."),
    Column("node_type", "text", meaning="Kind of node."),
    Column("count", "int", meaning="Runs of the node."),
    Column("cu", "decimal", meaning="Compute units of the line."),
    Column("day_used_cu", "decimal", meaning="Compute units of the whole day; repeats on its lines, so do not add it."),
    Column("month_deposited_cu", "decimal", meaning="Compute units deposited in the month; repeats on each row."),
    Column("month_granted_cu", "decimal", meaning="Compute units granted in the month; repeats on each row."),
    Column("month_used_cu", "decimal", meaning="Compute units used in the month; repeats on each row."),
)
# A row for each metric; the columns of the period's cost repeat on its metrics.
_METERED = (
    Column("period_start", "time", meaning="Start of the billing period, UTC."),
    Column("period_end", "time", meaning="End of the billing period, inclusive, UTC."),
    Column("metric", "text", meaning="Id of the metric."),
    Column("name", "text", meaning="Name of the metric."),
    Column("unit", "text", meaning="Unit of included, used, overage and projected."),
    Column("included", "decimal", meaning="Amount that the plan includes."),
    Column("used", "decimal", meaning="Amount used in the period."),
    Column("overage", "decimal", meaning="Amount used beyond what is included."),
    Column("percentage", "decimal", meaning="Used, in percent of what is included."),
    Column("projected", "decimal", meaning="Amount expected at the end of the period."),
    Column("projected_percentage", "decimal", meaning="Projected, in percent of what is included."),
    Column("period_cost_base", "decimal", meaning="Base cost of the period; repeats on each row, so do not add it."),
    Column("period_cost_overage", "decimal", meaning="Overage cost of the period; repeats on each row."),
    Column("period_cost_total", "decimal", meaning="Cost of the period; repeats on each row."),
    Column("currency", "text", meaning="Currency of the costs."),
)


def columns_of(kind: type) -> tuple[Column, ...]:
    """Return the columns of a record class, in order."""
    return _COLUMNS[kind]


def cells_of(kind: type) -> Callable[[Sequence[Any]], list[list[Cell]]]:
    """Return the function that makes the cells of many records of one row each, column by column."""
    getters = [attrgetter(column.path) for column in _COLUMNS[kind]]
    # Half the time of making rows and transposing them.
    return lambda records: [list(map(get, records)) for get in getters]


def flat(record: Any) -> list[tuple[Cell, ...]]:
    """Return the rows of a record: of a CuUsage one per line of a day, of a MeteredUsage one per metric, else one."""
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


_ONE_ROW: dict[type, tuple[Column, ...]] = {TopUp: _TOP_UP, DayUsage: _DAY, MonthUsage: _MONTH, CuBalance: _BALANCE}
_COLUMNS: dict[type, tuple[Column, ...]] = {**_ONE_ROW, CuUsage: _CU, MeteredUsage: _METERED}
_ROW: dict[type, Callable[[Any], tuple[Cell, ...]]] = {
    kind: attrgetter(*(column.path for column in columns_)) for kind, columns_ in _ONE_ROW.items()
}
