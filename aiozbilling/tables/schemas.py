"""The columns of a list as text: SQL for PostgreSQL and DuckDB, JSON, and Markdown."""

from __future__ import annotations

import json
from typing import Literal, get_args

from aiozbilling.errors import ConfigurationError
from aiozbilling.tables.columns import DIGITS, MISFITS, MISFITS_MEANING, Column
from aiozbilling.tables.table import HISTORY, TOP_UPS, Table

__all__ = ["SchemaFormat", "schema_text"]

SchemaFormat = Literal["postgres", "duckdb", "json", "markdown"]
_SQL: dict[str, dict[str, str]] = {
    "postgres": {"text": "text", "int": "bigint", "bool": "boolean", "time": "timestamptz", "date": "date"},
    "duckdb": {"text": "VARCHAR", "int": "BIGINT", "bool": "BOOLEAN", "time": "TIMESTAMPTZ", "date": "DATE"},
}


def schema_text(table: str, format: SchemaFormat) -> str:  # noqa: A002 - the usual name
    """Return the columns of a list with their types, units and meanings.

    Parquet files and Arrow tables have these columns, `misfits` included.

    Args:
        table: ``"top_ups"`` or ``"history"``.
        format: ``"postgres"`` or ``"duckdb"`` (a CREATE TABLE statement), ``"json"`` or ``"markdown"``.

    Raises:
        ConfigurationError: there is no such table or format.
    """
    known = {each.name: each for each in (TOP_UPS, HISTORY)}
    if table not in known:
        raise ConfigurationError(f"table must be one of {', '.join(known)}, not {table!r}")
    if format not in get_args(SchemaFormat):
        raise ConfigurationError(f"format must be one of {', '.join(get_args(SchemaFormat))}, not {format!r}")
    columns = (*known[table].columns, Column(MISFITS, "text", meaning=MISFITS_MEANING))
    if format == "json":
        return _json(table, columns)
    return _markdown(columns) if format == "markdown" else _statement(known[table], columns, format)


def _statement(table: Table, columns: tuple[Column, ...], format: str) -> str:  # noqa: A002
    key = f"PRIMARY KEY ({table.key_column})"
    lines = [f"  {column.name} {_type(column, format)}" for column in columns]
    created = f"CREATE TABLE {table.name} (\n" + ",\n".join([*lines, f"  {key}"]) + "\n);\n"
    comments = [
        f"COMMENT ON COLUMN {table.name}.{column.name} IS '{column.meaning.replace(chr(39), chr(39) * 2)}';\n"
        for column in columns
    ]
    return created + "".join(comments)


def _type(column: Column, format: str) -> str:  # noqa: A002
    if column.type == "decimal":
        return f"{'numeric' if format == 'postgres' else 'DECIMAL'}({DIGITS}, {column.scale})"
    return _SQL[format][column.type]


def _json(table: str, columns: tuple[Column, ...]) -> str:
    described = [
        {"name": column.name, "type": column.type, "meaning": column.meaning}
        | ({"digits": DIGITS, "scale": column.scale} if column.type == "decimal" else {})
        for column in columns
    ]
    return json.dumps({"table": table, "columns": described}, indent=2, ensure_ascii=False) + "\n"


def _markdown(columns: tuple[Column, ...]) -> str:
    rows = [
        f"| `{column.name}` | {f'decimal({DIGITS}, {column.scale})' if column.type == 'decimal' else column.type} |"
        f" {column.meaning} |\n"
        for column in columns
    ]
    return "| column | type | meaning |\n|---|---|---|\n" + "".join(rows)
