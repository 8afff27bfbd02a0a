"""Files for cost tools, written by `export(format="focus")`."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aiozbilling import AiozBilling, ConfigurationError
from aiozbilling.export import ExportReport, export
from aiozbilling.simulator import Simulator


async def export_focus(path: Path) -> ExportReport:
    """Export 40 simulated days."""
    async with (
        Simulator(seed=1, days=40) as simulator,
        AiozBilling(api_key=simulator.api_key, secret_key=simulator.secret_key, base_url=simulator.url) as billing,
    ):
        return await export(billing.history_usage(), path, format="focus", account="main")


async def test_csv_and_parquet_have_the_same_costs(tmp_path: Path) -> None:
    """Both have one row for each day, and their costs add up to the sum in the report."""
    report = await export_focus(tmp_path / "focus.csv")
    await export_focus(tmp_path / "focus.parquet")
    with (tmp_path / "focus.csv").open(newline="") as file:
        by_csv = [Decimal(row["BilledCost"]) for row in csv.DictReader(file)]
    table = pq.read_table(tmp_path / "focus.parquet")
    assert by_csv == table["BilledCost"].to_pylist()
    assert (len(by_csv), sum(by_csv)) == (40, report.usd)
    assert table.schema.names[-1] == "x_Misfits"


async def test_the_manifest_names_the_account(tmp_path: Path) -> None:
    """The manifest has the label of the account."""
    await export_focus(tmp_path / "focus.csv")
    assert json.loads((tmp_path / "_focus.csv.manifest.json").read_text())["account"] == "main"


async def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    """FOCUS is only written as CSV and Parquet; another suffix is an error before anything is written."""
    with pytest.raises(ConfigurationError, match="CSV or Parquet"):
        await export_focus(tmp_path / "focus.sqlite")
    assert not list(tmp_path.iterdir())
