"""Hostile texts and numbers are equal when the programs that users have read them back."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiozbilling.export.sqlite import bindable
from aiozbilling.records.texts import decimal_text
from aiozbilling.tables.arrow import batch_of_cells
from aiozbilling.tables.columns import Cell, Column
from aiozbilling.tables.texts import csv_header, csv_page, jsonl_page, undefused

COLUMNS = (
    Column("note", "text"),
    Column("bytes", "int"),
    Column("usd", "decimal"),
    Column("attousd", "decimal", scale=0),
    Column("at", "time"),
    Column("day", "date"),
)
HOSTILE = st.text(alphabet=st.sampled_from("=+-@'\"\r\n\t,;\\ a1\u2028\u202e\x85\x1b\ufeff😀"), max_size=8)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**45), max_value=10**45)
ROWS = st.lists(
    st.tuples(
        HOSTILE,
        st.integers(-(2**70), 2**70),
        NUMBERS,
        NUMBERS,
        st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(lambda time: time.replace(tzinfo=UTC)),  # noqa: DTZ001
        st.dates(date(1970, 1, 1), date(2200, 1, 1)),
    ),
    min_size=1,
    max_size=8,
)
many = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


def _cells(rows: list[tuple[Cell, ...]]) -> list[list[Cell]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _csv(rows: list[tuple[Cell, ...]]) -> bytes:
    return csv_header(COLUMNS) + csv_page(COLUMNS, _cells(rows))


def _is_row(read: Any, row: tuple[Cell, ...]) -> bool:
    """Return whether the texts of a CSV row are the values that were written."""
    note, count, usd, attousd = ("" if cell is None else cell for cell in read[:4])
    return undefused(note) == row[0] and int(count) == row[1] and (Decimal(usd), Decimal(attousd)) == row[2:4]


@many
@given(ROWS)
def test_csv_is_equal_in_csv_and_pandas(rows: list[tuple[Cell, ...]]) -> None:
    """Every text and every digit is read back, even from cells with line breaks and quotes."""
    pandas = pytest.importorskip("pandas")
    content = _csv(rows)
    by_csv = list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]
    by_pandas = pandas.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, lineterminator=None)
    for read in (by_csv, by_pandas.to_numpy().tolist()):
        assert len(read) == len(rows)
        assert all(map(_is_row, read, rows))


@many
@given(ROWS)
def test_csv_is_equal_in_polars(rows: list[tuple[Cell, ...]]) -> None:
    """Polars reads back every text and every digit."""
    polars = pytest.importorskip("polars")
    frame = polars.read_csv(io.BytesIO(_csv(rows)), infer_schema=False)
    assert all(map(_is_row, frame.rows(), rows))
    assert frame.height == len(rows)


@many
@given(ROWS)
def test_csv_is_equal_in_duckdb(tmp_path: Path, rows: list[tuple[Cell, ...]]) -> None:
    """DuckDB reads back every text and every digit."""
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "rows.csv"
    path.write_bytes(_csv(rows))
    options = "header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"', new_line = '\\n'"
    with duckdb.connect() as database:
        read = database.execute(f"SELECT * FROM read_csv('{path}', {options})").fetchall()
    assert len(read) == len(rows)
    assert all(map(_is_row, read, rows))


@many
@given(ROWS)
def test_json_lines_are_equal(rows: list[tuple[Cell, ...]]) -> None:
    """Each row is one line, even if its texts have line separators; amounts are text, integers have all digits."""
    lines = jsonl_page(COLUMNS, _cells(rows)).split(b"\n")[:-1]
    read = [json.loads(line) for line in lines]
    assert [(row["note"], row["bytes"], row["usd"], row["attousd"]) for row in read] == [
        (row[0], row[1], decimal_text(row[2]), decimal_text(row[3])) for row in rows
    ]


def _exact(read: dict[str, Any], name: str) -> Any:
    misfits = json.loads(read["misfits"]) if read["misfits"] else {}
    return misfits[name] if name in misfits else read[name]


@many
@given(ROWS)
def test_arrow_is_equal_in_polars_and_duckdb(rows: list[tuple[Cell, ...]]) -> None:
    """Each value is in its column, or exact in `misfits`."""
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    table = pa.Table.from_batches([batch_of_cells(COLUMNS, _cells(rows), len(rows))])
    with duckdb.connect() as database:
        by_duckdb = database.from_arrow(table).to_arrow_table().to_pylist()
    for read in (table.to_pylist(), polars.from_arrow(table).to_dicts(), by_duckdb):
        for found, row in zip(read, rows, strict=True):
            assert (found["note"], found["day"]) == (row[0], row[5])
            assert int(_exact(found, "bytes")) == row[1]
            assert (Decimal(_exact(found, "usd")), Decimal(_exact(found, "attousd"))) == row[2:4]


@many
@given(ROWS)
def test_sqlite_is_equal(rows: list[tuple[Cell, ...]]) -> None:
    """SQLite rounds no integer and no amount."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.row_factory = sqlite3.Row
        database.execute(
            "CREATE TABLE t (note TEXT, bytes INTEGER, usd TEXT, attousd TEXT, at TEXT, day DATE, misfits TEXT)"
        )
        database.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", zip(*bindable(COLUMNS, _cells(rows)), strict=True)
        )
        read = [dict(row) for row in database.execute("SELECT * FROM t")]
    for found, row in zip(read, rows, strict=True):
        assert found["note"] == row[0]
        assert int(_exact(found, "bytes")) == row[1]
        assert (Decimal(found["usd"]), Decimal(found["attousd"])) == row[2:4]
