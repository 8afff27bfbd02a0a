"""Records of runs and changes, and uncredited and removed rows."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from aiozbilling import AiozBillingError, IncompleteError
from aiozbilling.sync.uncredited import windows_of
from tests.marks import slow
from tests.sync.synced import ORDERS, synced


@pytest.mark.parametrize("order", [ORDERS[0], *slow(ORDERS[1])])
async def test_a_deposit_credited_later_is_found_without_full(tmp_path: Path, order: str) -> None:
    """After an old deposit was credited, the next run updates it with few requests."""
    async with synced(tmp_path / "b.sqlite", order, top_ups=3500, days=5) as run:
        run.simulator.behaviour.credit_after_s = None  # one in 16 is not credited
        await run()
        uncredited = [id_ for (id_,) in run.rows("SELECT id FROM top_ups WHERE status = 0 ORDER BY created_at")]
        assert len(uncredited) > 100
        for id_ in (uncredited[2], uncredited[50], uncredited[-3]):
            run.simulator.account.credit_top_up(id_)
        report, paths = await run()
        assert report.top_ups_changed == 3
        assert paths.count("topUp") <= 5
        assert run.rows("SELECT count(*) FROM top_ups WHERE status = 0") == [(len(uncredited) - 3,)]
        assert run.rows("SELECT count(DISTINCT key) FROM changes WHERE column = 'status' AND new = 1") == [(3,)]


@pytest.mark.slow
async def test_many_old_uncredited_deposits_are_read_in_turn(tmp_path: Path) -> None:
    """A run makes at most four requests for uncredited deposits, and several runs read all of them."""
    async with synced(tmp_path / "b.sqlite", top_ups=9000, days=5) as run:
        run.simulator.behaviour.credit_after_s = None
        await run()
        uncredited = [id_ for (id_,) in run.rows("SELECT id FROM top_ups WHERE status = 0")]
        for id_ in uncredited:
            run.simulator.account.credit_top_up(id_)
        left = []
        for _ in range(7):
            _, paths = await run()
            assert paths.count("topUp") <= 5
            left += run.rows("SELECT count(*) FROM top_ups WHERE status = 0")
        assert left == sorted(left, reverse=True)
        assert left[-1] == (0,)


def test_positions_are_covered_by_few_windows() -> None:
    """Nearby positions share a window, and a window has at most 1000 rows."""
    assert windows_of([5, 30, 900]) == [(0, 921)]
    assert windows_of([5, 30, 2000, 2900]) == [(0, 51), (1980, 941)]
    assert all(size <= 1000 for _, size in windows_of(list(range(0, 9000, 7))))
    assert windows_of([]) == []


@pytest.mark.parametrize("order", [ORDERS[0], *slow(ORDERS[1])])
async def test_removed_rows_are_marked_and_counted(tmp_path: Path, order: str) -> None:
    """Removed rows stay, with `missing_since`, and the report contains both stored and counted rows."""
    async with synced(tmp_path / "b.sqlite", order, top_ups=2500, days=5) as run:
        await run()
        gone = {run.simulator.account.remove_top_up(at) for at in (3, 1200, 2400)}
        report, _ = await run()
        counts = report.lists["top_ups"]
        assert (counts.missing, counts.stored, counts.removed, counts.counted) == (3, 2500, 3, 2497)
        assert {id_ for (id_,) in run.rows("SELECT id FROM top_ups WHERE missing_since IS NOT NULL")} == gone
        assert {key for (key,) in run.rows("SELECT key FROM changes WHERE column = 'missing_since'")} == gone
        for id_ in gone:
            run.simulator.account.restore_top_up(id_)
        report, _ = await run()
        assert (report.top_ups_new, report.top_ups_changed, report.lists["top_ups"].removed) == (0, 3, 0)


async def test_every_run_and_every_change_is_recorded(tmp_path: Path) -> None:
    """Each run, also a failed one, records host, version, counts and result; changes have old and new values."""
    async with synced(tmp_path / "b.sqlite", top_ups=20, days=5) as run:
        await run()
        run.simulator.advance(seconds=3600)
        await run()
        run.simulator.fail("http-401", path="historyUsage")
        with pytest.raises(AiozBillingError):
            await run()
        runs = run.rows("SELECT run, host, account, result, error, ended_at >= started_at FROM runs")
        assert [row[3:5] for row in runs] == [("complete", None), ("complete", None), ("failed", "AuthenticationError")]
        assert all(row[1:3] == (run.simulator.url, "main") and row[5] for row in runs)
        counts = "list, rows_read, new, changed, missing, stored, counted"
        assert run.rows(f"SELECT {counts} FROM run_lists WHERE run = 1 ORDER BY list") == [
            ("history", 5, 5, 0, 0, 5, 5),
            ("months", 1, 1, 0, 0, 1, None),
            ("state", 0, 0, 0, 0, 0, None),
            ("top_ups", 20, 20, 0, 0, 20, 20),
        ]
        [(key, old, new)] = run.rows(
            "SELECT key, old, new FROM changes WHERE list = 'history' AND column = 'total_amount_attousd'"
        )
        [(stored, changed_at)] = run.rows(f"SELECT total_amount_attousd, changed_at FROM history WHERE date = '{key}'")
        assert int(old) < int(new) == int(stored)
        assert run.rows("SELECT started_at FROM runs WHERE run = 2") == [(changed_at,)]
        assert run.rows("SELECT DISTINCT first_seen_at FROM top_ups") == run.rows("SELECT started_at FROM runs LIMIT 1")


@pytest.mark.parametrize("statement", ["DELETE FROM changes", "UPDATE changes SET new = 1", "DELETE FROM runs"])
async def test_the_record_is_append_only(tmp_path: Path, statement: str) -> None:
    """SQL statements can't edit or delete an entry."""
    async with synced(tmp_path / "b.sqlite", top_ups=2, days=2) as run:
        await run()
        run.simulator.advance(seconds=60)
        await run()
    with contextlib.closing(sqlite3.connect(run.path)) as database, pytest.raises(sqlite3.IntegrityError):
        database.execute(statement)


@pytest.mark.parametrize("order", [ORDERS[0], *slow(ORDERS[1])])
@pytest.mark.parametrize("after", [0, 1, 3])
async def test_temporarily_empty_replies_lose_nothing(tmp_path: Path, order: str, after: int) -> None:
    """After empty replies, at the first request or during the walk, there is an error or a complete ledger."""
    async with synced(tmp_path / "b.sqlite", order, top_ups=300, days=5) as run:
        run.simulator.behaviour.max_limit = 50
        if not after:
            await run()
        run.simulator.fail("empty-list", times=2, after=after, path="topUp")
        with contextlib.suppress(IncompleteError):
            await run()
            run.check()
        run.simulator.forgive()
        await run()
        run.check()
        assert run.rows("SELECT count(*) FROM top_ups WHERE missing_since IS NOT NULL") == [(0,)]


async def test_a_collapsed_list_is_accepted_only_later(tmp_path: Path) -> None:
    """An empty list is an error first; if it is still empty a minute later, its rows are marked as missing."""
    async with synced(tmp_path / "b.sqlite", top_ups=15, days=5) as run:
        await run(clock=lambda: run.simulator.now)
        for _ in range(15):
            run.simulator.account.remove_top_up(0)
        for _ in range(2):
            with pytest.raises(IncompleteError, match="15 stored rows are not among them"):
                await run(clock=lambda: run.simulator.now)
        run.simulator.advance(seconds=61)
        report, _ = await run(clock=lambda: run.simulator.now)
        assert report.top_ups_missing == 15
        run.simulator.account.add_top_ups(2)
        report, _ = await run(clock=lambda: run.simulator.now)
        assert (report.top_ups_new, report.top_ups) == (2, 17)
