"""With stop_early, an export of the latest rows stops before the end of the list."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aiozbilling import AiozBilling, ConfigurationError
from aiozbilling.export import ExportReport, export
from aiozbilling.simulator import Simulator
from tests.export.export_lists import listing_of, top_ups


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """Run a server with 400 deposits, newest first."""
    async with Simulator(seed=1, top_ups=400) as simulator:
        yield simulator


async def exported(simulator: Simulator, path: Path, **options: Any) -> tuple[ExportReport, int]:
    """Export the deposits since the time of the 20th newest; return the report and the number of requests."""
    client = AiozBilling(api_key=simulator.api_key, secret_key=simulator.secret_key, base_url=simulator.url)
    async with client as billing:
        rows = sorted(await billing.top_ups(page_size=100).collect(), key=lambda row: row.created_at)
        before = len(simulator.requests)
        listing = billing.top_ups(page_size=20, concurrency=1)
        report = await export(listing, path, since=rows[-20].created_at, **options)
        return report, len(simulator.requests) - before


async def test_the_newest_rows_take_few_requests(simulator: Simulator, tmp_path: Path) -> None:
    """With stop_early the 20 newest of 400 rows take few requests, the file is the same, and the manifest says so."""
    whole, many = await exported(simulator, tmp_path / "whole.csv")
    early, few = await exported(simulator, tmp_path / "early.csv", stop_early=True)
    assert many > 20
    assert few <= 5
    assert early.rows == whole.rows == 20
    assert (tmp_path / "early.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert (whole.stopped_early, early.stopped_early) == (False, True)
    manifest = json.loads((tmp_path / "_early.csv.manifest.json").read_bytes())
    assert manifest["stopped_early"] is True
    assert manifest["rows_outside"] == early.rows_outside < whole.rows_outside == 380


async def test_a_list_with_the_oldest_first_is_read_to_its_end(simulator: Simulator, tmp_path: Path) -> None:
    """If the newest rows are at the end of the list, none of them is missed."""
    simulator.behaviour.order = "oldest_first"
    report, requests = await exported(simulator, tmp_path / "t.csv", stop_early=True)
    assert (report.rows, report.rows_outside, report.stopped_early) == (20, 380, False)
    assert requests > 20


async def test_a_list_without_order_is_read_to_its_end(tmp_path: Path) -> None:
    """One row out of order before the stop is enough to read everything."""
    rows = top_ups(40)
    rows[1], rows[2] = rows[2], rows[1]
    since = rows[5].created_at
    report = await export(listing_of(rows), tmp_path / "t.csv", since=since, stop_early=True)
    assert (report.rows, report.rows_outside, report.stopped_early) == (6, 34, False)


async def test_a_resumed_export_remembers_the_order(tmp_path: Path) -> None:
    """A resumed run does not stop early if an earlier run read a row out of order; otherwise it does."""
    for swapped, stopped in ((True, False), (False, True)):
        rows: list[Any] = top_ups(60)
        since = rows[25].created_at
        if swapped:
            rows[1], rows[2] = rows[2], rows[1]
        path = tmp_path / f"{swapped}.csv"
        broken = [*rows[:17], "no row", *rows[18:]]
        with pytest.raises(AttributeError):
            await export(listing_of(broken), path, since=since, stop_early=True)
        report = await export(listing_of(rows), path, since=since, stop_early=True)
        assert (report.runs, report.rows, report.stopped_early) == (2, 26, stopped)


async def test_stop_early_without_a_time_is_refused(tmp_path: Path) -> None:
    """`stop_early` without `since` is refused, since there is no time at which to stop."""
    with pytest.raises(ConfigurationError, match="since"):
        await export(listing_of(top_ups(3)), tmp_path / "t.csv", stop_early=True)
