"""A fleet's dataset in the tools that read Parquet. Spark is in tests/integrations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from aiozbilling.simulator import Account, Simulator
from tests.fleet.fleets import accounts_file, run

SIZES = {"eu": 130, "eu-west": 1, "us": 40}
Summary = dict[str, tuple[int, Decimal, datetime]]


@pytest.fixture
async def dataset(tmp_path: Path) -> tuple[Path, Summary]:
    """Export three accounts, in two parts where rows are new; return the folder, and what it must hold."""
    async with Simulator() as simulator:
        accounts = {label: simulator.add_account(top_ups=size) for label, size in SIZES.items()}
        file = accounts_file(tmp_path / "etc", simulator, accounts)
        await run(file, tmp_path / "out")
        accounts["us"].add_top_ups(3)
        await run(file, tmp_path / "out", incremental=True)
        assert len(list((tmp_path / "out/top_ups/account=us").iterdir())) == 2
        return tmp_path / "out" / "top_ups", {label: summary_of(account) for label, account in accounts.items()}


def summary_of(account: Account) -> tuple[int, Decimal, datetime]:
    """Return rows, exact USD and the latest time of an account, as the server has them."""
    rows = [row for row in account.top_up_rows() if row]
    usd = sum((Decimal(row["total_amount"]).scaleb(-18) for row in rows), Decimal(0))
    return len(rows), usd, max(datetime.fromisoformat(row["created_at"]) for row in rows)


def by_pyarrow(folder: Path) -> Summary:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(folder)
    types = {name: table.schema.field(name).type for name in ("credit_usd", "created_at", "account")}
    assert types["credit_usd"] == pa.decimal128(38, 18)
    assert types["created_at"] == pa.timestamp("us", "UTC")
    assert types["account"].value_type == pa.string()  # a dictionary of texts
    found = table.group_by("account").aggregate([("id", "count"), ("credit_usd", "sum"), ("created_at", "max")])
    return {row["account"]: tuple(row[name] for name in found.column_names[1:]) for row in found.to_pylist()}


def by_pandas(folder: Path) -> Summary:
    import pandas as pd

    frame = pd.read_parquet(folder)
    assert str(frame["created_at"].dtype) == "datetime64[us, UTC]"
    assert isinstance(frame["credit_usd"].iloc[0], Decimal)
    assert all(isinstance(label, str) for label in frame["account"])
    return {
        str(label): (len(rows), rows["credit_usd"].sum(), rows["created_at"].max().to_pydatetime())
        for label, rows in frame.groupby("account", observed=True)
    }


def by_polars(folder: Path) -> Summary:
    import polars as pl

    frame = pl.read_parquet(folder)
    assert frame.schema["credit_usd"] == pl.Decimal(38, 18)
    assert frame.schema["created_at"] == pl.Datetime("us", "UTC")
    assert frame.schema["account"] == pl.String
    found = frame.group_by("account").agg(pl.len(), pl.sum("credit_usd"), pl.max("created_at"))
    return {label: tuple(values) for label, *values in found.rows()}  # type: ignore[misc]


def by_duckdb(folder: Path) -> Summary:
    import duckdb

    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'Asia/Tokyo'")
        rows = f"'{folder}/*/*.parquet'"
        described = database.sql(f"DESCRIBE SELECT account, credit_usd, created_at FROM {rows}").fetchall()
        assert [column[1] for column in described] == ["VARCHAR", "DECIMAL(38,18)", "TIMESTAMP WITH TIME ZONE"]
        query = f"SELECT account, count(*), sum(credit_usd), epoch_us(max(created_at)) FROM {rows} GROUP BY account"
        return {label: (count, usd, since_1970(us)) for label, count, usd, us in database.sql(query).fetchall()}


def since_1970(microseconds: int) -> datetime:
    """Return a time that is counted in microseconds, without rounding it."""
    seconds, rest = divmod(microseconds, 10**6)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


READERS = [
    by_pyarrow,
    pytest.param(by_pandas, marks=pytest.mark.slow),
    pytest.param(by_polars, marks=pytest.mark.slow),
    by_duckdb,
]


@pytest.mark.parametrize("read", READERS)
def test_the_dataset_has_its_partition_column_types_and_sums(
    dataset: tuple[Path, Summary], read: Callable[[Path], Summary]
) -> None:
    """Each tool finds every row under its label, decimals that add up exactly, and times in UTC."""
    folder, expected = dataset
    assert read(folder) == expected
