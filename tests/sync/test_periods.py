"""B3OS and metered billing in the ledger."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from aiozbilling import (
    B3osBilling,
    ConfigurationError,
    CuDay,
    CuLine,
    CuUsage,
    DecodeError,
    ExportError,
    MeteredBilling,
    NotFoundError,
)
from aiozbilling.export import SyncReport, sync
from aiozbilling.records import EstimatedCost, MeteredUsage, MetricUsage, Period
from aiozbilling.simulator import Account, Simulator
from aiozbilling.sync import verify
from aiozbilling.sync.layout import CU_DAYS, CU_LINES
from aiozbilling.sync.periods import cu_rows, metered_rows


@attrs.frozen
class Both:
    """The clients of B3OS and metered billing of a simulated account."""

    simulator: Simulator
    path: Path
    b3os: B3osBilling
    metered: MeteredBilling

    async def sync(self, **options: Any) -> tuple[SyncReport, int]:
        """Sync both, and return the report and the number of requests."""
        before = len(self.simulator.requests)
        values: dict[str, Any] = {"b3os": self.b3os, "organization": self.simulator.organization}
        values |= {"metered": self.metered, "clock": lambda: self.simulator.now}
        report = await sync(None, self.path, **values | options)
        return report, len(self.simulator.requests) - before

    def rows(self, statement: str) -> list[Any]:
        """Query the ledger."""
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            return database.execute(statement).fetchall()


@asynccontextmanager
async def both(path: Path, account: Account | None = None) -> AsyncIterator[Both]:
    async with Simulator(top_ups=1, days=3) as simulator:
        account = account or simulator.account
        async with (
            B3osBilling(token=account.b3os_token, base_url=simulator.url) as b3os,
            MeteredBilling(simulator.url, token=account.metered_token) as metered,
        ):
            yield Both(simulator, path, b3os, metered)


async def test_compute_units_and_metered_usage_are_stored_by_month(tmp_path: Path) -> None:
    """The first run stores twelve months exactly; their days and lines add up to the provider's totals."""
    async with both(tmp_path / "b.sqlite") as run:
        report, requests = await run.sync()
        now = run.simulator.now
        usage = await run.b3os.cu_usage(run.simulator.organization, now)
        [metered] = [usage async for usage in run.metered.usage_by_month(since=f"{now:%Y-%m}", until=now)]
        assert requests == 24
        assert report.lists["cu_months"].new == report.lists["metered_periods"].new == 12
        days = run.rows(f"SELECT day, used_cu FROM cu_days WHERE year_month = '{now:%Y-%m}'")
        assert {day: Decimal(used) for day, used in days} == {day.date: day.used for day in usage.daily}
        lines = run.rows(f"SELECT cu, used FROM cu_lines WHERE year_month = '{now:%Y-%m}'")
        assert sum(Decimal(cu) for cu, _ in lines) == sum(
            (line.cu for day in usage.daily for line in day.breakdown if line.cu is not None), Decimal(0)
        )
        assert all(float(cu) == used for cu, used in lines)
        [(total, currency)] = run.rows(
            f"SELECT cost_total, currency FROM metered_periods WHERE year_month = '{now:%Y-%m}'"
        )
        assert (Decimal(total), currency) == (metered.estimated_cost.total, metered.estimated_cost.currency)
        used = run.rows(f"SELECT metric, used FROM metered_usage WHERE year_month = '{now:%Y-%m}'")
        assert {metric: Decimal(text) for metric, text in used} == {
            id_: metric.used for id_, metric in metered.metrics.items()
        }
        assert verify(run.path).is_ok


async def test_later_runs_read_only_months_that_may_change(tmp_path: Path) -> None:
    """The current month is read again, and the previous one until three days after its end."""
    async with both(tmp_path / "b.sqlite") as run:
        run.simulator.advance(days=40 - run.simulator.now.day)
        await run.sync()
        assert (await run.sync())[1] == 2
        run.simulator.advance(days=32 - run.simulator.now.day)
        assert run.simulator.now.day == 1
        assert (await run.sync())[1] == 4
        assert (await run.sync())[1] == 4
        run.simulator.advance(days=5)
        assert (await run.sync())[1] == 4
        assert (await run.sync())[1] == 2
        assert run.rows("SELECT count(DISTINCT year_month) FROM cu_months") == [(13,)]


async def test_a_first_run_that_failed_half_way_is_repeated(tmp_path: Path) -> None:
    """If the first run stored some months and failed, the next one reads all twelve months."""
    for path in ("cu/usage", "billing/usage"):
        async with both(tmp_path / f"{path[:2]}.sqlite") as run:
            run.simulator.fail("http-404", after=5, path=path)
            with pytest.raises(NotFoundError):
                await run.sync()
            _, requests = await run.sync()
            assert requests == 24
            assert run.rows("SELECT count(*) FROM cu_months UNION ALL SELECT count(*) FROM metered_periods") == [
                (12,),
                (12,),
            ]


async def test_metered_months_that_the_provider_forgot_are_not_read_again(tmp_path: Path) -> None:
    """After a pause of more than a year, stored periods keep their figures, and B3OS is read without a gap."""
    async with both(tmp_path / "b.sqlite") as run:
        await run.sync()
        stored = "SELECT * FROM metered_periods WHERE year_month <= '2026-11' ORDER BY year_month"
        before = run.rows(stored)
        run.simulator.advance(days=400)
        await run.sync()
        assert run.rows(stored) == before
        assert run.rows("SELECT min(year_month) FROM metered_periods WHERE year_month > '2026-11'") == [("2027-01",)]
        assert run.rows("SELECT count(*) FROM cu_months WHERE year_month > '2026-11'") == [(13,)]


async def test_another_organization_or_session_is_refused(tmp_path: Path) -> None:
    """Usage of another account is not stored under a label, and an organization is not stored under two labels."""
    async with both(tmp_path / "b.sqlite") as run:
        other = run.simulator.add_account()
        await run.sync()
        async with (
            B3osBilling(token=other.b3os_token, base_url=run.simulator.url) as b3os,
            MeteredBilling(run.simulator.url, token=other.metered_token) as metered,
        ):
            with pytest.raises(ExportError, match="contains the compute units of organization"):
                await run.sync(b3os=b3os, organization=other.organization)
            with pytest.raises(ExportError, match="differs from the one that is stored"):
                await run.sync(metered=metered)
            with pytest.raises(ExportError, match="account 'main' contains the compute units of organization"):
                await run.sync(account="two")
            with pytest.raises(ExportError, match="these credentials belong to account 'main'"):
                await run.sync(account="two", b3os=None, organization=None)
            await run.sync(b3os=b3os, organization=other.organization, metered=metered, account="other")
        assert run.rows("SELECT count(DISTINCT organization) FROM cu_months GROUP BY account") == [(1,), (1,)]


async def test_one_token_has_two_organizations(tmp_path: Path) -> None:
    """The organizations of one token are stored under two labels, and each under its own only."""
    async with both(tmp_path / "b.sqlite") as run:
        await run.sync(metered=None)
        one, credentials = run.simulator.organization, run.simulator.account.credentials
        run.simulator.account.credentials = attrs.evolve(credentials, organization="org_2")
        await run.sync(metered=None, organization="org_2", account="two")
        with pytest.raises(ExportError, match=f"account 'main' contains the compute units of organization '{one}'"):
            await run.sync(metered=None, organization="org_2")
        stored = run.rows("SELECT account, organization, count(*) FROM cu_months GROUP BY 1, 2")
        assert stored == [("main", one, 12), ("two", "org_2", 12)]


async def test_a_new_token_is_not_accepted_because_all_periods_are_old(tmp_path: Path) -> None:
    """After a pause of a year, the token of another account is refused, and the old token is still accepted."""
    async with both(tmp_path / "b.sqlite") as run:
        other = run.simulator.add_account()
        await run.sync()
        run.simulator.advance(days=400)
        async with MeteredBilling(run.simulator.url, token=other.metered_token) as metered:
            with pytest.raises(ExportError, match="no stored period of the last 11 months has any usage") as caught:
                await run.sync(metered=metered)
            assert "sync once more with the old credentials after a period with usage has ended" in caught.value.hint
        await run.sync()


async def test_a_metered_account_does_not_get_a_second_label(tmp_path: Path) -> None:
    """With a new token and a new label, the usage that another label has is refused; that of another account is not."""
    async with both(tmp_path / "b.sqlite") as run:
        other = run.simulator.add_account()
        await run.sync()
        change(run.path, "UPDATE identities SET fingerprint = 'old' WHERE system = 'metered'")
        with pytest.raises(ExportError, match="this account is stored as 'main', with the same usage"):
            await run.sync(account="two", b3os=None, organization=None)
        assert run.rows("SELECT DISTINCT account FROM metered_usage") == [("main",)]
        async with MeteredBilling(run.simulator.url, token=other.metered_token) as metered:
            await run.sync(account="two", b3os=None, organization=None, metered=metered)


async def test_a_period_without_usage_proves_nothing(tmp_path: Path) -> None:
    """A new token is checked with a month that has usage: the first months of all new accounts are equal."""
    async with both(tmp_path / "b.sqlite") as run:
        other = run.simulator.add_account()
        await run.sync()
        oldest = run.rows("SELECT min(year_month) FROM metered_usage")[0][0]
        change(run.path, f"UPDATE metered_usage SET used = '0' WHERE year_month = '{oldest}'")
        async with MeteredBilling(run.simulator.url, token=other.metered_token) as metered:
            before = len(run.simulator.requests)
            with pytest.raises(ExportError, match="differs from the one that is stored"):
                await run.sync(metered=metered)
        asked = [request.query for request in run.simulator.requests[before:] if "billing/usage" in request.path]
        assert not any(oldest in str(query) for query in asked)


async def test_a_new_token_is_not_proven_by_a_period_that_goes_on(tmp_path: Path) -> None:
    """Where only the running period is stored, a new token is refused, and what the hint says works."""
    async with both(tmp_path / "b.sqlite") as run:
        await run.sync()
        month = f"{run.simulator.now:%Y-%m}"
        for table in ("metered_periods", "metered_usage"):
            change(run.path, f"DELETE FROM {table} WHERE year_month < '{month}'")
        run.simulator.advance(days=1)
        old = run.rows("SELECT fingerprint FROM identities WHERE system = 'metered'")[0][0]
        change(run.path, "UPDATE identities SET fingerprint = 'old' WHERE system = 'metered'")
        with pytest.raises(ExportError, match="only the period that had not ended is stored") as caught:
            await run.sync()
        assert "sync once more with the old credentials after the period has ended" in caught.value.hint
        change(run.path, f"UPDATE identities SET fingerprint = '{old}' WHERE system = 'metered'")
        run.simulator.advance(days=33)
        await run.sync()
        change(run.path, "UPDATE identities SET fingerprint = 'old' WHERE system = 'metered'")
        run.simulator.advance(days=1)
        await run.sync()


def change(path: Path, statement: str) -> None:
    """Change a ledger by hand."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)


async def test_clients_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """At least one client is needed, and B3OS needs its organization."""
    async with both(tmp_path / "b.sqlite") as run:
        with pytest.raises(ConfigurationError, match="at least one client"):
            await sync(None, run.path)
        with pytest.raises(ConfigurationError, match="organization"):
            await run.sync(organization=None)


def test_lines_that_repeat_are_kept_apart() -> None:
    """Two lines of a day with the same type and node have different keys; days without a date are left out."""
    line = CuLine(type="action", node_type="http", count=2**70, cu=Decimal("0.5"))
    usage = CuUsage(daily=(CuDay(date="2026-10-01", used=Decimal(1), breakdown=(line, line)), CuDay()))
    rows = cu_rows(usage, "2026-10", "org_1")
    assert len({row[0] for row in rows[CU_LINES]}) == 2
    assert rows[CU_LINES][0][5] == str(2**70)
    assert [row[0] for row in rows[CU_DAYS]] == ["2026-10-01"]
    assert datetime.fromisoformat(str(rows[CU_DAYS][0][0]))


def test_a_period_in_a_local_zone_has_its_own_month() -> None:
    """November that begins at midnight in Berlin is stored as November, not as October."""
    start, end = (datetime.fromisoformat(f"{time}+01:00").astimezone(UTC) for time in ("2026-11-01", "2026-12-01"))
    cost = EstimatedCost(base=Decimal(1), overage=Decimal(0), total=Decimal(1), currency="usd")
    metrics = {"a": MetricUsage(name="A", unit="a", included=Decimal(0), used=Decimal(1))}
    usage = MeteredUsage(period=Period(start=start, end=end), metrics=metrics, estimated_cost=cost)
    for table, [row] in metered_rows(usage).items():
        assert row[table.names.index("year_month")] == "2026-11"


def test_a_day_that_occurs_twice_is_refused() -> None:
    """Two rows of one day are an error with their place; the ledger has one row for each day."""
    day = CuDay(date="2026-10-01", used=Decimal(1))
    usage = CuUsage(daily=(day, CuDay(), CuDay(), CuDay(date="2026-10-02"), day))
    with pytest.raises(DecodeError, match=r"daily\[4\] of 2026-10 occurs twice"):
        cu_rows(usage, "2026-10", "org_1")
