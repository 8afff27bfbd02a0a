"""An export that is resumed with other credentials never mixes the rows of two accounts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from aiozbilling import AiozBilling, CheckpointError, ListingError
from aiozbilling.export import export
from aiozbilling.simulator import Simulator
from aiozbilling.simulator.accounts import Account


@asynccontextmanager
async def two_accounts() -> AsyncIterator[tuple[Simulator, AiozBilling, AiozBilling]]:
    """Serve two accounts with the same days, and build a client of each."""
    async with (
        Simulator(accounts=2, top_ups=90, days=90) as simulator,
        client(simulator, simulator.accounts[0]) as first,
        client(simulator, simulator.accounts[1]) as second,
    ):
        yield simulator, first, second


def client(simulator: Simulator, account: Account) -> AiozBilling:
    return AiozBilling(api_key=account.api_key, secret_key=account.secret_key, base_url=simulator.url)


def stop(progress: object) -> None:
    raise KeyboardInterrupt


async def interrupted(listing: Any, path: Path) -> None:
    """Export one page."""
    with pytest.raises(KeyboardInterrupt):
        await export(listing, path, on_progress=stop)


async def test_history_of_another_account_is_refused(tmp_path: Path) -> None:
    """Days have the same keys in every account, so the credentials decide; the first ones complete the export."""
    path = tmp_path / "h.csv"
    async with two_accounts() as (_, first, second):
        await interrupted(first.history_usage(page_size=20), path)
        with pytest.raises(CheckpointError, match="begun with other credentials") as caught:
            await export(second.history_usage(page_size=20), path)
        assert "remove the files" in (caught.value.hint or "")
        assert (await export(first.history_usage(page_size=20), path)).rows == 90
        await export(first.history_usage(), tmp_path / "whole.csv")
    assert path.read_bytes() == (tmp_path / "whole.csv").read_bytes()


async def test_deposits_of_another_account_are_refused(tmp_path: Path) -> None:
    """The ids of the deposits show that the list is another one; the first credentials complete the export."""
    path = tmp_path / "t.csv"
    async with two_accounts() as (_, first, second):
        await interrupted(first.top_ups(page_size=20), path)
        with pytest.raises(ListingError, match="Is this the account"):
            await export(second.top_ups(page_size=20), path)
        assert not path.exists()
        report = await export(first.top_ups(page_size=20), path)
    assert (report.rows, report.key_changed) == (90, False)


async def test_other_credentials_of_the_same_account_are_accepted_for_deposits(tmp_path: Path) -> None:
    """A rotated key completes the export, since the list has the rows that were read; the manifest says so."""
    path = tmp_path / "t.csv"
    async with two_accounts() as (simulator, first, _):
        await interrupted(first.top_ups(page_size=20), path)
        async with AiozBilling(token=simulator.accounts[0].token, base_url=simulator.url) as rotated:
            report = await export(rotated.top_ups(page_size=20), path)
            salt = bytes.fromhex(report.key_salt)
            assert report.key_fingerprint == rotated.fingerprint(salt) != first.fingerprint(salt)
    assert (report.rows, report.key_changed) == (90, True)
    manifest = json.loads((tmp_path / "_t.csv.manifest.json").read_text())
    assert (manifest["key_fingerprint"], manifest["key_changed"]) == (report.key_fingerprint, True)


async def test_a_complete_file_is_not_published_for_another_account(tmp_path: Path) -> None:
    """Where all rows are read and only the name is missing, another account does not get the file under its name."""
    path = tmp_path / "t.csv"
    async with two_accounts() as (_, first, second):
        await interrupted(first.top_ups(page_size=20, max_items=20), path)
        with pytest.raises(CheckpointError, match="begun with other credentials"):
            await export(second.top_ups(page_size=20, max_items=20), path)
        path.write_text("mine")
        with pytest.raises(CheckpointError, match="begun with other credentials"):
            await export(second.top_ups(page_size=20, max_items=20), path, overwrite=True)
        assert path.read_text() == "mine"
        assert (await export(first.top_ups(page_size=20, max_items=20), path, overwrite=True)).rows == 20


async def test_credentials_from_a_function_identify_no_account(tmp_path: Path) -> None:
    """Without a label the fingerprint is empty, and the export resumes; with a label, the label identifies it."""
    async with two_accounts() as (simulator, _, _):
        for label in ("", "main"):
            path, account = tmp_path / f"{label}t.csv", simulator.accounts[0]
            async with AiozBilling(
                credentials=lambda account=account: account.token, base_url=simulator.url, account=label
            ) as billing:
                await interrupted(billing.history_usage(page_size=20), path)
                report = await export(billing.history_usage(page_size=20), path)
                expected = billing.fingerprint(bytes.fromhex(report.key_salt)) if label else ""
                assert (report.rows, report.key_fingerprint, report.key_changed) == (90, expected, False)
