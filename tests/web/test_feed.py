"""Feeds: one poll for all subscribers, replay after a row, heartbeats, slow subscribers, and the end."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from aiozbilling import AuthenticationError, ConfigurationError, FeedError
from aiozbilling.web import Feed, row_id

FAST = 0.02


async def rows_of(subscription, count):
    """Return the next rows, without heartbeats."""
    rows = []
    async with asyncio.timeout(10):
        async for row in subscription:
            if row is not None:
                rows.append(row)
            if len(rows) == count:
                break
    return [row.id for row in rows]


async def until_polled(simulator, times=1):
    """Wait until the list was asked so many times more."""
    asked = len(simulator.requests)
    async with asyncio.timeout(10):
        while len(simulator.requests) < asked + times or simulator.in_flight:
            await asyncio.sleep(0.005)


async def begun(feed):
    """Wait until a feed knows the rows that are old."""
    async with asyncio.timeout(10):
        while feed.listing.cursor is None:
            await asyncio.sleep(0.005)


async def test_every_subscriber_gets_every_new_row(simulator, billing):
    """Thirty subscribers get the same rows in order, with one poll at a time."""
    async with Feed(billing.top_ups(), every_s=FAST) as feed:
        await begun(feed)
        subscriptions = [feed.subscribe() for _ in range(30)]
        new = simulator.add_top_ups(3)
        got = await asyncio.gather(*(rows_of(one, 3) for one in subscriptions))
    assert got == [new] * 30
    assert simulator.peak_in_flight == 1


async def test_a_reconnect_gets_exactly_what_was_missed(simulator, billing):
    """A subscription after a row returns the rows after it and then new ones, each exactly once."""
    async with Feed(billing.top_ups(), every_s=FAST) as feed:
        await begun(feed)
        first = feed.subscribe()
        new = simulator.add_top_ups(5)
        assert await rows_of(first, 2) == new[:2]
        await until_polled(simulator, 2)
        again = feed.subscribe(after=new[1])
        later = simulator.add_top_ups(2)
        assert await rows_of(again, 5) == new[2:] + later
        nothing_missed = feed.subscribe(after=later[-1])
        last = simulator.add_top_ups(1)
        assert await rows_of(nothing_missed, 1) == last


async def test_a_subscription_begins_when_it_is_made(simulator, billing):
    """A row that appears before the first read of a subscription is not lost."""
    async with Feed(billing.top_ups(), every_s=FAST) as feed:
        await begun(feed)
        subscription = feed.subscribe()
        new = simulator.add_top_ups(1)
        await until_polled(simulator, 3)
        assert await rows_of(subscription, 1) == new


async def test_an_unknown_row_is_refused(simulator, billing):
    """An id of a row that is no longer stored, or never existed, is refused at once."""
    async with Feed(billing.top_ups(), every_s=FAST, keep=2) as feed:
        await begun(feed)
        subscription = feed.subscribe()
        new = simulator.add_top_ups(3)
        assert await rows_of(subscription, 3) == new
        for unknown in (new[0], "nonsense", ""):
            with pytest.raises(FeedError, match="latest"):
                feed.subscribe(after=unknown)
        assert await rows_of(feed.subscribe(after=new[1]), 1) == new[2:]


async def test_a_burst_of_rows_reaches_subscribers_that_keep_up(simulator, billing):
    """If a poll returns more rows than are stored, subscribers that keep up lose none."""
    async with Feed(billing.top_ups(), every_s=FAST, keep=10) as feed:
        await begun(feed)
        readers = [asyncio.create_task(rows_of(feed.subscribe(), 80)) for _ in range(5)]
        await asyncio.sleep(0.01)
        new = simulator.add_top_ups(80)
        assert await asyncio.gather(*readers) == [new] * 5


async def test_a_lagging_subscriber_gets_an_error(simulator, billing):
    """A subscriber that reads too slowly gets an error with the number of missed rows; memory stays bounded."""
    async with Feed(billing.top_ups(), every_s=FAST, keep=4) as feed:
        await begun(feed)
        slow, quick = feed.subscribe(), feed.subscribe()
        new = simulator.add_top_ups(3)
        assert await rows_of(quick, 3) == new
        later = simulator.add_top_ups(3)
        assert await rows_of(feed.subscribe(after=new[-1]), 3) == later
        with pytest.raises(FeedError, match="missed 2 rows"):
            await anext(slow)
        assert len(feed._kept) == 4


async def test_a_quiet_feed_sends_heartbeats(simulator, billing):
    """Without rows a subscriber gets None every `heartbeat_s`."""
    async with Feed(billing.top_ups(), every_s=5, heartbeat_s=0.01) as feed:
        async with aclosing(feed.subscribe()) as subscription:
            assert [await anext(subscription) for _ in range(3)] == [None] * 3


async def test_a_revoked_key_ends_the_feed_with_the_error(simulator, billing):
    """All subscribers get the 401, and so do later ones; each gets a copy of its own."""
    async with Feed(billing.top_ups(), every_s=FAST) as feed:
        await begun(feed)
        subscriptions = [feed.subscribe() for _ in range(3)]
        simulator.account.is_revoked = True
        errors = await asyncio.gather(*(rows_of(one, 1) for one in subscriptions), return_exceptions=True)
        assert [type(error) for error in errors] == [AuthenticationError] * 3
        assert len({id(error) for error in errors}) == 3
        assert isinstance(feed.error, AuthenticationError)
        with pytest.raises(AuthenticationError):
            feed.subscribe()


async def test_a_feed_continues_after_an_outage(simulator, billing):
    """After an outage of the provider, no row and no subscriber is lost."""
    async with Feed(billing.top_ups(), every_s=FAST) as feed:
        await begun(feed)
        subscription = feed.subscribe()
        simulator.fail("http-500", times=2)
        new = simulator.add_top_ups(1)
        assert await rows_of(subscription, 1) == new


async def test_closing_ends_the_subscriptions(simulator, billing, tasks_left):
    """After `close` subscriptions end without an error, no task is left, and there are no new subscriptions."""
    feed = Feed(billing.top_ups(), every_s=FAST)
    feed.start()
    await begun(feed)
    readers = [asyncio.create_task(rows_of(feed.subscribe(), 1)) for _ in range(3)]
    await asyncio.sleep(0.01)
    await feed.close()
    assert await asyncio.gather(*readers) == [[], [], []]
    with pytest.raises(ConfigurationError, match="not running"):
        feed.subscribe()
    await feed.close()
    assert await tasks_left() == []


async def test_subscribers_can_leave(simulator, billing, tasks_left):
    """Cancelled and closed subscriptions leave no task, and the others still get their rows."""
    async with Feed(billing.top_ups(), every_s=FAST) as feed:
        await begun(feed)
        stays = feed.subscribe()
        leaving = [asyncio.create_task(rows_of(feed.subscribe(), 1)) for _ in range(5)]
        await asyncio.sleep(0.01)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        new = simulator.add_top_ups(1)
        assert await rows_of(stays, 1) == new
    assert await tasks_left() == []


async def test_a_feed_can_go_on_after_a_restart(simulator, billing):
    """A feed that starts after the cursor of an earlier one returns the rows in between."""
    async with Feed(billing.top_ups(), every_s=FAST) as feed:
        await begun(feed)
        cursor = str(feed.listing.cursor)
    new = simulator.add_top_ups(2)
    async with Feed(billing.top_ups(after=cursor), every_s=FAST) as feed:
        assert await rows_of(feed.subscribe(), 2) == new


async def test_a_feed_that_never_began(billing):
    """A feed must be started; one that never was can be closed."""
    feed = Feed(billing.top_ups())
    with pytest.raises(ConfigurationError, match="async with"):
        feed.subscribe()
    await feed.close()
    await feed.close()


@pytest.mark.parametrize("wrong", [{"keep": 0}, {"heartbeat_s": -1}, {"every_s": 0}, {"keep": "many"}])
def test_wrong_numbers_are_refused(billing, wrong):
    """Each setting must be a positive number."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Feed(billing.top_ups(), **wrong)


async def test_days_have_ids_too(simulator, billing):
    """A day's id is its date, a top-up's the provider's id."""
    day = (await billing.history_usage(max_items=1)).items[0]
    top_up = (await billing.top_ups(max_items=1)).items[0]
    assert (row_id(day), row_id(top_up)) == ("2026-11-21", simulator.top_up_ids()[0])


async def test_another_event_loop_is_refused(billing):
    """A subscription that is read in another event loop raises an error, since nothing would wake it."""
    async with Feed(billing.top_ups(), every_s=FAST) as feed:
        with pytest.raises(ConfigurationError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, rows_of(feed.subscribe(), 1))


@pytest.mark.parametrize("keep", [0, 2.5, True, float("inf"), None])
async def test_wrong_numbers_of_rows_are_refused(keep, billing):
    """The number of kept rows must be a whole number of at least 1."""
    with pytest.raises(ConfigurationError, match="keep must be a whole number"):
        Feed(billing.top_ups(), keep=keep)
