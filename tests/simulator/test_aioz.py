"""AIOZ's three endpoints answer as the provider's pages say."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from aiozbilling.simulator import Simulator

TOP_UP = "/api/billing/topUp"
HISTORY = "/api/billing/historyUsage"
MONTH = "/api/billing/thisMonthUsage"


@pytest.mark.parametrize("path", [TOP_UP, HISTORY, MONTH])
async def test_each_documented_path_answers_with_and_without_a_slash(ask, path):
    """Both forms of a path give the same success."""
    plain, slashed = await ask(path), await ask(path + "/")
    assert plain.status == slashed.status == 200
    assert plain.json == slashed.json
    assert plain.json["status"] == "success"


async def test_lists_begin_at_0_and_hold_10_rows_by_default(simulator, ask):
    """Without parameters a page holds the first ten rows, and the total counts all of them."""
    top_ups, days = (await ask(TOP_UP)).data, (await ask(HISTORY)).data
    assert (top_ups["totals"], top_ups["top_up_usages"]) == (25, simulator.top_up_rows()[:10])
    assert (days["total_days"], days["history_usages"]) == (60, simulator.history_rows()[:10])


async def test_offset_and_limit_cut_a_window(simulator, ask):
    """A page has the requested rows, and is short or empty at the end of the list."""
    ids = simulator.top_up_ids()
    assert await ask.top_up_ids("offset=3&limit=4") == ids[3:7]
    assert await ask.top_up_ids("offset=20&limit=10") == ids[20:]
    assert await ask.top_up_ids("offset=25") == []
    assert await ask.top_up_ids("limit=0") == []


@pytest.mark.parametrize("query", ["limit=-1", "offset=-1", "limit=x", "offset=1.5", "limit=", "limit=1e3", "limit=٣"])
async def test_a_wrong_offset_or_limit_is_refused(ask, query):
    """An offset or limit that is not a natural number is a 400 in AIOZ's envelope."""
    for path in (TOP_UP, HISTORY):
        answer = await ask(f"{path}?{query}")
        assert answer.status == 400
        assert answer.json == {"status": "fail", "message": f"invalid {query.split('=')[0]}"}


async def test_a_top_up_has_the_documented_fields_in_real_forms(simulator, ask):
    """Hashes, addresses, amounts and times look like those of the real service."""
    rows = (await ask(f"{TOP_UP}?limit=25")).data["top_up_usages"]
    for row in rows:
        assert set(row) == {
            *("cosmos_tx_hash", "event_index", "evm_tx_hash", "id", "sender", "recipient", "block_number"),
            *("status", "amount", "total_amount", "created_at", "updated_at"),
        }
        assert re.fullmatch("[0-9A-F]{64}", row["cosmos_tx_hash"])
        assert re.fullmatch("(0x[0-9a-f]{64})?", row["evm_tx_hash"])
        assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}", row["id"])
        assert re.fullmatch("aioz1[02-9ac-hj-np-z]{38}", row["sender"])
        assert row["amount"]["denom"] == "attoaioz"
        assert int(row["amount"]["amount"]) > 0
        assert int(row["total_amount"]) >= 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", row["created_at"])
        assert isinstance(row["block_number"], int)
    assert max(int(row["amount"]["amount"]) for row in rows) > 2**64
    assert len({row["recipient"] for row in rows}) == 1


async def test_top_ups_come_newest_first_and_end_before_now(simulator):
    """The list is ordered by time, strictly, and lies within the account's days."""
    times = [datetime.fromisoformat(row["created_at"]) for row in simulator.top_up_rows()]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == len(times)
    assert times[0] <= simulator.now
    assert (simulator.now - times[-1]).days <= 60


async def test_this_month_adds_up_with_the_history(simulator, ask):
    """The month's costs and bytes are the sums of the days of the month."""
    month = (await ask(f"{MONTH}?offset=5&limit=1")).data
    days = [day for day in simulator.history_rows() if day["date"] >= "2026-11-01"]
    assert len(days) == 21
    assert int(month["storage_cost"]) + int(month["bandwidth_cost"]) == sum(int(day["total_amount"]) for day in days)
    assert month["bandwidth_usage"] == sum(day["total_bandwidth"] for day in days)
    assert month["total_storage"] == days[0]["total_storage"]


async def test_the_history_has_one_row_for_each_day_up_to_today(simulator):
    """Dates go back day by day from the simulated today."""
    dates = [datetime.fromisoformat(row["date"]) for row in simulator.history_rows()]
    assert dates[0] == datetime(2026, 11, 21, tzinfo=UTC)
    assert {(later - earlier).days for later, earlier in pairwise(dates)} == {1}


async def test_a_key_pair_or_a_token_is_needed(simulator, ask):
    """Both kinds of credentials work; anything else is a 401 in JSON."""
    assert (await ask(MONTH, headers={"Authorization": f"Bearer {simulator.token}"})).status == 200
    for headers in (
        {},
        {"pinning_api_key": simulator.api_key},
        {"pinning_api_key": simulator.api_key, "pinning_secret_key": "wrong"},
        {"Authorization": f"Bearer {simulator.b3os_token}"},
        {"Authorization": simulator.token},
    ):
        answer = await ask(MONTH, headers=headers)
        assert answer.status == 401
        assert answer.json == {"status": "fail", "message": "invalid credentials"}


def test_keys_hold_the_awkward_base64_characters():
    """Every key has `+`, `/` and `=` in it, so that a client that mangles them fails."""
    for seed in range(20):
        simulator = Simulator(seed=seed)
        for key in (simulator.api_key, simulator.secret_key):
            assert {"+", "/", "="} <= set(key)
            base64.b64decode(key, validate=True)


async def test_unknown_paths_and_methods_are_refused(ask):
    """A wrong path is a 404 in plain text, a wrong method a 405."""
    answer = await ask("/api/billing/nothing")
    assert (answer.status, answer.body) == (404, b"404 page not found")
    assert (await ask("/api/billing//topUp")).status == 404
    assert (await ask(TOP_UP, method="POST")).status == 405


async def test_accounts_have_rows_and_credentials_of_their_own(simulator, ask):
    """Another account's key opens another list."""
    other = simulator.add_account(top_ups=3, days=2)
    page = (await ask(TOP_UP, account=other)).data
    assert page["totals"] == 3
    assert page["top_up_usages"] == other.top_up_rows()
    assert not set(other.top_up_ids()) & set(simulator.top_up_ids())
    mixed = {"pinning_api_key": simulator.api_key, "pinning_secret_key": other.secret_key}
    assert (await ask(TOP_UP, headers=mixed)).status == 401


async def test_an_account_without_days_has_an_empty_month(simulator, ask):
    """An account without rows has empty lists and sums of zero."""
    empty = simulator.add_account()
    assert (await ask(HISTORY, account=empty)).data == {"total_days": 0, "history_usages": []}
    assert (await ask(MONTH, account=empty)).data["storage_cost"] == "0"
