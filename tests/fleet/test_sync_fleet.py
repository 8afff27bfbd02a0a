"""Many accounts in one ledger."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing

from aiozbilling import AuthenticationError, ExportLockedError, NotFoundError
from aiozbilling.export.disk import Disk
from aiozbilling.fleet import FleetProgress, sync_fleet
from aiozbilling.simulator import Simulator
from tests.fleet.fleets import accounts_file


async def test_accounts_of_all_systems_are_in_one_ledger(tmp_path, monkeypatch):
    """AIOZ, B3OS and metered accounts are stored under their labels, and a bad key does not stop the others."""
    async with Simulator(top_ups=30, days=5) as simulator:
        accounts = {"eu": simulator.account, "bad": simulator.add_account(top_ups=3)}
        accounts["bad"].is_revoked = True
        file = accounts_file(tmp_path / "etc", simulator, accounts)
        monkeypatch.setenv("CU_TOKEN", simulator.b3os_token)
        monkeypatch.setenv("SAAS_TOKEN", simulator.metered_token)
        server = f'base_url = "{simulator.url}"'
        file.write_text(
            f"{file.read_text()}\n[[account]]\nlabel = 'cu'\nsystem = 'b3os'\ntoken = 'env:CU_TOKEN'\n{server}\n"
            f"organization = '{simulator.organization}'\n"
            f"[[account]]\nlabel = 'saas'\nsystem = 'metered'\ntoken = 'env:SAAS_TOKEN'\n{server}\n"
        )
        path = tmp_path / "ledger.sqlite"
        outcomes = {one.account: one async for one in sync_fleet(file, path, rate_limit=None)}
        assert {label for label, outcome in outcomes.items() if outcome.status == "complete"} == {"eu", "cu", "saas"}
        assert isinstance(outcomes["bad"].error, AuthenticationError)
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("SELECT account, count(*) FROM top_ups GROUP BY 1").fetchall() == [("eu", 30)]
            assert database.execute("SELECT DISTINCT account FROM metered_periods").fetchall() == [("saas",)]
        again = {one.account: one async for one in sync_fleet(file, path, only=["eu"], rate_limit=None)}
        assert (again["eu"].rows, again["eu"].new_rows) == (outcomes["eu"].rows, 0)


async def test_progress_counts_accounts_and_new_rows(tmp_path):
    """Each page and each account is reported; the last report has all accounts and all rows."""
    async with Simulator() as simulator:
        simulator.behaviour.max_limit = 20
        accounts = {label: simulator.add_account(top_ups=50, days=5) for label in ("eu", "us", "bad")}
        accounts["bad"].is_revoked = True
        file = accounts_file(tmp_path / "etc", simulator, accounts)
        seen: list[FleetProgress] = []
        path = tmp_path / "ledger.sqlite"
        outcomes = [one async for one in sync_fleet(file, path, rate_limit=None, on_progress=seen.append)]
    assert seen[0] == FleetProgress(accounts=3, done=0, failed=0, rows=20)
    assert seen[-1] == FleetProgress(accounts=3, done=3, failed=1, rows=sum(one.new_rows for one in outcomes))
    assert all(one.rows <= two.rows for one, two in itertools.pairwise(seen))


async def test_one_token_of_two_organizations(tmp_path, monkeypatch):
    """Two organizations may have the same token; here, one of them does not exist."""
    async with Simulator(top_ups=1, days=3) as simulator:
        monkeypatch.setenv("CU_TOKEN", simulator.b3os_token)
        accounts = [
            f"[[account]]\nlabel = '{label}'\nsystem = 'b3os'\ntoken = 'env:CU_TOKEN'\n"
            f"base_url = '{simulator.url}'\norganization = '{organization}'\n"
            for label, organization in (("one", simulator.organization), ("two", "org_2"))
        ]
        file = tmp_path / "accounts.toml"
        file.write_text("\n".join(accounts))
        outcomes = [one async for one in sync_fleet(file, tmp_path / "ledger.sqlite")]
    assert [(one.account, type(one.error)) for one in outcomes] == [("one", type(None)), ("two", NotFoundError)]


async def test_a_ledger_that_another_sync_writes(tmp_path):
    """The account fails with advice that is possible: `sync_fleet` has no `wait_s`."""
    async with Simulator(top_ups=3, days=2) as simulator:
        file = accounts_file(tmp_path / "etc", simulator, {"eu": simulator.account})
        with Disk().locked(tmp_path / "ledger.sqlite.lock"):
            (outcome,) = [one async for one in sync_fleet(file, tmp_path / "ledger.sqlite", rate_limit=None)]
        assert isinstance(outcome.error, ExportLockedError)
        assert "is writing this file. Run the same fleet again when it has ended" in str(outcome.error)
