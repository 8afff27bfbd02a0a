"""Converts rows of many accounts to Arrow: the library's tables with an additional first column, `account`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from aiozbilling.records import DayUsage, MonthUsage, TopUp
from aiozbilling.tables.arrow import record_batch
from aiozbilling.tables.arrow import schema as schema_of

__all__ = ["batch", "schema"]

_KEYS = ("id", "day")  # keys of the tables for dlt and Spark, so never null


def schema(kind: type[TopUp | DayUsage | MonthUsage]) -> Any:
    """Return the schema of a table: `account` and the columns of the records."""
    fields = [field.with_nullable(field.name not in _KEYS) for field in schema_of(kind)]
    return pa.schema([pa.field("account", pa.string(), nullable=False), *fields])


def batch(kind: type[TopUp | DayUsage | MonthUsage], account: str, rows: Sequence[Any]) -> Any:
    """Return a record batch of records of one account."""
    labels = pa.array([account] * len(rows), pa.string())
    return pa.RecordBatch.from_arrays([labels, *record_batch(kind, rows).columns], schema=schema(kind))
