"""Hand-written exports: the same columns, without checkpoint, fsync and manifest."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from aiozbilling import TopUp

COLUMNS = (
    "id",
    "created_at",
    "updated_at",
    "status",
    "token_amount",
    "token",
    "credit_usd",
    "sender",
    "recipient",
    "cosmos_tx_hash",
    "evm_tx_hash",
    "event_index",
    "block_number",
    "amount",
    "denom",
    "total_amount_attousd",
    "credit_attousd",
)
_DECIMALS = {"token_amount": 18, "credit_usd": 18, "amount": 0, "total_amount_attousd": 0, "credit_attousd": 0}
_TIMES = ("created_at", "updated_at")
_INTEGERS = ("event_index", "block_number")

Write = Callable[[list[TopUp]], object]


@contextmanager
def to_csv(path: Path) -> Iterator[Write]:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        yield lambda rows: writer.writerows(map(_texts, rows))


@contextmanager
def to_jsonl(path: Path) -> Iterator[Write]:
    with path.open("wb") as file:

        def write(rows: list[TopUp]) -> None:
            for row in rows:
                file.write(orjson.dumps(dict(zip(COLUMNS, _texts(row), strict=True)), option=orjson.OPT_APPEND_NEWLINE))

        yield write


@contextmanager
def to_sqlite(path: Path) -> Iterator[Write]:
    database = sqlite3.connect(path)
    database.execute(f"CREATE TABLE top_ups ({', '.join(COLUMNS)})")
    insert = f"INSERT INTO top_ups VALUES ({', '.join('?' * len(COLUMNS))})"

    def write(rows: list[TopUp]) -> None:
        with database:
            database.executemany(insert, map(_texts, rows))

    yield write
    database.close()


@contextmanager
def to_parquet(path: Path) -> Iterator[Write]:
    schema = pa.schema([(name, _arrow_type(name)) for name in COLUMNS])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def write(rows: list[TopUp]) -> None:
            columns = zip(*map(_cells, rows), strict=True)
            arrays = [pa.array(cells, field.type) for cells, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield write


WRITERS = {"jsonl": to_jsonl, "csv": to_csv, "sqlite": to_sqlite, "parquet": to_parquet}


def _arrow_type(name: str) -> Any:
    if name in _DECIMALS:
        return pa.decimal128(38, _DECIMALS[name])
    if name in _TIMES:
        return pa.timestamp("us", "UTC")
    return pa.int64() if name in _INTEGERS else pa.bool_() if name == "status" else pa.string()


def _cells(row: TopUp) -> tuple[Any, ...]:
    amount = row.amount
    return (
        row.id,
        row.created_at,
        row.updated_at,
        row.status,
        amount.value,
        amount.symbol,
        row.credit_usd,
        row.sender,
        row.recipient,
        row.cosmos_tx_hash,
        row.evm_tx_hash,
        row.event_index,
        row.block_number,
        amount.amount,
        amount.denom,
        row.total_amount,
        row.credit,
    )


def _texts(row: TopUp) -> tuple[Any, ...]:
    amount = row.amount
    return (
        row.id,
        _time(row.created_at),
        _time(row.updated_at),
        row.status,
        _number(amount.value),
        amount.symbol,
        _number(row.credit_usd),
        row.sender,
        row.recipient,
        row.cosmos_tx_hash,
        row.evm_tx_hash,
        row.event_index,
        row.block_number,
        _number(amount.amount),
        amount.denom,
        _number(row.total_amount),
        _number(row.credit),
    )


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _number(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")
