"""The simulated time: fixed, moved ahead, or running; and what depends on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aiozbilling.simulator import Behaviour, Simulator

HISTORY = "/api/billing/historyUsage"


async def test_a_clock_can_be_injected(ask):
    """With a function for `now` the simulated time runs as that function says, and `advance` adds to it."""
    moments = [datetime(2026, 3, 1, tzinfo=UTC)]
    async with Simulator(accounts=2, top_ups=3, days=10, now=lambda: moments[0]) as simulator:
        moments[0] += timedelta(days=2)
        ask.simulator = simulator
        for account in simulator.accounts:
            page = (await ask(HISTORY, account=account)).data
            assert page["total_days"] == 12
            assert page["history_usages"][0]["date"] == "2026-03-03T00:00:00Z"
        assert simulator.advance(days=1) == datetime(2026, 3, 4, tzinfo=UTC)
        assert (await ask(HISTORY)).data["total_days"] == 13
        simulator.add_top_ups()
        assert simulator.top_up_rows()[0]["created_at"] > "2026-03-04"


async def test_weeks_pass_for_every_account():
    """Fifteen simulated weeks with deposits each week: rows of every account are dated in the week they came in."""
    simulator = Simulator(accounts=3, top_ups=0, days=1, now=datetime(2026, 1, 5, tzinfo=UTC))
    for week in range(15):
        for number, account in enumerate(simulator.accounts):
            account.add_top_ups(number + 1)
        monday = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(weeks=week)
        for number, account in enumerate(simulator.accounts):
            newest = account.top_up_rows()[: number + 1]
            assert {row["created_at"][:10] for row in newest} == {f"{monday:%Y-%m-%d}"}
        simulator.advance(days=7)
    assert [len(account.history_rows()) for account in simulator.accounts] == [106] * 3
    assert [len(account.top_ups) for account in simulator.accounts] == [15, 30, 45]


async def test_deposits_are_credited_later():
    """With `credit_after_s` a new deposit is uncredited and worth 0 until that time has passed."""
    simulator = Simulator(top_ups=5, behaviour=Behaviour(credit_after_s=3600))
    (new,) = simulator.add_top_ups()
    row = simulator.top_up_rows()[0]
    assert (row["id"], row["status"], row["total_amount"]) == (new, False, "0")
    assert row["updated_at"] == "0001-01-01T00:00:00Z"
    simulator.advance(seconds=3602)
    later = simulator.top_up_rows()[0]
    assert later["status"] is True
    assert int(later["total_amount"]) > 0
    assert {name for name in row if row[name] != later[name]} == {"status", "total_amount", "updated_at"}
    assert all(row["status"] for row in simulator.top_up_rows())


async def test_a_deposit_can_be_credited_by_hand():
    """An uncredited deposit is credited at the present simulated time, by id or by position."""
    simulator = Simulator(top_ups=100)
    waiting = [row["id"] for row in simulator.top_up_rows() if not row["status"]]
    assert waiting
    simulator.advance(days=1)
    assert simulator.account.credit_top_up(waiting[0]) == waiting[0]
    row = next(row for row in simulator.top_up_rows() if row["id"] == waiting[0])
    assert row["status"] is True
    assert int(row["total_amount"]) > 0
    assert row["updated_at"] == "2026-11-22T12:00:00Z"
    assert simulator.account.credit_top_up(0) == simulator.top_up_ids()[0]
    with pytest.raises(LookupError):
        simulator.account.credit_top_up("nonsense")
