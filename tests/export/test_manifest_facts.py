"""The facts in a manifest: sums by status, missing days, account and host."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from aiozbilling import AiozBilling, DayUsage, Listing, TokenAmount
from aiozbilling.export import export
from aiozbilling.export.manifest import denom_of
from aiozbilling.listing.source import Source
from aiozbilling.simulator import Simulator
from tests.export.export_lists import listing_of, top_up

KEYS = {
    *("file", "account", "host", "format", "bytes", "sha256", "rows", "rows_outside", "rows_without_usd", "first_time"),
    *("last_time", "sums", "duplicates_skipped", "null_rows_skipped", "consistency", "totals", "requests", "runs"),
    *("key_fingerprint", "key_salt", "key_changed"),
    *("stopped_early", "started_at", "finished_at", "list", "columns", "cursor", "made_by"),
}


def manifest_of(path: Path) -> dict[str, Any]:
    """Return the manifest of a file."""
    content: dict[str, Any] = json.loads(path.with_name(f"_{path.name}.manifest.json").read_text())
    return content


async def test_sums_are_split_by_status(tmp_path: Path) -> None:
    """The sums of credited and of uncredited deposits add up to the whole, also in a resumed export."""
    rows = [top_up(number, status=number % 3 != 0) for number in reversed(range(20))]
    left = list(rows)
    left[12] = "no row"  # type: ignore[call-overload]
    with pytest.raises(AttributeError):
        await export(listing_of(left), tmp_path / "t.csv")
    report = await export(listing_of(rows), tmp_path / "t.csv")
    uncredited = [row for row in rows if row.status is not True]
    by_status = manifest_of(tmp_path / "t.csv")["sums_by_status"]
    assert (report.runs, report.rows_uncredited, len(rows)) == (2, len(uncredited), report.rows)
    assert by_status["uncredited"]["rows"] + by_status["credited"]["rows"] == len(rows)
    assert Decimal(by_status["uncredited"]["usd"]) == sum(row.credit_usd or 0 for row in uncredited)
    assert Decimal(by_status["credited"]["usd"]) + Decimal(by_status["uncredited"]["usd"]) == report.usd
    amounts = [int(by_status[status]["attoaioz"]["amount"]) for status in ("credited", "uncredited")]
    assert amounts[1] == sum(row.amount.amount for row in uncredited)
    assert sum(amounts) == report.amounts["attoaioz"].amount


async def test_a_denomination_is_named_like_another_value(tmp_path: Path) -> None:
    """A deposit in the denomination "usd" or "rows" does not replace the sum in USD or the number of rows."""
    denoms = ("usd", "rows", "usd (denom)", "uatom")
    rows = [top_up(number, amount=TokenAmount(denom, Decimal(number))) for number, denom in enumerate(denoms, 1)]
    report = await export(listing_of(rows), tmp_path / "t.csv")
    manifest = manifest_of(tmp_path / "t.csv")
    for sums in (manifest["sums"], manifest["sums_by_status"]["credited"]):
        assert Decimal(sums.pop("usd")) == report.usd > 0
        assert sums.pop("rows", 4) == 4
        assert {denom_of(key): found["amount"] for key, found in sums.items()} == dict(zip(denoms, "1234", strict=True))


async def test_the_manifest_keeps_its_keys(tmp_path: Path) -> None:
    """Programs read manifests by their keys: each fact has its key."""
    await export(listing_of([top_up(1)]), tmp_path / "t.csv")
    manifest = manifest_of(tmp_path / "t.csv")
    assert set(manifest) == KEYS | {"sums_by_status"}
    assert set(manifest["list"]) == {"endpoint", "offset", "max_items", "after", "since", "until", "stop_early"}
    assert (manifest["totals"], manifest["requests"]) == ([1, 1], 1)


async def test_missing_days_are_named(tmp_path: Path) -> None:
    """The report and the manifest name each gap between the days that the provider sent."""
    last = datetime(2026, 10, 31, tzinfo=UTC)
    days = [
        DayUsage(date=last - timedelta(days=ago), total_storage=1, total_bandwidth=1, total_amount=Decimal(1))
        for ago in range(12)
        if ago not in (2, 5, 6)
    ]

    async def fetch(offset: int, limit: int, _received: object = None) -> tuple[Sequence[DayUsage], int]:
        return days[offset : offset + limit], len(days)

    source = Source("/api/billing/historyUsage", fetch, attrgetter("date"), attrgetter("date"), {})
    report = await export(Listing(source, page_size=5), tmp_path / "h.csv")
    assert report.missing_days == (
        (date(2026, 10, 25), date(2026, 10, 26)),
        (date(2026, 10, 29), date(2026, 10, 29)),
    )
    assert manifest_of(tmp_path / "h.csv")["missing_days"] == [
        ["2026-10-25", "2026-10-26"],
        ["2026-10-29", "2026-10-29"],
    ]


async def test_account_and_host_are_named(tmp_path: Path) -> None:
    """The manifest names the account of the rows and the host that sent them."""
    async with (
        Simulator(seed=1, top_ups=5) as simulator,
        AiozBilling(api_key=simulator.api_key, secret_key=simulator.secret_key, base_url=simulator.url) as billing,
    ):
        report = await export(billing.top_ups(), tmp_path / "t.csv", account="main")
        assert (report.account, report.host) == ("main", simulator.url.removeprefix("http://"))
    manifest = manifest_of(tmp_path / "t.csv")
    assert (manifest["account"], manifest["host"]) == (report.account, report.host)
