"""Syncs of a simulated account."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sqlite3
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from aiozbilling import AiozBillingError, ConfigurationError, ExportError, ExportLockedError
from aiozbilling.export import SyncProgress, sync
from aiozbilling.export.disk import Disk
from tests.marks import slow
from tests.sync.synced import ORDERS, synced


@pytest.mark.parametrize("order", [ORDERS[0], *slow(ORDERS[1])])
async def test_later_runs_ask_only_for_what_is_new(tmp_path: Path, order: str) -> None:
    """The first run reads everything; later runs make one request per list, or as many as new rows need."""
    async with synced(tmp_path / "b.sqlite", order, top_ups=3500, days=90) as run:
        report, _ = await run()
        assert (report.top_ups_new, report.history_new, report.top_ups, report.history) == (3500, 90, 3500, 90)
        run.check()
        report, paths = await run()
        assert paths == ["topUp", "historyUsage", "thisMonthUsage"]
        assert (report.top_ups_new, report.top_ups_changed, report.history_changed) == (0, 0, 0)
        run.simulator.add_top_ups(5)
        run.simulator.advance(seconds=3600)
        report, paths = await run()
        assert paths == ["topUp", "historyUsage", "thisMonthUsage"]
        assert (report.top_ups_new, report.history_new, report.history_changed) == (5, 0, 1)
        run.simulator.add_top_ups(2600)
        run.simulator.advance(days=2)
        report, paths = await run()
        assert (report.top_ups_new, report.history_new) == (2600, 2)
        assert paths.count("historyUsage") == 1
        run.check()
        assert (await run())[1] == ["topUp", "historyUsage", "thisMonthUsage"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("trials", [pytest.param(8), pytest.param(40, marks=pytest.mark.slow)])
async def test_interruptions_leave_no_gap(tmp_path: Path, order: str, trials: int) -> None:
    """After any failure or cancellation of a run, the next complete run has stored every row."""
    choose = random.Random(order)
    async with synced(tmp_path / "b.sqlite", order, top_ups=300, days=40) as run:
        run.simulator.behaviour.max_limit = 30
        for _ in range(trials):
            run.simulator.behaviour.grow_per_request = choose.randrange(3)
            stop_at = choose.randrange(1, 12)

            def stop(progress: SyncProgress, left: list[int] = [stop_at]) -> None:  # noqa: B006 - one for each trial
                left[0] -= 1
                if not left[0]:
                    raise RuntimeError("stopped")

            with contextlib.suppress(RuntimeError):
                await run(on_progress=stop)
            run.simulator.add_top_ups(choose.choice((0, 3, 80)))
            run.simulator.advance(seconds=choose.choice((0, 4000, 90_000)))
            if choose.random() < 0.3:
                run.simulator.behaviour.grow_per_request = 0
                await run()
                run.check()


@pytest.mark.parametrize("order", [ORDERS[0], *slow(ORDERS[1])])
async def test_rows_that_are_added_elsewhere_are_found(tmp_path: Path, order: str) -> None:
    """If the count shows that rows were added elsewhere than at the growing end, the whole list is read."""
    async with synced(tmp_path / "b.sqlite", order, top_ups=2500) as run:
        await run()
        run.simulator.behaviour.order = ORDERS[1 - ORDERS.index(order)]  # type: ignore[assignment]
        run.simulator.add_top_ups(7)
        report, _ = await run()
        assert report.top_ups_new == 7
        run.check()
        assert (await run())[1] == ["topUp", "historyUsage", "thisMonthUsage"]


async def test_removed_rows_stay_and_cost_nothing(tmp_path: Path) -> None:
    """Removed rows are kept, and later runs need as few requests as before."""
    async with synced(tmp_path / "b.sqlite", top_ups=2500) as run:
        await run()
        for _ in range(3):
            run.simulator.remove_top_up(1500)
        await run()
        report, paths = await run()
        assert report.top_ups == 2500
        assert paths.count("topUp") == 1
        run.simulator.add_top_ups(2)
        assert (await run())[0].top_ups_new == 2


async def test_accounts_live_side_by_side(tmp_path: Path) -> None:
    """Two accounts in one database have separate rows and states."""
    async with synced(tmp_path / "b.sqlite", top_ups=30, days=10) as run:
        other = run.simulator.add_account(top_ups=20, days=5)
        await run()
        theirs = run.billing.with_credentials(api_key=other.api_key, secret_key=other.secret_key)
        report = await sync(theirs, run.path, account="other")
        assert (report.top_ups_new, report.history_new) == (20, 5)
        assert run.rows("SELECT account, count(*) FROM top_ups GROUP BY 1 ORDER BY 1") == [("main", 30), ("other", 20)]
        assert (await run())[0].top_ups == 30


@pytest.mark.parametrize("order", [ORDERS[0], *slow(ORDERS[1])])
@pytest.mark.parametrize("size", [0, 20, *slow(1500)])
async def test_another_account_is_refused(tmp_path: Path, order: str, size: int) -> None:
    """With the keys of another account under the same label, nothing is stored, whatever the size of its list."""
    async with synced(tmp_path / "b.sqlite", order, top_ups=30, days=10) as run:
        other = run.simulator.add_account(top_ups=size, days=15)
        await run()
        stored = run.rows("SELECT * FROM top_ups ORDER BY id"), run.rows("SELECT * FROM history ORDER BY date")
        theirs = run.billing.with_credentials(api_key=other.api_key, secret_key=other.secret_key)
        for full in (False, True):
            with pytest.raises(ExportError, match="none of the 30 top_ups that are stored as account 'main'"):
                await sync(theirs, run.path, full=full)
        assert stored == (
            run.rows("SELECT * FROM top_ups ORDER BY id"),
            run.rows("SELECT * FROM history ORDER BY date"),
        )
        assert (await run())[0].top_ups_new == 0


@pytest.mark.parametrize("most", [1000, *slow(20)])
async def test_a_first_page_of_new_rows_is_still_the_same_account(tmp_path: Path, most: int) -> None:
    """More new rows than fit one page are accepted, because the last rows of the list are known."""
    async with synced(tmp_path / "b.sqlite", top_ups=7, days=10) as run:
        run.simulator.behaviour.max_limit = most
        await run()
        run.simulator.add_top_ups(2300)
        assert (await run())[0].top_ups_new == 2300
        run.check()


async def test_changed_rows_are_updated_in_place(tmp_path: Path) -> None:
    """Changed rows of the first page are updated, and older ones with `full`."""
    async with synced(tmp_path / "b.sqlite", top_ups=1500, days=3) as run:
        run.simulator.behaviour.money_field = "neither"
        await run()
        run.simulator.behaviour.money_field = "credit"
        report, _ = await run()
        assert (report.top_ups_new, report.top_ups_changed) == (0, 1000)
        report, _ = await run(full=True)
        assert (report.top_ups_new, report.top_ups_changed) == (0, 500)
        assert run.rows("SELECT count(*) FROM top_ups WHERE credit_usd IS NULL") == [(0,)]


async def test_the_database_is_private_and_left_alone(tmp_path: Path) -> None:
    """The database is private and a single file; a newer, a foreign and a busy one are refused."""
    async with synced(tmp_path / "b.sqlite", top_ups=5, days=2) as run:
        await run()
        assert [(file.name, stat.S_IMODE(file.stat().st_mode)) for file in tmp_path.iterdir()] == [("b.sqlite", 0o600)]
        with Disk().locked(tmp_path / "b.sqlite.lock"), pytest.raises(ExportLockedError):
            await run()
        with contextlib.closing(sqlite3.connect(run.path)) as database:
            database.execute("PRAGMA user_version = 9")
        with pytest.raises(ExportError, match="version 9"):
            await run()
        with contextlib.closing(sqlite3.connect(tmp_path / "mine.sqlite")) as database:
            database.execute("CREATE TABLE mine (x)")
        with pytest.raises(ExportError, match="another program"):
            await sync(run.billing, tmp_path / "mine.sqlite")
        (tmp_path / "text.sqlite").write_text("this is no database at all" * 99)
        with pytest.raises(ExportError, match="not a database"):
            await sync(run.billing, tmp_path / "text.sqlite")
        for account in (" ", os.fsdecode(b"\xff"), None):
            with pytest.raises(ConfigurationError, match="label"):
                await run(account=account)
        with pytest.raises(ConfigurationError, match="billing must be a client of class AiozBilling, not Listing"):
            await sync(run.billing.top_ups(), run.path)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="metered must be a client of class MeteredBilling"):
            await sync(None, run.path, metered=run.billing)  # type: ignore[arg-type]


async def test_cancellation_releases_the_lock(tmp_path: Path) -> None:
    """After a cancelled sync, the next one can start and completes the ledger."""
    async with synced(tmp_path / "b.sqlite", top_ups=400) as run:
        run.simulator.behaviour.max_limit = 20
        paged = asyncio.Event()
        task = asyncio.create_task(run(on_progress=lambda progress: paged.set()))
        await paged.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [file.name for file in tmp_path.iterdir()] == ["b.sqlite"]
        await run()
        run.check()


async def test_an_empty_account(tmp_path: Path) -> None:
    """The first sync reads an empty list several times, as it may only seem empty; later ones need two requests."""
    async with synced(tmp_path / "b.sqlite", top_ups=0, days=1) as run:
        run.simulator.behaviour.null_lists = "when_empty"
        assert (await run())[1] == ["topUp"] * 8 + ["historyUsage", "thisMonthUsage"]
        for _ in range(2):
            assert (await run())[1] == ["topUp", "topUp", "historyUsage", "thisMonthUsage"]
        run.simulator.fail("http-401")
        with pytest.raises(AiozBillingError):
            await run()
        run.simulator.add_top_ups(3)
        assert (await run())[0].top_ups == 3


async def test_a_clock_of_any_zone_is_stored_in_utc(tmp_path: Path) -> None:
    """A clock in Tokyo stores the UTC time and its month; one without a zone is refused."""
    tokyo = datetime(2026, 11, 1, 3, tzinfo=timezone(timedelta(hours=9)))
    async with synced(tmp_path / "b.sqlite", top_ups=1, days=1) as run:
        report, _ = await run(clock=lambda: tokyo)
        assert report.finished_at.isoformat() == "2026-10-31T18:00:00+00:00"
        time = "2026-10-31T18:00:00.000000Z"
        assert run.rows("SELECT day, read_at, first_seen_at FROM months") == [("2026-10-31", time, time)]
        assert run.rows("SELECT aioz_read_at FROM accounts") == [(time,)]
        with pytest.raises(ConfigurationError, match="no time zone"):
            await run(clock=lambda: datetime(2026, 11, 1))  # noqa: DTZ001
