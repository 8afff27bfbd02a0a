"""Many accounts in one ledger."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from aiozbilling import AuthenticationError
from aiozbilling.fleet import sync_fleet
from aiozbilling.simulator import Simulator
from tests.fleet.fleets import accounts_file


async def test_accounts_of_all_systems_come_to_one_ledger(tmp_path, monkeypatch):
    """AIOZ, B3OS and metered accounts are stored under their labels, and one bad key stops none of them."""
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
