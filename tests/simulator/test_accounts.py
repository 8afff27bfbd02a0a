"""Several accounts: credentials, rows, behaviour and faults of their own."""

from __future__ import annotations

import pytest

from aiozbilling.simulator import Behaviour, Simulator

TOP_UP = "/api/billing/topUp"
USAGE = "/api/billing/usage"


async def test_accounts_differ_in_everything(ask):
    """Three accounts of one simulator share no key, no row and no figure, and are the same for the same seed."""
    first, again = Simulator(seed=5, accounts=3, top_ups=20), Simulator(seed=5, accounts=3, top_ups=20)
    assert len({key for account in first.accounts for key in account.credentials.signatures()}) == 12
    assert len({account.organization for account in first.accounts}) == 3
    assert len({row_id for account in first.accounts for row_id in account.top_up_ids()}) == 60
    assert len({str(account.month()) for account in first.accounts}) == 3
    for one, two in zip(first.accounts, again.accounts, strict=True):
        assert one.credentials == two.credentials
        assert one.top_up_rows() == two.top_up_rows()
    assert [account.name for account in first.accounts] == ["account-1", "account-2", "account-3"]


async def test_each_account_gets_its_own_rows(simulator, ask):
    """A request is answered with the rows of the account that signed it, and is recorded with that account."""
    other = simulator.add_account(top_ups=3, days=4)
    mine = (await ask(TOP_UP)).data
    theirs = (await ask(TOP_UP, account=other)).data
    assert (mine["totals"], theirs["totals"]) == (25, 3)
    assert [row["id"] for row in theirs["top_up_usages"]] == other.top_up_ids()
    assert [request.account for request in simulator.requests] == [simulator.account, other]
    assert (await ask(TOP_UP, headers={"pinning_api_key": "nobody"})).status == 401
    assert simulator.requests[-1].account is None


async def test_the_keys_of_two_accounts_cannot_be_mixed(simulator, ask):
    """One account's key with another's secret is refused, and so is a token on another system."""
    other = simulator.add_account()
    mixed = {"pinning_api_key": simulator.api_key, "pinning_secret_key": other.secret_key}
    assert (await ask(TOP_UP, headers=mixed)).status == 401
    assert (await ask(USAGE, headers={"Authorization": f"Bearer {other.token}"})).status == 401


async def test_an_account_can_behave_in_its_own_way(simulator, ask):
    """An account with its own behaviour has its own rate limit, order and null rows; the others are as before."""
    behaviour = Behaviour(rate_requests=1, order="oldest_first", extra_keys=True, null_row_every=2)
    other = simulator.add_account(top_ups=4, behaviour=behaviour)
    page = (await ask(TOP_UP, account=other)).data
    assert [row and row["id"] for row in page["top_up_usages"]] == [row and row["id"] for row in other.top_up_rows()]
    assert page["top_up_usages"][1] is page["top_up_usages"][3] is None
    assert "next" in page
    assert (await ask(TOP_UP, account=other)).status == 429
    assert "next" not in (await ask(TOP_UP)).data
    assert (await ask(TOP_UP)).status == 200


async def test_a_revoked_account_is_refused(simulator, ask):
    """After `is_revoked` is set every system answers 401 to that account only."""
    other = simulator.add_account()
    other.is_revoked = True
    for path in (TOP_UP, USAGE, f"/v1/organizations/{other.organization}/cu"):
        assert (await ask(path, account=other)).status == 401
    assert (await ask(TOP_UP)).status == 200


async def test_a_fault_can_be_one_accounts(simulator, ask):
    """A fault planned for an account leaves the others alone."""
    other = simulator.add_account(top_ups=1)
    simulator.fail("http-503", account=other)
    assert (await ask(TOP_UP)).status == 200
    assert (await ask(TOP_UP, account=other)).status == 503
    assert (await ask(TOP_UP, account=other)).status == 200


def test_there_is_at_least_one_account():
    """A simulator without accounts is refused."""
    with pytest.raises(ValueError, match="at least 1"):
        Simulator(accounts=0)
