"""Each behaviour that can be set shows on the wire."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from aiozbilling.simulator import Behaviour, Simulator

TOP_UP = "/api/billing/topUp"
HISTORY = "/api/billing/historyUsage"


async def test_latency_delays_replies_side_by_side(simulator, ask):
    """Five requests at once take one latency, and are counted in flight together."""
    simulator.behaviour.latency_s = 0.3
    started = time.monotonic()
    await asyncio.gather(*(ask(TOP_UP) for _ in range(5)))
    assert time.monotonic() - started >= 0.29  # timers may fire a clock tick early
    assert simulator.peak_in_flight == 5
    assert simulator.in_flight == 0
    assert simulator.connections == 5


async def test_a_big_limit_is_clamped_or_refused(simulator, ask):
    """A clamped page is silently shorter; a refused limit is a 400."""
    simulator.behaviour.max_limit = 7
    assert len(await ask.top_up_ids("limit=1000")) == 7
    simulator.behaviour.refuse_limit_above = 100
    assert (await ask(f"{TOP_UP}?limit=101")).status == 400
    assert (await ask(f"{TOP_UP}?limit=100")).status == 200


async def test_the_order_can_be_turned_around(simulator, ask):
    """The order `oldest_first` is the reverse of `newest_first`, for both lists."""
    ids, days = simulator.top_up_ids(), simulator.history_rows()
    simulator.behaviour.order = "oldest_first"
    assert await ask.top_up_ids() == simulator.top_up_ids() == ids[::-1]
    assert (await ask(f"{HISTORY}?limit=60")).data["history_usages"] == days[::-1]


@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
async def test_the_list_grows_while_it_is_read(simulator, ask, order):
    """After each page the growing end has new rows, and the old ones keep their order."""
    simulator.behaviour.order = order
    before = simulator.top_up_ids()
    simulator.behaviour.grow_per_request = 2
    assert await ask.top_up_ids() == before
    after = await ask.top_up_ids()
    assert len(after) == 27
    assert (after[2:] if order == "newest_first" else after[:-2]) == before


async def test_days_pass_while_the_history_is_read(simulator, ask):
    """After each page of the history the next day begins, and the day before is complete."""
    simulator.behaviour.grow_days_per_request = 1
    first, second = (await ask(HISTORY)).data, (await ask(HISTORY)).data
    assert (first["total_days"], second["total_days"]) == (60, 61)
    assert second["history_usages"][1]["date"] == first["history_usages"][0]["date"]
    assert int(second["history_usages"][1]["total_amount"]) > int(first["history_usages"][0]["total_amount"])
    assert second["history_usages"][2:] == first["history_usages"][1:9]


async def test_rows_come_and_go_on_demand(simulator, ask):
    """Rows are removed by id or position and added at the growing end, without gaps."""
    ids = simulator.top_up_ids()
    assert simulator.remove_top_up(ids[3]) == ids[3]
    assert simulator.remove_top_up(0) == ids[0]
    (new,) = simulator.add_top_ups(1)
    expected = [new, *ids[1:3], *ids[4:]]
    assert await ask.top_up_ids() == simulator.top_up_ids() == expected
    assert await ask.top_up_ids("offset=2&limit=3") == expected[2:5]
    assert (await ask(TOP_UP)).data["totals"] == 24
    simulator.behaviour.order = "oldest_first"
    assert await ask.top_up_ids("offset=20") == expected[::-1][20:]
    for gone in (ids[3], "nonsense", 24, -1):
        with pytest.raises(LookupError):
            simulator.remove_top_up(gone)


async def test_rows_come_back_amid_the_list(simulator, ask):
    """A removed row can be restored to its old place, once."""
    ids = simulator.top_up_ids()
    simulator.remove_top_up(ids[9])
    simulator.restore_top_up(ids[9])
    assert await ask.top_up_ids() == ids
    with pytest.raises(LookupError):
        simulator.restore_top_up(ids[9])


async def test_rows_vanish_while_they_are_read(simulator, ask):
    """After each page some rows are gone, the same ones for the same seed, down to none."""
    before = simulator.top_up_ids()
    simulator.behaviour.remove_per_request = 10
    assert await ask.top_up_ids() == before
    after = await ask.top_up_ids()
    assert len(after) == 15
    assert after == [kept for kept in before if kept in after]
    assert [len(await ask.top_up_ids()) for _ in range(2)] == [5, 0]
    again = Simulator(seed=7, top_ups=25, days=60, behaviour=Behaviour(remove_per_request=10))
    again.account.change()
    assert again.top_up_ids() == after


async def test_totals_can_lag(simulator, ask):
    """The total is that of some changes ago, while the rows are current."""
    simulator.behaviour.total_lag = 2
    for count in (1, 2, 3):
        simulator.add_top_ups(count)
    page = (await ask(f"{TOP_UP}?limit=100")).data
    assert (page["totals"], len(page["top_up_usages"])) == (26, 31)


async def test_null_rows_stay_where_they_are(simulator, ask):
    """The same rows are null in every window, and count for the offset and the total."""
    simulator.behaviour.null_row_every = 4
    rows = simulator.top_up_rows()
    assert rows.count(None) == 6
    assert (await ask(f"{TOP_UP}?offset=2&limit=5")).data["top_up_usages"] == rows[2:7]
    assert [row["id"] for row in rows if row] == simulator.top_up_ids()
    assert None in (await ask(HISTORY)).data["history_usages"]


async def test_lists_can_be_null(simulator, ask):
    """Lists are null when they are empty, or always; so are B3OS's."""
    simulator.behaviour.null_lists = "when_empty"
    assert (await ask(f"{TOP_UP}?offset=99")).data["top_up_usages"] is None
    assert (await ask(TOP_UP)).data["top_up_usages"]
    simulator.behaviour.null_lists = "always"
    assert (await ask(TOP_UP)).data == {"totals": 25, "top_up_usages": None}
    assert (await ask(f"/v1/organizations/{simulator.organization}/cu/usage?yearMonth=2026-10")).data["daily"] is None


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("credit", {"credit"}),
        ("both", {"credit", "total_amount"}),
        ("neither", set()),
        ("total_amount", {"total_amount"}),
    ],
)
async def test_the_money_field_has_several_names(simulator, ask, field, names):
    """The value of a top-up has the names that were chosen."""
    simulator.behaviour.money_field = field
    (row,) = (await ask(f"{TOP_UP}?limit=1")).data["top_up_usages"]
    assert {"credit", "total_amount"} & set(row) == names
    assert ("event_index" in row) == (field != "credit")


async def test_money_can_be_empty(simulator):
    """Every n-th value is an empty string."""
    simulator.behaviour.empty_money_every = 5
    assert [row["total_amount"] for row in simulator.top_up_rows()].count("") == 5


async def test_times_can_have_nanoseconds(simulator):
    """Times have nine fraction digits, and days that naive rounding turns into the next day."""
    simulator.behaviour.nanoseconds = True
    assert simulator.history_rows()[0]["date"] == "2026-11-21T23:59:59.999999999Z"
    assert all(len(row["created_at"]) == len("2026-11-21T12:00:00.123456789Z") for row in simulator.top_up_rows())


async def test_undocumented_keys_can_appear(simulator, ask):
    """Rows, data and envelopes of all systems get undocumented keys."""
    usage = f"/v1/organizations/{simulator.organization}/cu/usage?yearMonth=2026-10"
    plain = [await ask(path) for path in (TOP_UP, HISTORY, "/api/billing/usage", usage)]
    simulator.behaviour.extra_keys = True
    for answer, path in zip(plain, (TOP_UP, HISTORY, "/api/billing/usage", usage), strict=True):
        assert set((await ask(path)).json) > set(answer.json)
    assert {"memo", "source"} <= set((await ask(TOP_UP)).data["top_up_usages"][0])


@pytest.mark.parametrize("code", [0, 200, 201, None])
async def test_b3os_has_several_success_codes(simulator, ask, code):
    """The code of a success is what was chosen, or is missing."""
    simulator.behaviour.b3os_success_code = code
    answer = await ask(f"/v1/organizations/{simulator.organization}/cu")
    assert answer.json.get("code") == code


@pytest.mark.parametrize(
    ("direction", "asked", "target"), [("add", TOP_UP, f"{TOP_UP}/"), ("drop", f"{TOP_UP}/", TOP_UP)]
)
async def test_one_form_of_a_path_redirects_to_the_other(simulator, ask, direction, asked, target):
    """The redirect is a 301 with an HTML body, keeps the query and needs no credentials."""
    simulator.behaviour.slash_redirect = direction
    answer = await ask(f"{asked}?limit=3&offset=1", headers={})
    assert (answer.status, answer.headers["Location"]) == (301, f"{target}?limit=3&offset=1")
    assert answer.headers["Content-Type"] == "text/html"
    assert (await ask(target)).status == 200


async def test_the_rate_limit_is_each_accounts_own(simulator, ask):
    """Requests beyond the limit get a 429 that says how long to wait; another account is served."""
    simulator.behaviour.rate_requests, simulator.behaviour.rate_per_s = 3, 0.3
    answers = [await ask(TOP_UP) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[3].headers["Retry-After"] == "1"
    assert answers[3].body == b"Too Many Requests"
    assert (await ask(TOP_UP, account=simulator.add_account())).status == 200
    await asyncio.sleep(0.3)
    assert (await ask(TOP_UP)).status == 200


async def test_retry_after_has_several_forms(simulator, ask):
    """Retry-After is seconds, a date, milliseconds, or missing."""
    simulator.behaviour.rate_requests, simulator.behaviour.rate_per_s = 1, 20_000
    await ask(TOP_UP)
    simulator.behaviour.retry_after = "http-date"
    date = parsedate_to_datetime((await ask(TOP_UP)).headers["Retry-After"])
    assert 10_000 < (date - datetime.now(UTC)).total_seconds() <= 20_001
    simulator.behaviour.retry_after = "ms"
    assert 10_000_000 < int((await ask(TOP_UP)).headers["retry-after-ms"]) <= 20_000_000
    simulator.behaviour.retry_after = "none"
    assert not [name for name in (await ask(TOP_UP)).headers if name.lower().startswith("retry")]


@pytest.mark.parametrize(
    ("body", "kind"), [("text", "text/plain"), ("json", "application/json"), ("html", "text/html")]
)
async def test_a_429_has_several_bodies(simulator, ask, body, kind):
    """The body of a 429 is what was chosen."""
    simulator.behaviour.rate_requests, simulator.behaviour.rate_limit_body = 1, body
    await ask(TOP_UP)
    assert (await ask(TOP_UP)).headers["Content-Type"].startswith(kind)


def test_wrong_settings_are_refused():
    """Misspelt fields and impossible values are refused."""
    with pytest.raises(ValueError, match="order"):
        Behaviour(order="sideways")
    behaviour = Behaviour()
    with pytest.raises(AttributeError):
        behaviour.latency = 1
    with pytest.raises(ValueError, match="max_limit"):
        behaviour.max_limit = 0
    with pytest.raises(AttributeError):
        Simulator().behaviour = behaviour
