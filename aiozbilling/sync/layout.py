"""The ledger's tables of rows: their columns, and how records are converted to rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Literal, TypeAlias

import attrs

from aiozbilling.tables.texts import decimal_texts, time_texts

__all__ = [
    "CU_DAYS",
    "CU_LINES",
    "CU_MONTHS",
    "HISTORY",
    "METERED_PERIODS",
    "METERED_USAGE",
    "MONTHS",
    "ROW_TABLES",
    "TOP_UPS",
    "Cell",
    "LedgerColumn",
    "LedgerTable",
    "Row",
    "rows_of",
    "with_derived",
]

Cell: TypeAlias = str | int | float | None
Row: TypeAlias = tuple[Cell, ...]
Kind = Literal["text", "int", "exact", "real", "time", "day", "bool"]

# An integer column has no declared type: SQLite would turn a number beyond 64 bits into a rounded one.
_SQL_TYPES = {"int": "", "real": "REAL", "day": "DATE", "bool": "INTEGER"}  # the others are TEXT
_LARGEST = 2**63


@attrs.frozen
class LedgerColumn:
    """A column of the ledger.

    Attributes:
        name: name in the database.
        kind: ``exact`` is a decimal number as text; ``real`` is the number rounded to 15 digits, to compare and add.
        path: attribute of the record.
        meaning: comment for the schema.
        source: function that computes the column from other columns of the table.
    """

    name: str
    kind: Kind
    path: str
    meaning: str = ""
    source: Callable[[Mapping[str, Sequence[Any]]], Sequence[Cell]] | None = None

    @property
    def is_derived(self) -> bool:
        """Whether other columns contain the same value exactly."""
        return self.kind in ("real", "day")

    @property
    def sql_type(self) -> str:
        """The declared type."""
        return _SQL_TYPES.get(self.kind, "TEXT")


@attrs.frozen
class LedgerTable:
    """A table of rows. Its first column is the key of a row within the account."""

    name: str
    meaning: str
    columns: tuple[LedgerColumn, ...]

    @property
    def key(self) -> str:
        """Name of the column that identifies a row of an account."""
        return self.columns[0].name

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)


def rows_of(table: LedgerTable, records: Sequence[Any]) -> list[Row]:
    """Convert records to rows, column by column."""
    columns: dict[str, Sequence[Cell]] = {}
    for column in table.columns:
        if column.source is None:
            columns[column.name] = _CELLS[column.kind](list(map(attrgetter(column.path), records)))
    return list(zip(*with_derived(table, columns), strict=True))


def with_derived(table: LedgerTable, columns: Mapping[str, Sequence[Cell]]) -> list[Sequence[Cell]]:
    """Add the columns that are computed from exact ones, and return all columns in order."""
    return [columns[column.name] if column.source is None else column.source(columns) for column in table.columns]


def _credit_usd(columns: Mapping[str, Sequence[Any]]) -> list[Cell]:
    pairs = zip(columns["credit_attousd"], columns["total_amount_attousd"], strict=True)
    return _dollars([total if credit is None else credit for credit, total in pairs])


def _tokens(columns: Mapping[str, Sequence[Any]]) -> list[Cell]:
    pairs = zip(columns["amount"], columns["denom"], strict=True)
    return [float(f"{amount}e-18" if denom == "attoaioz" else amount) for amount, denom in pairs]


def _dollars(cells: Sequence[Any]) -> list[Cell]:
    # Parsing the text returns the nearest float in a fifth of the time that scaling a Decimal takes.
    return [None if cell is None else float(f"{cell}e-18") for cell in cells]


def _integers(cells: Sequence[int | None]) -> Sequence[Cell]:
    return [cell if cell is None or -_LARGEST <= cell < _LARGEST else str(cell) for cell in cells]


def _days(cells: Sequence[Any]) -> Sequence[Cell]:
    return [None if text is None else text[:10] for text in time_texts(cells)]


_CELLS: dict[Kind, Callable[[Sequence[Any]], Sequence[Cell]]] = {
    "text": lambda cells: cells,
    "int": _integers,
    "exact": decimal_texts,
    "real": lambda cells: [None if cell is None else float(cell) for cell in cells],
    "time": time_texts,
    "day": _days,
    "bool": lambda cells: [None if cell is None else int(cell) for cell in cells],
}

TOP_UPS = LedgerTable(
    "top_ups",
    "Deposits of tokens. Credited or corrected rows are updated in place.",
    (
        LedgerColumn("id", "text", "id"),
        LedgerColumn("day", "day", "created_at", "YYYY-MM-DD, UTC"),
        LedgerColumn("created_at", "time", "created_at", "UTC"),
        LedgerColumn("updated_at", "time", "updated_at", "UTC"),
        LedgerColumn("status", "bool", "status", "1: credited"),
        LedgerColumn("token_amount", "real", "amount.value", "whole tokens, 15 digits; exact: amount", _tokens),
        LedgerColumn("token", "text", "amount.symbol", "'AIOZ', or the denom if it is unknown"),
        LedgerColumn("credit_usd", "real", "credit_usd", "USD, 15 digits; exact: the attousd columns", _credit_usd),
        LedgerColumn("sender", "text", "sender"),
        LedgerColumn("recipient", "text", "recipient"),
        LedgerColumn("cosmos_tx_hash", "text", "cosmos_tx_hash"),
        LedgerColumn("evm_tx_hash", "text", "evm_tx_hash"),
        LedgerColumn("event_index", "int", "event_index", "whole number; text beyond 64 bits"),
        LedgerColumn("block_number", "int", "block_number", "whole number; text beyond 64 bits"),
        LedgerColumn("amount", "exact", "amount.amount", "in units of denom, exact"),
        LedgerColumn("denom", "text", "amount.denom", "'attoaioz' is 10^-18 AIOZ"),
        LedgerColumn("total_amount_attousd", "exact", "total_amount", "USD * 10^18, exact"),
        LedgerColumn("credit_attousd", "exact", "credit", "the same amount; the provider's newer field"),
    ),
)
HISTORY = LedgerTable(
    "history",
    "Usage by day. Today's row is updated in place.",
    (
        LedgerColumn("date", "time", "date", "the provider's timestamp of the day, UTC"),
        LedgerColumn("day", "day", "date", "YYYY-MM-DD, UTC"),
        LedgerColumn("total_storage_bytes", "int", "total_storage", "whole number; text beyond 64 bits"),
        LedgerColumn("total_bandwidth_bytes", "int", "total_bandwidth", "whole number; text beyond 64 bits"),
        LedgerColumn(
            "total_amount_usd",
            "real",
            "amount_usd",
            "cost in USD, 15 digits",
            lambda columns: _dollars(columns["total_amount_attousd"]),
        ),
        LedgerColumn("total_amount_attousd", "exact", "total_amount", "USD * 10^18, exact"),
    ),
)
MONTHS = LedgerTable(
    "months",
    "The current month as it was at the last reading of each day.",
    (
        LedgerColumn("day", "text", "", "YYYY-MM-DD, UTC"),
        LedgerColumn("read_at", "time", "", "UTC"),
        LedgerColumn("total_storage_bytes", "int", "total_storage"),
        LedgerColumn("storage_usage_bytes", "int", "storage_usage"),
        LedgerColumn("bandwidth_usage_bytes", "int", "bandwidth_usage"),
        LedgerColumn("storage_cost_usd", "real", "storage_cost_usd", "USD, 15 digits"),
        LedgerColumn("bandwidth_cost_usd", "real", "bandwidth_cost_usd", "USD, 15 digits"),
        LedgerColumn("total_cost_usd", "real", "total_cost_usd", "both, 15 digits"),
        LedgerColumn("storage_cost_attousd", "exact", "storage_cost", "USD * 10^18, exact"),
        LedgerColumn("bandwidth_cost_attousd", "exact", "bandwidth_cost", "USD * 10^18, exact"),
    ),
)
CU_MONTHS = LedgerTable(
    "cu_months",
    "B3OS: compute units (CU) of the organization by month.",
    (
        LedgerColumn("year_month", "text", "", "YYYY-MM"),
        LedgerColumn("organization", "text", ""),
        LedgerColumn("deposited_cu", "exact", "", "exact"),
        LedgerColumn("granted_cu", "exact", "", "exact"),
        LedgerColumn("used_cu", "exact", "", "exact"),
    ),
)
CU_DAYS = LedgerTable(
    "cu_days",
    "B3OS: compute units by day.",
    (
        LedgerColumn("day", "text", "", "the day in the provider's format, so far always YYYY-MM-DD"),
        LedgerColumn("year_month", "text", "", "YYYY-MM"),
        LedgerColumn("used_cu", "exact", "", "exact"),
        LedgerColumn("used", "real", "", "15 digits"),
    ),
)
CU_LINES = LedgerTable(
    "cu_lines",
    "B3OS: compute units by day and node type.",
    (
        LedgerColumn("key", "text", "", "JSON: day, type, node type, and a number if the line is repeated"),
        LedgerColumn("year_month", "text", "", "YYYY-MM"),
        LedgerColumn("day", "text", "", "as in cu_days"),
        LedgerColumn("type", "text", "", "'trigger', 'action' or another word of the provider"),
        LedgerColumn("node_type", "text", ""),
        LedgerColumn("count", "int", "", "runs"),
        LedgerColumn("cu", "exact", "", "exact"),
        LedgerColumn("used", "real", "", "cu with 15 digits"),
    ),
)
METERED_PERIODS = LedgerTable(
    "metered_periods",
    "Metered billing: cost by billing period.",
    (
        LedgerColumn("period_start", "time", "", "UTC"),
        LedgerColumn("period_end", "time", "", "UTC, inclusive"),
        LedgerColumn("year_month", "text", "", "month of the first day"),
        LedgerColumn("cost_base", "exact", "", "in currency, exact"),
        LedgerColumn("cost_overage", "exact", "", "in currency, exact"),
        LedgerColumn("cost_total", "exact", "", "in currency, exact"),
        LedgerColumn("total", "real", "", "cost_total with 15 digits"),
        LedgerColumn("currency", "text", ""),
    ),
)
METERED_USAGE = LedgerTable(
    "metered_usage",
    "Metered billing: usage by period and metric.",
    (
        LedgerColumn("key", "text", "", "JSON: period_start and metric"),
        LedgerColumn("period_start", "time", "", "as in metered_periods"),
        LedgerColumn("year_month", "text", "", "month of the first day"),
        LedgerColumn("metric", "text", "", "the provider's id"),
        LedgerColumn("name", "text", ""),
        LedgerColumn("unit", "text", "", "unit of the amounts"),
        LedgerColumn("included", "exact", "", "included in the plan, exact"),
        LedgerColumn("used", "exact", "", "exact"),
        LedgerColumn("overage", "exact", "", "beyond the plan, exact"),
        LedgerColumn("percentage", "exact", "", "of the included amount"),
        LedgerColumn("projected", "exact", "", "the provider's projection at the end of the period"),
        LedgerColumn("projected_percentage", "exact", ""),
    ),
)
ROW_TABLES = (TOP_UPS, HISTORY, MONTHS, CU_MONTHS, CU_DAYS, CU_LINES, METERED_PERIODS, METERED_USAGE)
