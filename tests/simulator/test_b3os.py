"""B3OS's compute units answer as the provider's page says."""

from __future__ import annotations

import pytest


async def test_a_month_is_answered_in_the_documented_envelope(simulator, ask):
    """Days, breakdown and summary add up, as floats do."""
    answer = await ask(f"/v1/organizations/{simulator.organization}/cu/usage?yearMonth=2026-10")
    assert answer.json["code"] == 0
    assert answer.json["message"] == "successfully"
    assert answer.json["requestId"].startswith("req_")
    assert answer.data["yearMonth"] == "2026-10"
    daily = answer.data["daily"]
    assert [day["date"] for day in daily] == [f"2026-10-{number:02d}" for number in range(1, 32)]
    for day in daily:
        assert day["used"] == pytest.approx(sum(line["cu"] for line in day["breakdown"]), rel=1e-12)
        assert {line["type"] for line in day["breakdown"]} <= {"trigger", "action"}
    assert answer.data["summary"]["used"] == pytest.approx(sum(day["used"] for day in daily), rel=1e-12)


async def test_numbers_are_written_as_go_writes_them(simulator, ask):
    """The reply holds the floats that naive clients misread, and whole numbers without a point."""
    body = (await ask(f"/v1/organizations/{simulator.organization}/cu/usage?yearMonth=2026-10")).body
    assert b"0.30000000000000004" in body
    assert b"1e-07" in body
    assert b".0," not in body


async def test_the_current_month_ends_today_and_the_future_is_empty(simulator, ask):
    """Days in the future are not in the list."""
    path = f"/v1/organizations/{simulator.organization}/cu/usage?yearMonth="
    assert len((await ask(path + "2026-11")).data["daily"]) == 21
    assert (await ask(path + "2027-01")).data["daily"] == []


@pytest.mark.parametrize("query", ["", "?yearMonth=", "?yearMonth=2026-13", "?yearMonth=2026-1", "?yearMonth=0000-01"])
async def test_a_wrong_month_is_refused(simulator, ask, query):
    """A missing or impossible month is a 400 whose code begins with the status."""
    answer = await ask(f"/v1/organizations/{simulator.organization}/cu/usage{query}")
    assert answer.status == 400
    assert answer.json["code"] == 400228
    assert answer.json["details"] == []


async def test_other_organizations_are_not_visible(simulator, ask):
    """The organization of another account is a 404, even with a valid token."""
    other = simulator.add_account()
    for path in ("cu", "cu/usage?yearMonth=2026-10"):
        answer = await ask(f"/v1/organizations/{other.organization}/{path}")
        assert (answer.status, answer.json["code"] // 1000) == (404, 404)
        assert (await ask(f"/v1/organizations/{other.organization}/{path}", account=other)).status == 200


async def test_a_token_is_needed(simulator, ask):
    """Without the bearer token the answer is a 401 in B3OS's envelope."""
    answer = await ask(f"/v1/organizations/{simulator.organization}/cu", headers={})
    assert (answer.status, answer.json["code"]) == (401, 401001)


async def test_the_balance_is_what_was_given_less_what_was_used(simulator, ask):
    """The neighbour endpoint agrees with the month's summary."""
    base = f"/v1/organizations/{simulator.organization}/cu"
    balance, summary = (await ask(base)).data, (await ask(base + "/usage?yearMonth=2026-11")).data["summary"]
    assert balance["balance"] == pytest.approx(summary["deposited"] + summary["granted"] - summary["used"])
    assert balance["minThreshold"] == 100
