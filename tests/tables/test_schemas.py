"""The columns of a list as SQL, JSON and Markdown."""

from __future__ import annotations

import json

import duckdb
import pytest

from aiozbilling import ConfigurationError, TopUp
from aiozbilling.tables import record_batch, schema, schema_text
from tests.export.export_lists import top_ups


@pytest.mark.parametrize("table", ["top_ups", "history"])
def test_duckdb_runs_the_statement(table: str) -> None:
    """DuckDB creates the table, and stores the meaning of each column."""
    with duckdb.connect() as database:
        database.execute(schema_text(table, "duckdb"))
        found = database.execute("SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ?", [table])
        columns = json.loads(schema_text(table, "json"))["columns"]
        assert found.fetchall() == [(column["name"], column["meaning"]) for column in columns]


def test_rows_fit_the_table() -> None:
    """The rows of a record batch can be inserted without a conversion, amounts and times included."""
    import pyarrow as pa

    rows = pa.Table.from_batches([record_batch(TopUp, top_ups(5))])
    with duckdb.connect() as database:
        database.execute(schema_text("top_ups", "duckdb"))
        database.register("rows", rows)
        database.execute("INSERT INTO top_ups SELECT * FROM rows")
        assert database.execute("SELECT count(*), sum(credit_usd) FROM top_ups").fetchone() == (
            5,
            sum(row.credit_usd for row in top_ups(5)),
        )


def test_every_format_has_every_column() -> None:
    """The text for PostgreSQL and the Markdown have the columns of the Arrow schema."""
    for name in schema(TopUp).names:
        assert f"  {name} " in schema_text("top_ups", "postgres")
        assert f"| `{name}` |" in schema_text("top_ups", "markdown")
    assert "credit_usd numeric(38, 18)" in schema_text("top_ups", "postgres")


def test_unknown_names_are_refused() -> None:
    """An unknown table or format is an error that names the known ones."""
    with pytest.raises(ConfigurationError, match="top_ups, history"):
        schema_text("invoices", "json")
    with pytest.raises(ConfigurationError, match="postgres, duckdb"):
        schema_text("history", "oracle")  # type: ignore[arg-type]
