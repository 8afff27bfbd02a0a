"""What is new or corrected in a list since it was last read."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from aiozbilling import AiozBilling, DayUsage, DriftError, IncompleteError, TopUp
from aiozbilling.fleet.changes import Changes, Place
from aiozbilling.simulator import Simulator
from tests.marks import slow
from tests.simulated import client_of

ORDERS = ("newest_first", "oldest_first")


async def read(billing: AiozBilling, since: Place | None, **options: Any) -> tuple[list[str], Place]:
    changes = Changes(billing.top_ups, TopUp, since, **options)
    ids = [row.id async for rows in changes.rows() for row in rows]
    return ids, Place.from_dict(json.loads(json.dumps(changes.place.as_dict())))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [0, 1, 130, *(pytest.param(size, marks=pytest.mark.slow) for size in (5, 300))])
@pytest.mark.parametrize("limit", [10, *slow(None, 64)])
async def test_a_second_reading_returns_new_rows(order, size, limit):
    """The first reading returns all rows, later ones only new rows, wherever blocks and pages end."""
    async with Simulator(top_ups=size) as simulator, client_of(simulator) as billing:
        simulator.behaviour.order, simulator.behaviour.max_limit = order, limit
        ids, place = await read(billing, None)
        assert sorted(ids) == sorted(simulator.top_up_ids())
        for new in (0, 1, 70, 0, 3):
            added = simulator.add_top_ups(new)
            ids, place = await read(billing, place)
            assert set(ids) >= set(added)
            # With one row, the growing end is unknown, and the row may be returned again.
            assert size < 2 or sorted(ids) == sorted(added)


@pytest.mark.parametrize("order", [ORDERS[0], *slow(ORDERS[1])])
async def test_nothing_new_takes_one_request(order):
    """A list without new rows takes one request."""
    async with Simulator(top_ups=5000) as simulator, client_of(simulator) as billing:
        simulator.behaviour.order = order
        _, place = await read(billing, None)
        simulator.requests.clear()
        assert (await read(billing, place))[0] == []
        assert len(simulator.requests) == 1


@pytest.mark.parametrize("order", [ORDERS[0], *slow(ORDERS[1])])
async def test_a_corrected_row_is_returned_again(order):
    """A recent row that was credited later is returned again, and an old one with `full`."""
    async with Simulator(top_ups=3000) as simulator, client_of(simulator) as billing:
        simulator.behaviour.order, simulator.behaviour.credit_after_s, simulator.behaviour.max_limit = order, 1, 100
        for depth, full in ((40, False), (1500, True)):
            simulator.add_top_ups(3000 if full else 0)
            _, place = await read(billing, None)
            credited = simulator.account.credit_top_up(
                depth if order == "newest_first" else len(simulator.top_up_ids()) - 1 - depth
            )
            ids, place = await read(billing, place, full=full)
            assert credited in ids
            assert len(ids) <= 64 if not full else len(ids) <= 3000
            assert (await read(billing, place))[0] == []


@pytest.mark.parametrize("orders", [ORDERS, ORDERS[::-1]])
async def test_new_rows_of_a_list_whose_order_was_reversed(orders):
    """A list that the server reversed is read whole: the new rows at its other end are not missed."""
    async with Simulator(top_ups=2000) as simulator, client_of(simulator) as billing:
        simulator.behaviour.max_limit = 100
        place = None
        for order in (*orders, orders[0]):
            simulator.behaviour.order = order
            added = simulator.add_top_ups(2)
            ids, place = await read(billing, place)
            assert set(ids) >= set(added)
            simulator.add_top_ups(3)
            ids, place = await read(billing, place)
            assert len(ids) == 3


@pytest.mark.parametrize("order", ORDERS)
async def test_a_row_that_appears_in_the_middle_is_returned(order):
    """An old row that was added since, far from the growing end, is found by the count."""
    async with Simulator(top_ups=2000) as simulator, client_of(simulator) as billing:
        simulator.behaviour.order, simulator.behaviour.max_limit = order, 100
        old = simulator.remove_top_up(1000)
        _, place = await read(billing, None)
        simulator.account.restore_top_up(old)
        new = simulator.add_top_ups(2)
        ids, place = await read(billing, place)
        assert {old, *new} <= set(ids)
        assert (await read(billing, place))[0] == []


async def test_todays_row_is_returned_again():
    """The current day of the history changes and is returned again together with a new day."""
    async with Simulator(days=300) as simulator, client_of(simulator) as billing:
        first = Changes(billing.history_usage, DayUsage, None)
        assert len([row async for rows in first.rows() for row in rows]) == 300
        same = Changes(billing.history_usage, DayUsage, first.place)
        assert [rows async for rows in same.rows()] == []
        simulator.advance(days=1)
        second = Changes(billing.history_usage, DayUsage, same.place)
        days = {row.date.date() async for rows in second.rows() for row in rows}
        assert {simulator.now.date()} < days


async def test_another_accounts_list_is_refused():
    """A list that has no row in common with the one that was read before is refused."""
    async with Simulator(top_ups=300) as simulator, client_of(simulator) as billing:
        other = simulator.add_account(top_ups=300)
        _, place = await read(billing, None)
        async with client_of(simulator, other) as others:
            with pytest.raises(DriftError):
                await read(others, place)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [20, 300])
async def test_a_list_that_became_empty_is_an_error(order, size):
    """A list that had rows and is empty now is an error, not a list without changes."""
    async with Simulator(top_ups=size) as simulator, client_of(simulator) as billing:
        simulator.behaviour.order = order
        _, place = await read(billing, None)
        for _ in range(size):
            simulator.remove_top_up(0)
        with pytest.raises(IncompleteError, match=f"had {size} rows, and has none now"):
            await read(billing, place)


async def test_new_rows_of_a_list_that_became_far_shorter():
    """A list that is shorter now than the offset of a reading is read from its beginning: no new row is missed."""
    async with Simulator(top_ups=300) as simulator, client_of(simulator) as billing:
        simulator.behaviour.order = "oldest_first"
        _, place = await read(billing, None)
        for _ in range(200):
            simulator.remove_top_up(0)
        added = simulator.add_top_ups(3)
        ids, _ = await read(billing, place)
        assert set(ids) >= set(added)


@pytest.mark.parametrize("order", [ORDERS[0], *slow(ORDERS[1])])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
async def test_no_row_is_lost_under_change(order, seed):
    """Whatever is added or removed between and during readings, a destination that merges by key has every row."""
    choose = random.Random(f"{order} {seed}")
    async with Simulator(top_ups=choose.choice((0, 90, 400))) as simulator, client_of(simulator) as billing:
        simulator.behaviour.order, simulator.behaviour.max_limit = order, choose.choice((20, 64, 100, 1000))
        stored: set[str] = set()
        place = None
        for _ in range(6):
            simulator.behaviour.grow_per_request = choose.choice((0, 0, 1, 3))
            for _ in range(min(choose.choice((0, 0, 2, 40)), len(simulator.top_up_ids()) // 2)):
                simulator.remove_top_up(choose.randrange(len(simulator.top_up_ids())))
            simulator.add_top_ups(choose.choice((0, 5, 150)))
            ids, place = await read(billing, place)
            stored |= set(ids)
        simulator.behaviour.grow_per_request = 0
        ids, place = await read(billing, place)
        assert stored | set(ids) >= set(simulator.top_up_ids())
