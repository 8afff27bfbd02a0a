"""A feed as server-sent events."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import attrs
import pytest

from aiozbilling import AuthenticationError, TopUp, to_dict
from aiozbilling.web import Feed, event_stream
from tests.web.test_feed import FAST, begun, until_polled

CONNECTED = b": connected\n\n"
RESET = b"event: reset\nid:\ndata:\n\n"


def fields(event: bytes) -> dict[str, str]:
    """Read an event as a browser does."""
    assert event.endswith(b"\n\n")
    assert event.count(b"\n\n") == 1
    return dict(line.split(": ", 1) for line in event.decode().strip().split("\n"))


async def test_each_row_is_an_event(simulator, billing):
    """An event has the row's id, its name is `row` and its data the row's JSON on one line."""
    async with Feed(billing.top_ups(), every_s=FAST) as feed:
        await begun(feed)
        async with aclosing(event_stream(feed)) as events:
            assert await anext(events) == CONNECTED
            new = simulator.add_top_ups(2)
            found = [fields(await anext(events)) for _ in new]
        rows = (await billing.top_ups(max_items=2)).items[::-1]
    assert [(event["event"], event["id"]) for event in found] == [("row", identifier) for identifier in new]
    assert [json.loads(event["data"]) for event in found] == [to_dict(row) for row in rows]


async def test_a_reconnect_gets_what_was_missed(simulator, billing):
    """With Last-Event-ID, the missed rows are sent first; for an unknown id, a reset is sent, and then new rows."""
    async with Feed(billing.top_ups(), every_s=FAST) as feed:
        await begun(feed)
        new = simulator.add_top_ups(3)
        await until_polled(simulator, 2)
        async with aclosing(event_stream(feed, new[0])) as events:
            assert await anext(events) == CONNECTED
            assert [fields(await anext(events))["id"] for _ in range(2)] == new[1:]
        async with aclosing(event_stream(feed, "long ago")) as events:
            assert await anext(events) == RESET
            (last,) = simulator.add_top_ups(1)
            assert fields(await anext(events))["id"] == last
        async with aclosing(event_stream(feed, "")) as events:
            assert await anext(events) == CONNECTED


async def test_a_page_that_falls_behind_is_reset(simulator, billing):
    """A page that missed rows gets a reset event, which makes it forget its last id."""
    async with Feed(billing.top_ups(), every_s=FAST, keep=2) as feed:
        await begun(feed)
        async with aclosing(event_stream(feed)) as events:
            await anext(events)
            simulator.add_top_ups(9)
            await until_polled(simulator, 3)
            await asyncio.sleep(0.3)
            assert [event async for event in events] == [RESET]


async def test_a_quiet_stream_is_kept_open(billing):
    """Heartbeats are comments, which browsers ignore."""
    async with Feed(billing.top_ups(), every_s=5, heartbeat_s=0.01) as feed:
        async with aclosing(event_stream(feed)) as events:
            await anext(events)
            assert await anext(events) == b": heartbeat\n\n"


async def test_the_end_of_a_feed_is_an_event(simulator, billing):
    """A revoked key ends the stream with problem details and keeps the page's last id; a new stream fails at once."""
    async with Feed(billing.top_ups(), every_s=FAST) as feed:
        await begun(feed)
        events = event_stream(feed)
        await anext(events)
        simulator.account.is_revoked = True
        (event,) = [event async for event in events]
        assert fields(event)["event"] == "problem"
        assert json.loads(fields(event)["data"])["code"] == "provider-credentials"
        assert "id" not in fields(event)
        with pytest.raises(AuthenticationError):
            event_stream(feed)


async def test_a_hostile_id_adds_no_field(simulator, billing):
    """A provider's id with a line break cannot begin another event: it is left out."""
    (row,) = (await billing.top_ups(max_items=1)).items
    row = attrs.evolve(row, id="x\n\nevent: reset", sender="y\r\nevent: reset")

    class Hostile(Feed[TopUp]):
        async def _follow(self) -> None:
            self._kept.append((row.id, row))
            self._count += 1
            self._wake()

    feed = Hostile(billing.top_ups())
    feed.start()
    async with aclosing(event_stream(feed)) as events:
        await anext(events)
        event = await anext(events)
    assert set(fields(event)) == {"event", "data"}
    assert json.loads(fields(event)["data"])["sender"] == row.sender
    await feed.close()
