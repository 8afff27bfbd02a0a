"""Following a list over real sockets."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import reduce
from operator import xor

import attrs
import pytest
from aiohttp import web

from aiozbilling import (
    AiozBilling,
    AuthenticationError,
    ConfigurationError,
    Cursor,
    DriftError,
    Listing,
    NotSentError,
    RateLimit,
    RetryPolicy,
    TopUp,
)
from aiozbilling.listing.follow import follow
from aiozbilling.listing.known import digest
from aiozbilling.listing.news import Follower
from aiozbilling.simulator import Fault, Simulator

EVERY_S = 0.01
ORDERS = ["newest_first", "oldest_first"]


@pytest.fixture
async def billing(billing_simulator: Simulator) -> AsyncIterator[AiozBilling]:
    async with AiozBilling(
        token=billing_simulator.token,
        base_url=billing_simulator.url,
        rate_limit=None,
        timeout=0.5,
        retry=RetryPolicy(attempts=1),
    ) as client:
        yield client


async def take(news: AsyncGenerator[TopUp, None], count: int) -> list[str]:
    async with asyncio.timeout(60):
        return [(await anext(news)).id for _ in range(count)]


async def quiet(news: AsyncGenerator[TopUp, None]) -> bool:
    """Return whether no row comes for a while; this closes the generator."""
    try:
        async with asyncio.timeout(5 * EVERY_S):
            await anext(news)
    except TimeoutError:
        return True
    return False


async def begun(listing: Listing[TopUp], news: AsyncGenerator[TopUp, None]) -> asyncio.Task[TopUp]:
    """Begin to follow and wait until the beginning is known; return the task that waits for the first new row."""
    first = asyncio.ensure_future(anext(news))
    while listing.cursor is None:
        await asyncio.sleep(0.005)
    return first


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "known", [0, 1, 100, 350, *(pytest.param(size, marks=pytest.mark.slow) for size in (2, 99, 101))]
)
async def test_new_rows_are_yielded_once_and_oldest_first(
    billing: AiozBilling, billing_simulator: Simulator, order: str, known: int
) -> None:
    """Each new top-up is yielded once, oldest first, at whichever end the list grows and however long it is."""
    billing_simulator.behaviour.order = order  # type: ignore[assignment]
    other = billing_simulator.add_account(top_ups=known)
    listing = billing.with_credentials(token=other.token).top_ups()
    news = listing.follow(every_s=EVERY_S)
    first = await begun(listing, news)
    billing_simulator.advance(seconds=60)
    added = other.add_top_ups(1)
    assert (await asyncio.wait_for(first, 60)).id == added[0]
    for count in (1, 3, 250):  # more than a page
        billing_simulator.advance(seconds=60)
        added = other.add_top_ups(count)
        assert await take(news, count) == added
    assert await quiet(news)


@pytest.mark.parametrize("order", ORDERS)
async def test_a_quiet_poll_costs_one_request(billing: AiozBilling, billing_simulator: Simulator, order: str) -> None:
    """After the beginning, each poll without new rows is one request."""
    billing_simulator.behaviour.order = order  # type: ignore[assignment]
    news = billing.top_ups().follow(every_s=0.05)
    task = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(billing_simulator.requests) <= 12
    await news.aclose()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("taken", [1, 3, 7])
async def test_a_follow_resumes_at_its_cursor(
    billing: AiozBilling, billing_simulator: Simulator, order: str, taken: int
) -> None:
    """Rows that were not yielded before the cursor was taken are yielded after it, and none twice."""
    billing_simulator.behaviour.order = order  # type: ignore[assignment]
    listing = billing.top_ups()
    news = listing.follow(every_s=EVERY_S)
    first = await begun(listing, news)
    billing_simulator.advance(seconds=60)
    added = billing_simulator.add_top_ups(7)
    rows = [(await asyncio.wait_for(first, 60)).id, *await take(news, taken - 1)]
    cursor = str(listing.cursor)
    await news.aclose()
    billing_simulator.advance(seconds=60)
    added += billing_simulator.add_top_ups(120)
    rest = billing.top_ups(after=cursor).follow(every_s=EVERY_S)
    assert rows + await take(rest, len(added) - taken) == added
    assert await quiet(rest)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [5, 250])
async def test_follow_continues_after_a_walk(
    billing: AiozBilling, billing_simulator: Simulator, order: str, size: int
) -> None:
    """A follow that begins at the cursor of a finished walk yields the rows that were added after the walk."""
    billing_simulator.behaviour.order = order  # type: ignore[assignment]
    account = billing_simulator.add_account(top_ups=size)
    client = billing.with_credentials(token=account.token)
    listing = client.top_ups()
    await listing.collect()
    billing_simulator.advance(seconds=60)
    added = account.add_top_ups(130)
    news = client.top_ups(after=listing.cursor).follow(every_s=EVERY_S)
    assert await take(news, 130) == added
    assert await quiet(news)


@pytest.mark.parametrize(
    "fault", ["http-503", "http-429", "connection-dropped", "hang", "html-in-200", "truncated-body"]
)
async def test_a_feed_continues_after_an_outage(
    billing: AiozBilling, billing_simulator: Simulator, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Polls that fail for a while are repeated, with a log line each, and no new row is lost or repeated."""
    caplog.set_level(logging.WARNING, logger="aiozbilling")
    listing = billing.top_ups()
    news = listing.follow(every_s=EVERY_S)
    first = await begun(listing, news)
    billing_simulator.fail(Fault(fault), times=3 if fault != "hang" else 1, headers={"Retry-After": "0"})
    await asyncio.sleep(2 * EVERY_S)
    billing_simulator.advance(seconds=60)
    added = billing_simulator.add_top_ups(2)
    assert [(await asyncio.wait_for(first, 60)).id, *await take(news, 1)] == added
    assert any("next poll in" in record.getMessage() for record in caplog.records)
    await news.aclose()


async def test_a_frequent_follow_continues_soon_after_a_long_outage(
    billing: AiozBilling, billing_simulator: Simulator
) -> None:
    """However long an outage lasts, the next poll comes after at most 32 of the usual waits, and not after minutes."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            billing_simulator.fail("http-500", times=15)
            billing_simulator.advance(seconds=60)
            billing_simulator.add_top_ups(1)

    source = billing.with_options(retry=RetryPolicy(attempts=1)).top_ups()._source
    news = follow(Follower(source, None), 0.5, sleep)
    await anext(news)
    await news.aclose()
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0] + 11 * [16.0]


async def test_wrong_credentials_end_a_follow(billing_simulator: Simulator) -> None:
    """An error that waiting does not resolve, such as wrong credentials, is raised."""
    async with AiozBilling(token="wrong", base_url=billing_simulator.url) as billing:
        with pytest.raises(AuthenticationError):
            await anext(billing.top_ups().follow(every_s=EVERY_S))


async def test_a_list_that_lost_all_that_was_known_is_drift(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """If none of the known rows is in the list any more, an error is raised, and no row is reported as new."""
    other = billing_simulator.add_account(top_ups=50)
    listing = billing.with_credentials(token=other.token).top_ups()
    await listing.collect()
    with pytest.raises(DriftError, match="known"):
        async with asyncio.timeout(60):
            await anext(billing.top_ups(after=listing.cursor).follow(every_s=EVERY_S))


async def test_a_refused_page_size_is_stepped_down(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """A server that refuses pages of 100 is polled with 10."""
    billing_simulator.behaviour.refuse_limit_above = 50
    listing = billing.top_ups()
    news = listing.follow(every_s=EVERY_S)
    first = await begun(listing, news)
    billing_simulator.advance(seconds=60)
    added = billing_simulator.add_top_ups(25)
    assert [(await asyncio.wait_for(first, 60)).id, *await take(news, 24)] == added
    await news.aclose()


async def test_a_follow_cursor_is_not_one_of_a_walk(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """A walk refuses a cursor of `follow`, and the error says what to do."""
    listing = billing.top_ups()
    news = listing.follow(every_s=EVERY_S)
    first = await begun(listing, news)
    first.cancel()
    await asyncio.wait([first])
    with pytest.raises(ConfigurationError, match="follow"):
        await billing.top_ups(after=listing.cursor)
    await news.aclose()


@pytest.mark.parametrize("every_s", [0, -1, float("inf"), float("nan"), True, "10"])
def test_impossible_intervals_are_refused(every_s: float) -> None:
    """An interval that is not a positive number is a ConfigurationError at the call."""
    with pytest.raises(ConfigurationError, match="every_s"):
        AiozBilling(token="t").top_ups().follow(every_s=every_s)


@pytest.mark.parametrize("options", [{"offset": 1}, {"max_items": 5}])
def test_follow_takes_no_part_of_a_list(options: dict[str, int]) -> None:
    """A listing with an offset or max_items can't be followed, because a follow never ends."""
    with pytest.raises(ConfigurationError, match="offset"):
        AiozBilling(token="t").top_ups(**options).follow()  # type: ignore[arg-type]


async def test_ending_a_follow_leaves_no_task(
    billing: AiozBilling, tasks_left: Callable[[], Awaitable[list[object]]]
) -> None:
    """A follow that is cancelled or closed leaves no task."""
    news = billing.top_ups().follow(every_s=EVERY_S)
    assert await quiet(news)
    await news.aclose()
    assert await tasks_left() == []


class Ledger:
    """A list in memory, served over real HTTP, for dates that the simulator does not have."""

    def __init__(self, rows: list[tuple[str, str]], *, lag: int = 0) -> None:
        self.rows = rows
        self.lag = lag
        self.replies = 0

    async def answer(self, request: web.BaseRequest) -> web.Response:
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        rows = [
            {
                "id": name,
                "amount": {"denom": "attoaioz", "amount": "1"},
                "sender": "a",
                "recipient": "b",
                "status": True,
                "cosmos_tx_hash": "",
                "created_at": time,
                "updated_at": time,
            }
            for name, time in self.rows[offset : offset + limit]
        ]
        self.replies += 1
        data = {"totals": max(0, len(self.rows) - self.lag), "top_up_usages": rows}
        return web.json_response({"status": "success", "data": data})


@asynccontextmanager
async def following(ledger: Ledger) -> AsyncIterator[AiozBilling]:
    runner = web.ServerRunner(web.Server(ledger.answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with AiozBilling(token="t", base_url=f"http://127.0.0.1:{runner.addresses[0][1]}", rate_limit=None) as client:
        yield client
    await runner.cleanup()


SAME = "2026-01-01T00:00:00Z"
UNSET = "0001-01-01T00:00:00Z"


async def news_after(
    ledger: Ledger, change: Callable[[], None], expected: int, cursor: str | None = None
) -> tuple[list[str], str]:
    """Follow, change the list after the first poll, and return the new rows and the cursor after them."""
    async with following(ledger) as billing:
        listing = billing.top_ups(after=cursor)
        news = listing.follow(every_s=EVERY_S)
        first = await begun(listing, news)
        change()
        if not expected:
            await asyncio.sleep(0.15)
            rows = [] if not first.done() else [first.result().id]
            first.cancel()
            await asyncio.wait([first])
        else:
            rows = [(await asyncio.wait_for(first, 60)).id, *await take(news, expected - 1)]
            assert await quiet(news)
        await news.aclose()
        return rows, str(listing.cursor)


@pytest.mark.parametrize("size", [1, 100, 250, *(pytest.param(size, marks=pytest.mark.slow) for size in (2, 40))])
@pytest.mark.parametrize("time", [SAME, pytest.param(UNSET, marks=pytest.mark.slow)])
@pytest.mark.parametrize("at_tail", [True, False])
async def test_equal_times_hide_no_new_rows(size: int, time: str, at_tail: bool) -> None:
    """If the times don't show at which end the list grows, new rows at either end are yielded once."""
    ledger = Ledger([(str(i), time) for i in range(size)])
    new = [("new1", time), ("new2", time)]

    def grow() -> None:
        ledger.rows = ledger.rows + new if at_tail else new[::-1] + ledger.rows

    assert (await news_after(ledger, grow, 2))[0] == ["new1", "new2"]


@pytest.mark.parametrize("size", [3, 251, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("time", [SAME, pytest.param(UNSET, marks=pytest.mark.slow)])
async def test_rows_that_move_to_the_first_page_are_not_new(size: int, time: str) -> None:
    """After deletions, older rows move to the first page: none of them is new, even after a restart."""
    ledger = Ledger([(str(i), time) for i in range(size)])

    def shrink() -> None:
        del ledger.rows[1:3]

    rows, cursor = await news_after(ledger, shrink, 0)
    assert rows == []
    assert (await news_after(ledger, lambda: None, 0, cursor))[0] == []


async def test_two_rows_in_a_wrong_order_decide_nothing() -> None:
    """Two times in the wrong order, a millisecond apart, don't make the end of a newest-first list its growing end."""
    ledger = Ledger([("b", "2026-01-01T00:00:00.001Z"), ("a", "2026-01-01T00:00:00.002Z")])

    def grow() -> None:
        ledger.rows.insert(0, ("c", "2026-01-02T00:00:00Z"))

    assert (await news_after(ledger, grow, 1))[0] == ["c"]


async def test_a_first_burst_under_a_lagging_total_is_whole() -> None:
    """150 deposits of an empty account are all yielded, oldest first, although the total says 90."""
    ledger = Ledger([], lag=60)

    def burst() -> None:
        ledger.rows = [(str(i), f"2026-01-01T00:{i // 60:02}:{i % 60:02}Z") for i in reversed(range(150))]

    async with asyncio.timeout(60):
        rows, _ = await news_after(ledger, burst, 150)
    assert rows == [str(i) for i in range(150)]


async def test_only_a_list_read_to_its_end_is_followed(billing: AiozBilling) -> None:
    """The cursor of a part of a list does not show which rows are new; the cursor of an empty list does."""
    for options in ({"offset": 50}, {"max_items": 20}):
        listing = billing.top_ups(**options)  # type: ignore[arg-type]
        await listing.collect()
        with pytest.raises(ConfigurationError, match="read to its end"):
            billing.top_ups(after=listing.cursor).follow()


async def test_an_empty_list_has_a_cursor(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """Rows that are added after an empty list was read are yielded, however much later the follow begins."""
    account = billing_simulator.add_account()
    client = billing.with_credentials(token=account.token)
    listing = client.top_ups()
    assert await listing.collect() == []
    added = account.add_top_ups(130)
    news = client.top_ups(after=str(listing.cursor)).follow(every_s=EVERY_S)
    assert await take(news, 130) == added
    await news.aclose()
    assert len(await client.top_ups(after=str(listing.cursor)).collect()) == 130


async def test_an_outage_at_the_beginning_is_survived(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """A first poll that fails between its requests starts again: new rows come, and there is a cursor."""
    billing_simulator.behaviour.order = "oldest_first"
    billing_simulator.fail(Fault("http-503"), times=1, every=2)
    listing = billing.top_ups()
    news = listing.follow(every_s=EVERY_S)
    first = await begun(listing, news)
    billing_simulator.advance(seconds=60)
    added = billing_simulator.add_top_ups(3)
    assert [(await asyncio.wait_for(first, 60)).id, *await take(news, 2)] == added
    await news.aclose()


async def test_a_first_reading_that_the_rate_limit_never_allows_is_an_error(billing_simulator: Simulator) -> None:
    """If `max_wait_s` is shorter than the first reading takes, the follow ends with an error that names it."""
    credentials = {"token": billing_simulator.token, "base_url": billing_simulator.url}
    async with AiozBilling(**credentials, rate_limit=RateLimit(1, per_s=0.2), max_wait_s=0) as billing:  # type: ignore[arg-type]
        with pytest.raises(NotSentError, match="max_wait_s"):
            async with asyncio.timeout(60):
                # 28 requests: a machine that is busy for 0.2 s between two of them is not so between all
                await anext(billing.top_ups(page_size=10).follow(every_s=EVERY_S))


NEWEST_FIRST = [(f"r{i}", f"2026-01-{1 + i // 24:02}T{i % 24:02}:00:00Z") for i in reversed(range(130))]


async def test_an_empty_moment_at_the_beginning_makes_no_row_new() -> None:
    """If a list seems to be empty at first and has rows later, these are not reported as new."""
    ledger = Ledger([])
    async with following(ledger) as billing:
        listing = billing.top_ups()
        news = listing.follow(every_s=EVERY_S)
        first = asyncio.ensure_future(anext(news))
        while not ledger.replies:
            await asyncio.sleep(0)
        ledger.rows = NEWEST_FIRST[10:]
        while listing.cursor is None:
            await asyncio.sleep(0.02)
        ledger.rows = NEWEST_FIRST[8:]
        assert [(await asyncio.wait_for(first, 60)).id, *await take(news, 1)] == ["r120", "r121"]
        await news.aclose()


@pytest.mark.parametrize("page_size", [None, 10, 6000])
async def test_removed_rows_make_no_old_row_new(page_size: int | None) -> None:
    """Rows that move to the first page because others were removed are known; only new ones are yielded."""
    ledger = Ledger(NEWEST_FIRST[29:])  # one more than a page
    async with following(ledger) as billing:
        listing = billing.top_ups(page_size=page_size)
        news = listing.follow(every_s=EVERY_S)
        first = await begun(listing, news)
        ledger.rows = NEWEST_FIRST[31:]
        await asyncio.sleep(0.1)
        ledger.rows = NEWEST_FIRST[:1] + NEWEST_FIRST[31:]
        assert (await asyncio.wait_for(first, 60)).id == "r129"
        assert await quiet(news)


async def test_a_late_commit_is_new() -> None:
    """A row that is inserted among known rows is yielded, even if it is far from the growing end."""
    oldest_first = NEWEST_FIRST[::-1]
    ledger = Ledger(oldest_first[:50] + oldest_first[51:127] + oldest_first[128:])
    async with following(ledger) as billing:
        listing = billing.top_ups()
        news = listing.follow(every_s=EVERY_S)
        first = await begun(listing, news)
        ledger.rows = oldest_first[:50] + oldest_first[51:]
        assert (await asyncio.wait_for(first, 60)).id == "r127"
        ledger.rows = oldest_first
        assert await take(news, 1) == ["r50"]
        assert await quiet(news)


async def test_a_removal_that_is_not_confirmed_yet_hides_no_row() -> None:
    """A row that is added while a removal waits for its confirmation is yielded, although the count is as before."""
    ledger = Ledger(NEWEST_FIRST[:60] + NEWEST_FIRST[61:])
    async with following(ledger) as billing:
        follower = Follower(billing.top_ups()._source, 10)
        await polled(follower)
        removed = NEWEST_FIRST[110]
        ledger.rows = [row for row in ledger.rows if row != removed]
        assert await polled(follower, times=2) == []  # the second poll reads the whole list
        ledger.rows = [row for row in NEWEST_FIRST if row != removed]
        assert await polled(follower, times=3) == ["r69"]


async def test_a_row_added_behind_a_reading_is_new() -> None:
    """A row that is added where the first reading has already been is yielded after it."""
    oldest_first = NEWEST_FIRST[::-1]

    class Late(Ledger):
        async def answer(self, request: web.BaseRequest) -> web.Response:
            response = await super().answer(request)
            if self.replies == 8:
                self.rows = oldest_first
            return response

    ledger = Late(oldest_first[:50] + oldest_first[51:])
    async with following(ledger) as billing:
        follower = Follower(billing.top_ups()._source, 10)
        await polled(follower)
        assert await polled(follower, times=3) == ["r50"]


class Restless(Ledger):
    """A list in which a row moves from the unread part to the head during each of the next `moves` readings."""

    moves = 1
    is_begun = False

    async def answer(self, request: web.BaseRequest) -> web.Response:
        response = await super().answer(request)
        offset = int(request.query["offset"])
        self.is_begun = self.is_begun or not offset
        if self.is_begun and offset > 50 and self.moves:
            self.is_begun = False
            self.moves -= 1
            self.rows = [self.rows[110], *self.rows[:110], *self.rows[111:]]
        return response


async def test_a_row_that_moves_during_the_first_reading_is_not_new() -> None:
    """A first reading during which a row moved may miss that row, so it is repeated."""
    async with following(Restless(NEWEST_FIRST)) as billing:
        follower = Follower(billing.top_ups()._source, 10)
        assert await polled(follower, times=4) == []


async def test_a_cursor_is_not_compared_with_a_list_that_never_rests() -> None:
    """If a row moves during each reading, a resume is an error, because each reading may miss rows."""
    ledger = Restless(NEWEST_FIRST)
    async with following(ledger) as billing:
        first = Follower(billing.top_ups()._source, 10)
        await polled(first)
        ledger.moves = 100
        with pytest.raises(DriftError, match="changes too fast to find the rows of the cursor"):
            await Follower(billing.top_ups()._source, 10, first.cursor).poll()


async def polled(follower: Follower[TopUp], times: int = 1) -> list[str]:
    """Poll, and mark the new rows as known."""
    rows = []
    for _ in range(times):
        for row in await follower.poll():
            follower.mark(row)
            rows.append(row.id)
    return rows


@pytest.mark.parametrize("taken", [10, 40])
async def test_a_resume_within_a_batch_yields_the_rest(taken: int) -> None:
    """After 40 rows were added to an empty account, a resume yields those that were not yielded before the cursor."""
    for rows in (NEWEST_FIRST[-40:], NEWEST_FIRST[-40:][::-1]):
        ledger = Ledger([])
        expected = [f"r{i}" for i in range(40)]
        async with following(ledger) as billing:
            listing = billing.top_ups()
            news = listing.follow(every_s=EVERY_S)
            first = await begun(listing, news)
            ledger.rows = rows
            came = [(await asyncio.wait_for(first, 60)).id, *await take(news, taken - 1)]
            cursor = str(listing.cursor)
            await news.aclose()
            news = billing.top_ups(after=cursor).follow(every_s=EVERY_S)
            assert came + await take(news, 40 - taken) == expected
            assert await quiet(news)


async def news_since(cursor: str, rows: list[tuple[str, str]], expected: int) -> list[str]:
    """Resume from a cursor over a list of these rows and return the new rows; no further row may come."""
    async with following(Ledger(rows)) as billing:
        news = billing.top_ups(after=cursor).follow(every_s=EVERY_S)
        came = await take(news, expected)
        assert await quiet(news)
    return came


@pytest.mark.parametrize("order", [1, -1])
async def test_a_resume_after_removals_goes_on(order: int) -> None:
    """After rows were removed, moved or recorded late between two follows, it is still certain which rows are new."""
    old = NEWEST_FIRST[10:]
    _, cursor = await news_after(Ledger(old[::order]), lambda: None, 0)
    kept = [row for place, row in enumerate(old) if place not in (40, 41, 60, 80)]
    late = ("late", kept[70][1])
    now = [old[80], *NEWEST_FIRST[8:10], *kept[:70], late, *kept[70:]]
    came = await news_since(cursor, now[::order], 3)
    assert sorted(came) == ["late", "r120", "r121"]


async def test_a_resume_that_can_not_decide_is_an_error() -> None:
    """If too many rows were removed, moved and added between two follows, no row is reported as new."""
    old = NEWEST_FIRST[20:]
    _, cursor = await news_after(Ledger(old), lambda: None, 0)
    late = [(f"late{number}", old[40][1]) for number in range(60)]
    now = [*NEWEST_FIRST[18:20], *old[:40], *late, *old[60:]]
    async with following(Ledger(now)) as billing:
        with pytest.raises(DriftError, match="it is not certain which rows are new") as caught:
            await asyncio.wait_for(anext(billing.top_ups(after=cursor).follow(every_s=EVERY_S)), 60)
    assert "Read the whole list, compare its rows with those that you have" in str(caught.value)


async def test_a_cursor_of_an_earlier_release_is_followed() -> None:
    """A cursor with a checksum of all keys instead of a sketch shows new rows, and refuses what it can't decide."""
    cursor = Cursor.parse((await news_after(Ledger(NEWEST_FIRST[10:]), lambda: None, 0))[1])
    known = reduce(xor, (digest(name) for name, _ in NEWEST_FIRST[10:]))
    fields = attrs.asdict(cursor) | {"v": 1, "checksum": known}
    del fields["sketch"]
    earlier = json.dumps(fields)
    assert await news_since(earlier, NEWEST_FIRST[8:], 2) == ["r120", "r121"]
    async with following(Ledger([*NEWEST_FIRST[9:70], *NEWEST_FIRST[71:]])) as billing:
        with pytest.raises(DriftError, match="it is not certain which rows are new"):
            await asyncio.wait_for(anext(billing.top_ups(after=earlier).follow(every_s=EVERY_S)), 60)
