"""The flat columns of each record class, with their names, order, types, units and meanings.

Amounts have two columns, both exact: `amount` is in units of `denom` and `token_amount` in whole tokens; ``…_attousd``
is in USD × 10^18, as the provider sends it, and ``…_usd`` in dollars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Literal

import attrs

from aiozbilling.records import CuBalance, CuSummary, CuUsage, DayUsage, MeteredUsage, MonthUsage, TopUp
from aiozbilling.records.amounts import scaled_amounts, token_of

__all__ = ["DIGITS", "MISFITS", "MISFITS_MEANING", "By", "Cell", "CellType", "Column", "cells_of", "columns_of", "flat"]

# A fraction is a decimal whose text always has a decimal point. A second is a time whose text has whole seconds.
CellType = Literal["text", "int", "decimal", "fraction", "time", "second", "date", "bool"]
By = Literal["node", "day", "month", "metric", "period"]  # what one row is, of a record that has several rows
Cell = Any  # str, int, Decimal, aware datetime, date, bool or None
DIGITS = 38  # of a decimal in Arrow and SQL, the widest that all readers support
MISFITS = "misfits"  # name of the text column for values that do not fit into their own columns
MISFITS_MEANING = "Exact text of the values that their columns cannot hold, a JSON object by column; else null."


@attrs.frozen
class Column:
    """A column. Any cell may be None.

    Attributes:
        name: name of the column, as in the header of a file.
        type: type of the cells: str, int, `decimal.Decimal`, a datetime in UTC, a date, or bool.
        path: attribute of the record that has the value, such as ``"amount.value"``.
        meaning: a sentence for readers of the file, with the unit.
        scale: decimal places of the column in Arrow and SQL; only of decimals.
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
_YEAR_MONTH = Column("year_month", "text", meaning="The month, as 2026-10.")
_CU_DATE = Column("date", "text", meaning="The day as the provider writes it.")
_PERIOD = (
    Column("period_start", "time", meaning="Start of the billing period, UTC."),
    Column("period_end", "time", meaning="End of the billing period, inclusive, UTC."),
)
# No table repeats the total of a day, a month or a period on its rows, so every column of amounts can be added.
_CU_NODES = (
    _YEAR_MONTH,
    _CU_DATE,
    Column("type", "text", meaning="trigger or action."),
    Column("node_type", "text", meaning="Kind of node."),
    Column("count", "int", meaning="Runs of the node."),
    Column("cu", "decimal", meaning="Compute units of the node on the day."),
)
_CU_DAYS = (
    _YEAR_MONTH,
    _CU_DATE,
    Column("used_cu", "decimal", meaning="Compute units used on the day."),
)
_CU_MONTHS = (
    _YEAR_MONTH,
    Column("deposited_cu", "decimal", meaning="Compute units deposited in the month."),
    Column("granted_cu", "decimal", meaning="Compute units granted in the month."),
    Column("used_cu", "decimal", meaning="Compute units used in the month."),
)
_METRICS = (
    *_PERIOD,
    Column("metric", "text", meaning="Id of the metric."),
    Column("name", "text", meaning="Name of the metric."),
    Column("unit", "text", meaning="Unit of included, used, overage and projected."),
    Column("included", "decimal", meaning="Amount that the plan includes."),
    Column("used", "decimal", meaning="Amount used in the period."),
    Column("overage", "decimal", meaning="Amount used beyond what is included."),
    Column("percentage", "decimal", meaning="Used, in percent of what is included."),
    Column("projected", "decimal", meaning="Amount expected at the end of the period."),
    Column("projected_percentage", "decimal", meaning="Projected, in percent of what is included."),
)
_PERIODS = (
    *_PERIOD,
    Column("cost_base", "decimal", meaning="Base cost of the period."),
    Column("cost_overage", "decimal", meaning="Cost of the period's overage."),
    Column("cost_total", "decimal", meaning="Cost of the period."),
    Column("currency", "text", meaning="Currency of the costs."),
)


def columns_of(kind: type, by: By | None = None) -> tuple[Column, ...]:
    """Return the columns of a record class, in order; `by` as for `flat`."""
    by = by or _DEFAULT_BY.get(kind)
    return _COLUMNS[kind] if by is None else _BY[by][0]


def cells_of(kind: type) -> Callable[[Sequence[Any]], list[list[Cell]]]:
    """Return a function that returns the cells of many records, column by column. Each record must be one row."""
    getters = [_DERIVED.get(column.path) or _getter(column.path) for column in _COLUMNS[kind]]
    # This takes half as long as making rows and transposing them.
    return lambda records: [get(records) for get in getters]


def _getter(path: str) -> Callable[[Sequence[Any]], list[Cell]]:
    get = attrgetter(path)
    return lambda records: list(map(get, records))


_DENOM, _AMOUNT, _CREDIT, _TOTAL = map(_getter, ("amount.denom", "amount.amount", "credit", "total_amount"))


def _token_amounts(records: Sequence[Any]) -> list[Cell]:
    """Return `amount.value` of top-ups. In nearly every page all have one denom."""
    denoms = {*_DENOM(records)}
    if len(denoms) != 1:
        return [record.amount.value for record in records]
    return scaled_amounts(_AMOUNT(records), token_of(denoms.pop())[1])


def _tokens(records: Sequence[Any]) -> list[Cell]:
    denoms = _DENOM(records)
    symbols = {denom: token_of(denom)[0] for denom in set(denoms)}
    return [symbols[denom] for denom in denoms]


def _credits_usd(records: Sequence[Any]) -> list[Cell]:
    credits_, totals = _CREDIT(records), _TOTAL(records)
    return scaled_amounts([total if credit is None else credit for credit, total in zip(credits_, totals, strict=True)])


def flat(record: Any, by: By | None = None) -> list[tuple[Cell, ...]]:
    """Return the rows of a record. Most records are one row.

    Args:
        record: of a class that `columns_of` knows.
        by: what one row is: ``"node"`` (the default), ``"day"`` or ``"month"`` of a CuUsage, ``"metric"`` (the
            default) or ``"period"`` of a MeteredUsage.
    """
    by = by or _DEFAULT_BY.get(type(record))
    return [_ROW[type(record)](record)] if by is None else list(_BY[by][1](record))


def _node_rows(usage: CuUsage) -> Iterator[tuple[Cell, ...]]:
    for day in usage.daily:
        for line in day.breakdown:
            yield (usage.year_month, day.date, line.type, line.node_type, line.count, line.cu)


def _day_rows(usage: CuUsage) -> Iterator[tuple[Cell, ...]]:
    for day in usage.daily:
        yield (usage.year_month, day.date, day.used)


def _month_rows(usage: CuUsage) -> Iterator[tuple[Cell, ...]]:
    month = usage.summary or CuSummary()
    yield (usage.year_month, month.deposited, month.granted, month.used)


def _metric_rows(usage: MeteredUsage) -> Iterator[tuple[Cell, ...]]:
    period = usage.period
    for id_, metric in usage.metrics.items():
        projection = usage.projected_usage.get(id_)
        projected = (None, None) if projection is None else (projection.projected, projection.percentage)
        used = (metric.included, metric.used, metric.overage, metric.percentage)
        yield (period.start, period.end, id_, metric.name, metric.unit, *used, *projected)


def _period_rows(usage: MeteredUsage) -> Iterator[tuple[Cell, ...]]:
    period, cost = usage.period, usage.estimated_cost
    yield (period.start, period.end, cost.base, cost.overage, cost.total, cost.currency)


# Properties of records, computed for many records at once in a third of the time.
_DERIVED: dict[str, Callable[[Sequence[Any]], list[Cell]]] = {
    "amount.value": _token_amounts,
    "amount.symbol": _tokens,
    "credit_usd": _credits_usd,
    "amount_usd": lambda records: scaled_amounts(_TOTAL(records)),
}
_BY: dict[By, tuple[tuple[Column, ...], Callable[[Any], Iterator[tuple[Cell, ...]]]]] = {
    "node": (_CU_NODES, _node_rows),
    "day": (_CU_DAYS, _day_rows),
    "month": (_CU_MONTHS, _month_rows),
    "metric": (_METRICS, _metric_rows),
    "period": (_PERIODS, _period_rows),
}
_DEFAULT_BY: dict[type, By] = {CuUsage: "node", MeteredUsage: "metric"}
_COLUMNS: dict[type, tuple[Column, ...]] = {TopUp: _TOP_UP, DayUsage: _DAY, MonthUsage: _MONTH, CuBalance: _BALANCE}
_ROW: dict[type, Callable[[Any], tuple[Cell, ...]]] = {
    kind: attrgetter(*(column.path for column in columns_)) for kind, columns_ in _COLUMNS.items()
}
