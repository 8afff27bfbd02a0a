"""Following a list over real sockets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import pytest

from aiozbilling import AiozBilling, AuthenticationError, ConfigurationError, DriftError, RetryPolicy, TopUp
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
    async with asyncio.timeout(10):
        return [(await anext(news)).id for _ in range(count)]


async def quiet(news: AsyncGenerator[TopUp, None]) -> bool:
    """Tell whether nothing comes for a while; the generator is closed by that."""
    try:
        async with asyncio.timeout(0.1):
            await anext(news)
    except TimeoutError:
        return True
    return False


async def begun(news: AsyncGenerator[TopUp, None], simulator: Simulator) -> asyncio.Task[TopUp]:
    """Begin to follow and wait until the first poll is answered; gives the task that waits for the first news."""
    first = asyncio.ensure_future(anext(news))
    while not any(request.status == 200 for request in simulator.requests):
        await asyncio.sleep(0.005)
    await asyncio.sleep(3 * EVERY_S)
    return first


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("known", [0, 1, 2, 99, 100, 101, 350])
async def test_news_come_once_and_oldest_first(
    billing: AiozBilling, billing_simulator: Simulator, order: str, known: int
) -> None:
    """From now on each new top-up comes once, oldest first, whichever end the list grows at and however long it is."""
    billing_simulator.behaviour.order = order  # type: ignore[assignment]
    other = billing_simulator.add_account(top_ups=known)
    news = billing.with_credentials(token=other.token).top_ups().follow(every_s=EVERY_S)
    first = await begun(news, billing_simulator)
    billing_simulator.advance(seconds=60)
    added = other.add_top_ups(1)
    assert (await asyncio.wait_for(first, 5)).id == added[0]
    for count in (1, 3, 250):  # more than a page
        billing_simulator.advance(seconds=60)
        added = other.add_top_ups(count)
        assert await take(news, count) == added
    assert await quiet(news)


@pytest.mark.parametrize("order", ORDERS)
async def test_a_quiet_poll_costs_one_request(billing: AiozBilling, billing_simulator: Simulator, order: str) -> None:
    """After the beginning each poll without news is one request."""
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
async def test_a_cursor_of_follow_goes_on_where_it_stood(
    billing: AiozBilling, billing_simulator: Simulator, order: str, taken: int
) -> None:
    """News that were not handed out before the cursor was taken come after it, and none twice."""
    billing_simulator.behaviour.order = order  # type: ignore[assignment]
    listing = billing.top_ups()
    news = listing.follow(every_s=EVERY_S)
    first = await begun(news, billing_simulator)
    billing_simulator.advance(seconds=60)
    added = billing_simulator.add_top_ups(7)
    rows = [(await asyncio.wait_for(first, 5)).id, *await take(news, taken - 1)]
    cursor = str(listing.cursor)
    await news.aclose()
    billing_simulator.advance(seconds=60)
    added += billing_simulator.add_top_ups(120)
    rest = billing.top_ups(after=cursor).follow(every_s=EVERY_S)
    assert rows + await take(rest, len(added) - taken) == added
    assert await quiet(rest)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [5, 250])
async def test_follow_goes_on_behind_a_walk(
    billing: AiozBilling, billing_simulator: Simulator, order: str, size: int
) -> None:
    """The cursor of a finished walk begins a follow at what came after the walk."""
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
async def test_outages_are_sat_out(
    billing: AiozBilling, billing_simulator: Simulator, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Polls that fail for a while are tried again, with a log line each, and no news is lost or doubled."""
    caplog.set_level(logging.WARNING, logger="aiozbilling")
    news = billing.top_ups().follow(every_s=EVERY_S)
    first = await begun(news, billing_simulator)
    billing_simulator.fail(Fault(fault), times=3 if fault != "hang" else 1, headers={"Retry-After": "0"})
    await asyncio.sleep(2 * EVERY_S)
    billing_simulator.advance(seconds=60)
    added = billing_simulator.add_top_ups(2)
    assert [(await asyncio.wait_for(first, 10)).id, *await take(news, 1)] == added
    assert any("next poll in" in record.getMessage() for record in caplog.records)
    await news.aclose()


async def test_wrong_credentials_end_it(billing_simulator: Simulator) -> None:
    """What no waiting mends is raised."""
    async with AiozBilling(token="wrong", base_url=billing_simulator.url) as billing:
        with pytest.raises(AuthenticationError):
            await anext(billing.top_ups().follow(every_s=EVERY_S))


async def test_a_list_that_lost_all_that_was_known_is_drift(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """Where none of the known rows is there any more nothing is passed off as new."""
    other = billing_simulator.add_account(top_ups=50)
    listing = billing.with_credentials(token=other.token).top_ups()
    await listing.collect()
    with pytest.raises(DriftError, match="known"):
        async with asyncio.timeout(10):
            await anext(billing.top_ups(after=listing.cursor).follow(every_s=EVERY_S))


async def test_a_refused_page_size_is_stepped_down(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """A server that refuses pages of 100 is polled with 10."""
    billing_simulator.behaviour.refuse_limit_above = 50
    news = billing.top_ups().follow(every_s=EVERY_S)
    first = await begun(news, billing_simulator)
    billing_simulator.advance(seconds=60)
    added = billing_simulator.add_top_ups(25)
    assert [(await asyncio.wait_for(first, 5)).id, *await take(news, 24)] == added
    await news.aclose()


async def test_a_follow_cursor_is_not_one_of_a_walk(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """A cursor of follow given to a plain walk is refused with what to do."""
    listing = billing.top_ups()
    news = listing.follow(every_s=EVERY_S)
    first = await begun(news, billing_simulator)
    first.cancel()
    await asyncio.wait([first])
    with pytest.raises(ConfigurationError, match="follow"):
        await billing.top_ups(after=listing.cursor)
    await news.aclose()


@pytest.mark.parametrize("every_s", [0, -1, float("inf"), float("nan"), True, "10"])
def test_impossible_intervals_are_refused(every_s: float) -> None:
    """An interval that can't be meant is a ConfigurationError at the call."""
    with pytest.raises(ConfigurationError, match="every_s"):
        AiozBilling(token="t").top_ups().follow(every_s=every_s)


@pytest.mark.parametrize("options", [{"offset": 1}, {"max_items": 5}])
def test_follow_takes_no_part_of_a_list(options: dict[str, int]) -> None:
    """Offset and max_items make no sense for what never ends."""
    with pytest.raises(ConfigurationError, match="offset"):
        AiozBilling(token="t").top_ups(**options).follow()  # type: ignore[arg-type]


async def test_ending_a_follow_leaves_nothing(
    billing: AiozBilling, tasks_left: Callable[[], Awaitable[list[object]]]
) -> None:
    """A follow that is cancelled or closed leaves no task."""
    news = billing.top_ups().follow(every_s=EVERY_S)
    assert await quiet(news)
    await news.aclose()
    assert await tasks_left() == []
