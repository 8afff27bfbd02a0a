"""The listing over real sockets: rows, pages, sizes, cursors, endings."""

from __future__ import annotations

import asyncio
import inspect
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress

import pytest

from aiozbilling import (
    AiozBilling,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    Cursor,
    DriftError,
    IncompleteError,
    Listing,
    Page,
    RetryPolicy,
    ServerError,
)
from aiozbilling.simulator import Fault, Simulator

TasksLeft = Callable[[], Awaitable[list[object]]]


@pytest.fixture
async def billing(billing_simulator: Simulator) -> AsyncIterator[AiozBilling]:
    async with AiozBilling(
        token=billing_simulator.token,
        base_url=billing_simulator.url,
        rate_limit=None,
        retry=RetryPolicy(wait_s=0.001, throttled_wait_s=0.001),
    ) as client:
        yield client


@pytest.mark.billing_simulator(top_ups=0, days=0)
async def test_an_empty_list_is_empty(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """An empty list takes two requests, has no row and no page, and its first page is empty."""
    assert await billing.top_ups().collect() == []
    assert len(billing_simulator.requests) == 2
    assert [page async for page in billing.top_ups().pages()] == []
    assert await billing.history_usage() == Page([], 0, 0)


@pytest.mark.parametrize("null_lists", ["always", "when_empty"])
@pytest.mark.billing_simulator(top_ups=0)
async def test_a_null_list_is_empty(billing: AiozBilling, billing_simulator: Simulator, null_lists: str) -> None:
    """A list that is null is read like an empty list."""
    billing_simulator.behaviour.null_lists = null_lists  # type: ignore[assignment]
    assert await billing.top_ups().collect() == []


@pytest.mark.billing_simulator(top_ups=5)
async def test_a_null_list_that_should_have_rows_is_incomplete(
    billing: AiozBilling, billing_simulator: Simulator
) -> None:
    """A null list with a total of 5 is requested again and then an error, never an empty result."""
    billing_simulator.behaviour.null_lists = "always"
    with pytest.raises(IncompleteError, match="5 rows"):
        await billing.top_ups().collect()
    assert len(billing_simulator.requests) == 3


@pytest.mark.billing_simulator(top_ups=250)
async def test_rows_pages_and_collect_agree(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """Iterating rows, iterating pages and collecting give the same rows in the server's order."""
    truth = billing_simulator.top_up_ids()
    listing = billing.top_ups(page_size=100)
    assert [row.id async for row in listing] == truth
    pages = [page async for page in listing.pages()]
    assert [row.id for page in pages for row in page.items] == truth
    assert [page.offset for page in pages] == [0, 100, 198]
    assert {page.total for page in pages} == {250}
    assert [row.id for row in await listing.collect()] == truth
    assert (listing.report.rows, listing.report.pages, listing.report.requests) == (250, 3, 3)
    assert listing.report.consistency == "static"


async def test_no_request_is_sent_before_the_iteration_begins(
    billing: AiozBilling, billing_simulator: Simulator
) -> None:
    """Creating a listing, its iterator and its cursor sends no request."""
    listing = billing.top_ups()
    rows = aiter(listing)
    assert listing.cursor is None
    assert listing.report.requests == 0
    await asyncio.sleep(0.02)
    assert billing_simulator.requests == []
    assert inspect.isasyncgen(rows)
    await rows.aclose()


@pytest.mark.parametrize(
    ("offset", "max_items"), [(0, 0), (0, 1), (0, 99), (0, 100), (7, 50), (240, 50), (250, 5), (999, 5)]
)
async def test_offset_and_max_items_cut_the_list(
    billing: AiozBilling, billing_simulator: Simulator, offset: int, max_items: int
) -> None:
    """Offset skips rows at the beginning, max_items ends the walk, and no more pages than needed are requested."""
    listing = billing.top_ups(offset=offset, max_items=max_items, page_size=40)
    assert [row.id async for row in listing] == billing_simulator.top_up_ids()[offset : offset + max_items]
    assert len(billing_simulator.requests) <= max_items // 39 + 2


@pytest.mark.billing_simulator(top_ups=2500)
async def test_the_page_size_is_found_large(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """Without a page size, a thousand rows are requested."""
    assert len(await billing.top_ups().collect()) == 2500
    assert {request.query["limit"] for request in billing_simulator.requests} == {"1000"}
    assert len(billing_simulator.requests) == 3


@pytest.mark.billing_simulator(top_ups=2500)
async def test_a_clamp_is_accepted_and_remembered(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """If a server returns 100 of 1000 requested rows, the list is read in hundreds, and so are later ones."""
    billing_simulator.behaviour.max_limit = 100
    listing = billing.top_ups()
    assert [row.id for row in await listing.collect()] == billing_simulator.top_up_ids()
    assert listing.report.requests <= 27
    billing_simulator.requests.clear()
    await billing.top_ups().collect()
    assert {request.query["limit"] for request in billing_simulator.requests} == {"100"}


@pytest.mark.parametrize(("refused_above", "found"), [(500, "100"), (50, "10")])
async def test_a_refused_page_size_is_stepped_down_and_remembered(
    billing: AiozBilling, billing_simulator: Simulator, refused_above: int, found: str
) -> None:
    """If a server refuses 1000 rows, 100 and then 10 are requested, and the next list begins with that size."""
    billing_simulator.behaviour.refuse_limit_above = refused_above
    assert len(await billing.top_ups().collect()) == 250
    billing_simulator.requests.clear()
    assert len(await billing.top_ups().collect()) == 250
    assert {request.query["limit"] for request in billing_simulator.requests} == {found}


@pytest.mark.parametrize("size", [2, 15])
async def test_a_small_list_teaches_no_small_pages(
    billing: AiozBilling, billing_simulator: Simulator, size: int
) -> None:
    """Short pages of a list that grows, or because of max_items, do not count as pages that the server cut."""
    account = billing_simulator.add_account(top_ups=size)
    client = billing.with_credentials(token=account.token)
    billing_simulator.behaviour.grow_per_request = 1
    for _ in range(3):
        await client.top_ups().collect()
        await client.top_ups(max_items=4).collect()
    billing_simulator.behaviour.grow_per_request = 0
    billing_simulator.requests.clear()
    await billing.top_ups().collect()
    assert [request.query["limit"] for request in billing_simulator.requests] == ["1000"]


async def test_a_page_size_of_the_caller_is_kept(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """A page size of the caller is kept: smaller pages are accepted, and a refusal is the server's error."""
    billing_simulator.behaviour.max_limit = 30
    assert len(await billing.top_ups(page_size=50).collect()) == 250
    assert {request.query["limit"] for request in billing_simulator.requests} == {"50"}
    billing_simulator.behaviour.refuse_limit_above = 40
    with pytest.raises(BadRequestError, match="page_size"):
        await billing.top_ups(page_size=50).collect()


async def test_a_bad_request_that_is_no_matter_of_size_is_raised(
    billing: AiozBilling, billing_simulator: Simulator
) -> None:
    """If the server refuses 10 rows, too, its error is raised, and no size is remembered."""
    billing_simulator.fail(Fault("http-400"), times=3)
    with pytest.raises(BadRequestError):
        await billing.top_ups().collect()
    billing_simulator.requests.clear()
    await billing.top_ups()
    assert billing_simulator.requests[0].query["limit"] == "1000"


@pytest.mark.parametrize("concurrency", [1, 4, 8])
@pytest.mark.billing_simulator(top_ups=600)
async def test_concurrency_is_a_ceiling(billing: AiozBilling, billing_simulator: Simulator, concurrency: int) -> None:
    """As many pages are in flight as allowed, never more, and the rows come in order."""
    billing_simulator.behaviour.latency_s = 0.015 * concurrency  # a busy machine has time to start all of them
    rows = await billing.top_ups(page_size=20, concurrency=concurrency).collect()
    assert [row.id for row in rows] == billing_simulator.top_up_ids()
    assert billing_simulator.peak_in_flight == concurrency


@pytest.mark.billing_simulator(top_ups=2000)
async def test_pages_are_fetched_ahead_only_as_far_as_the_consumer_reads(
    billing: AiozBilling, billing_simulator: Simulator
) -> None:
    """If the consumer stops reading, fetching stops: at most twice `concurrency` pages are fetched ahead."""
    async for page in billing.top_ups(page_size=20, concurrency=4).pages():
        await asyncio.sleep(0.1)
        if page.offset:
            break
    assert len(billing_simulator.requests) <= 2 + 2 * 4


@pytest.mark.billing_simulator(top_ups=100)
async def test_an_error_comes_after_the_rows_before_it(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """The error of a page is raised in its place, after all rows of the pages before it."""
    listing = billing.top_ups(page_size=20, concurrency=8)
    rows = []
    with pytest.raises(ServerError):
        async for row in listing:
            rows.append(row.id)
            if len(rows) == 1:
                billing_simulator.fail(Fault("http-500"), times=100, path="topUp")
    assert rows == billing_simulator.top_up_ids()[: len(rows)]
    assert len(rows) % 19 == 1
    billing_simulator.forgive()
    rest = await billing.top_ups(after=listing.cursor).collect()
    assert rows + [row.id for row in rest] == billing_simulator.top_up_ids()


@pytest.mark.parametrize("stop_at", [1, 5, 39, 40, 41, 78, 99, 100])
@pytest.mark.billing_simulator(top_ups=100)
async def test_a_cursor_continues_after_the_last_row(
    billing: AiozBilling, billing_simulator: Simulator, stop_at: int
) -> None:
    """From the text of a cursor after any row, a walk continues with the next row, although the list changed."""
    listing = billing.top_ups(page_size=40)
    rows = []
    async for row in listing:
        rows.append(row.id)
        if len(rows) == stop_at:
            break
    truth = billing_simulator.top_up_ids()
    text = str(listing.cursor)
    billing_simulator.add_top_ups(37)
    gone = billing_simulator.remove_top_up(rows[0]) if stop_at > 1 else truth[0]
    rest = await billing.top_ups(after=text, page_size=30).collect()
    assert rows + [row.id for row in rest] == truth
    assert gone == truth[0]
    assert len(text) < 4000
    assert Cursor.parse(text) == listing.cursor


async def test_a_history_cursor_works_as_well(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """Days are found again by their date."""
    listing = billing.history_usage(page_size=50, max_items=60)
    days = [day.date async for day in listing]
    rest = await billing.history_usage(after=listing.cursor).collect()
    assert len(days + [day.date for day in rest]) == len(set(days + [day.date for day in rest])) == 120


@pytest.mark.parametrize(
    "text",
    ["", "x", "{}", "[]", "null", "1", '{"v":1}',
     '{"v":1,"endpoint":1,"made_by":"walk","position":0,"total":0,"anchors":[],"head":[]}',
     '{"v":1,"endpoint":"/api/billing/topUp","made_by":"me","position":0,"total":0,"anchors":[],"head":[]}',
     '{"v":1,"endpoint":"/api/billing/topUp","made_by":"walk","position":true,"total":0,"anchors":[],"head":[]}',
     '{"v":1,"endpoint":"/api/billing/topUp","made_by":"walk","position":0,"total":0,"anchors":["?"],"head":[]}',
     '{"v":2}', "[" * 100_000],
)  # fmt: skip
async def test_what_is_no_cursor_is_refused(billing: AiozBilling, text: str) -> None:
    """Anything but a cursor of this list and version is a ConfigurationError before any request."""
    with pytest.raises(ConfigurationError, match="cursor"):
        billing.top_ups(after=text)


async def test_a_cursor_of_another_list_is_refused(billing: AiozBilling) -> None:
    """A cursor of the history is not one of the top-ups."""
    listing = billing.history_usage()
    await listing.collect()
    with pytest.raises(ConfigurationError, match="historyUsage"):
        billing.top_ups(after=listing.cursor)


async def test_a_cursor_of_another_account_is_drift(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """If none of the cursor's rows is found, the walk raises an error instead of beginning somewhere else."""
    other = billing_simulator.add_account(top_ups=60)
    listing = billing.with_credentials(token=other.token).top_ups(page_size=20, max_items=30)
    await listing.collect()
    with pytest.raises(DriftError):
        await billing.top_ups(after=listing.cursor).collect()


@pytest.mark.parametrize(
    "wrong",
    [
        {"offset": -1},
        {"offset": 1.0},
        {"page_size": 0},
        {"page_size": 1},
        {"page_size": True},
        {"max_items": -1},
        {"concurrency": 0},
        {"on_drift": "ignore"},
        {"after": 7},
    ],
)
async def test_impossible_options_are_refused(billing: AiozBilling, wrong: dict[str, object]) -> None:
    """An invalid option is a ConfigurationError at the call, and the message names it."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        billing.top_ups(**wrong)  # type: ignore[arg-type]


@pytest.mark.billing_simulator(top_ups=300)
async def test_null_rows_are_skipped_and_reported(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """Null rows count for the position, are not yielded, and the report says how many there were."""
    billing_simulator.behaviour.null_row_every = 7
    listing = billing.top_ups(page_size=50)
    assert [row.id async for row in listing] == billing_simulator.top_up_ids()
    assert listing.report.null_rows_skipped == billing_simulator.top_up_rows().count(None) > 0


@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
@pytest.mark.parametrize("concurrency", [1, 4, 16])
@pytest.mark.billing_simulator(top_ups=500)
async def test_a_growing_list_is_walked_exactly_once(
    billing: AiozBilling, billing_simulator: Simulator, order: str, concurrency: int
) -> None:
    """If rows are added with every request, each row of the beginning is yielded once, in order, at any concurrency."""
    billing_simulator.behaviour.order = order  # type: ignore[assignment]
    before = billing_simulator.top_up_ids()
    billing_simulator.behaviour.grow_per_request = 3
    billing_simulator.behaviour.jitter_s = 0.01
    listing = billing.top_ups(page_size=20, concurrency=concurrency)
    rows = [row.id async for row in listing]
    after = billing_simulator.top_up_ids()
    assert len(rows) == len(set(rows))
    assert rows == (before if order == "newest_first" else after[: len(rows)])
    assert set(before) <= set(rows)
    assert listing.report.consistency == "grown"


@pytest.mark.parametrize("concurrency", [1, 4, 16])
@pytest.mark.billing_simulator(top_ups=600)
async def test_a_list_that_loses_rows_keeps_its_survivors(
    billing: AiozBilling, billing_simulator: Simulator, concurrency: int
) -> None:
    """If rows are removed and added, each surviving row is yielded exactly once, in order."""
    before = billing_simulator.top_up_ids()
    billing_simulator.behaviour.remove_per_request = 1
    billing_simulator.behaviour.grow_per_request = 1
    listing = billing.top_ups(page_size=30, concurrency=concurrency)
    rows = [row.id async for row in listing]
    after = set(billing_simulator.top_up_ids())
    assert len(rows) == len(set(rows))
    survivors = [row for row in before if row in after]
    assert [row for row in rows if row in after and row in before] == survivors


@pytest.mark.billing_simulator(top_ups=300)
async def test_on_drift_raise_stops_at_the_first_removal(billing: AiozBilling, billing_simulator: Simulator) -> None:
    """With on_drift="raise" a removed row stops the walk: the error has its report and a cursor."""
    listing = billing.top_ups(page_size=20, concurrency=1, on_drift="raise")
    rows = []
    with pytest.raises(DriftError) as caught:
        async for row in listing:
            rows.append(row.id)
            if len(rows) == 20:
                billing_simulator.remove_top_up(rows[3])
    assert caught.value.delivered == len(rows) == 20
    assert caught.value.report.rows == 20
    assert caught.value.cursor == listing.cursor


ENDINGS = ["break", "error", "aclose", "cancel", "timeout"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("rows_read", [0, 1, 30])
@pytest.mark.billing_simulator(top_ups=400)
async def test_no_ending_leaves_a_task_or_a_request(
    billing: AiozBilling, billing_simulator: Simulator, tasks_left: TasksLeft, ending: str, rows_read: int
) -> None:
    """However an iteration ends, no task and no request is left, and the client stays usable."""
    billing_simulator.behaviour.latency_s = 0.02

    async def read() -> None:
        count = 0
        listing = billing.top_ups(page_size=20, concurrency=8)
        if ending == "aclose":
            async with aclosing(aiter(listing)) as rows:
                for _ in range(rows_read):
                    await anext(rows)
            return
        async for _ in listing:
            count += 1
            if count >= rows_read:
                if ending == "break":
                    break
                if ending == "error":
                    raise RuntimeError("of the user's")
                await asyncio.sleep(10)

    task = asyncio.create_task(read())
    if ending == "timeout":
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01 if rows_read == 0 else 0.1):
                await task
    elif ending == "cancel":
        await asyncio.sleep(0.01 if rows_read == 0 else 0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    elif ending == "error":
        with pytest.raises(RuntimeError, match="of the user's"):
            await task
    else:
        await task
    assert await tasks_left() == []
    async with asyncio.timeout(5):
        while billing_simulator.in_flight:
            await asyncio.sleep(0.01)
    await billing.this_month_usage()


@pytest.mark.parametrize("steps", range(0, 120, 7))
@pytest.mark.billing_simulator(top_ups=100)
async def test_cancellation_at_any_loop_step(
    billing: AiozBilling, billing_simulator: Simulator, tasks_left: TasksLeft, steps: int
) -> None:
    """A walk that is cancelled after any number of loop steps leaves no task and no request."""
    task = asyncio.create_task(billing.top_ups(page_size=10, concurrency=4).collect())
    for _ in range(steps):
        await asyncio.sleep(0)
    finished = task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        assert finished or await task is None
    assert await tasks_left() == []


async def test_wrong_credentials_end_a_walk_at_once(billing_simulator: Simulator) -> None:
    """A 401 is raised at the first row, after one request."""
    async with AiozBilling(token="wrong", base_url=billing_simulator.url) as billing:
        with pytest.raises(AuthenticationError):
            await billing.top_ups().collect()
    assert len(billing_simulator.requests) == 1


@pytest.mark.billing_simulator(top_ups=100)
async def test_two_iterations_at_once_do_not_disturb_each_other(
    billing: AiozBilling, billing_simulator: Simulator
) -> None:
    """Two iterations of one listing at the same time each yield all rows."""
    listing = billing.top_ups(page_size=10)
    truth = billing_simulator.top_up_ids()
    results = await asyncio.gather(listing.collect(), listing.collect())
    assert [[row.id for row in rows] for rows in results] == [truth, truth]


@pytest.mark.slow
@pytest.mark.unmeasured
@pytest.mark.billing_simulator(top_ups=100_000)
async def test_memory_stays_flat(billing: AiozBilling) -> None:
    """100,000 rows are walked in the memory of a few windows: the second half needs no more than the first."""
    tracemalloc.start()
    count, first_peak = 0, 0
    async for _ in billing.top_ups():
        count += 1
        if count == 50_000:
            first_peak = tracemalloc.get_traced_memory()[1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100_000
    assert peak < first_peak * 1.1


async def test_a_listing_as_arrow(billing: AiozBilling) -> None:
    """The table and the batches have all rows in order, with the one schema of the record class."""
    ids = [row.id for row in await billing.top_ups().collect()]
    table = await billing.top_ups().to_arrow()
    batches = [batch async for batch in billing.top_ups().record_batches(rows=50)]
    assert table.column("id").to_pylist() == ids
    assert [value for batch in batches for value in batch.column("id").to_pylist()] == ids
    assert {batch.num_rows for batch in batches[:-1]} <= {50}
    assert {str(batch.schema) for batch in batches} == {str(table.schema)}


async def test_misuse_says_what_to_write(billing: AiozBilling) -> None:
    """An ordinary loop, list() and `with` on a listing are TypeErrors that say what to write; a page is a sequence."""
    for misuse in (list, iter):
        with pytest.raises(TypeError, match=r"async for.*collect"):
            misuse(billing.top_ups())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="needs no `with`"), billing.top_ups():
        pass
    page = await billing.top_ups()
    assert (list(page), len(page), page[0], page[:2]) == (page.items, len(page.items), page.items[0], page.items[:2])


async def test_pages_and_cursors_print_in_one_line(billing: AiozBilling) -> None:
    """A page prints the number of its rows, and a cursor its place, as the prompt of an interpreter shows them."""
    listing = billing.top_ups()
    page = await listing
    count = len(page.items)
    assert repr(page) == f"Page(items=<{count} rows>, offset=0, total={count})"
    await listing.collect()
    assert repr(listing.cursor) == (
        f"Cursor(endpoint='/api/billing/topUp', made_by='walk', position={count - 1}, total={count},"
        " finished=True, checksum=None)"
    )


async def test_a_wrong_page_size_says_why(billing: AiozBilling) -> None:
    """The reason for the smallest page size comes after the refused value."""
    with pytest.raises(ConfigurationError, match=r"of at least 2, not 1: pages must share a row"):
        billing.top_ups(page_size=1)


def test_a_refused_listing_has_a_repr() -> None:
    """A traceback that shows the locals of a refused listing doesn't fail."""
    assert "refused" in repr(Listing.__new__(Listing))


async def test_closing_the_client_ends_a_follow_that_sleeps(billing: AiozBilling) -> None:
    """A follow that waits for its next poll ends with `ClientClosedError` when its client is closed."""
    listing = billing.top_ups()
    waiting = asyncio.ensure_future(anext(listing.follow(every_s=3600)))
    while listing.cursor is None:
        await asyncio.sleep(0.01)
    await billing.close()
    with pytest.raises(ClientClosedError):
        await asyncio.wait_for(waiting, 5)
