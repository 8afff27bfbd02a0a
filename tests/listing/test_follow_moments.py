"""Following a list that is empty or short, or seems to be for a while, in virtual time."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from operator import attrgetter

import pytest

from aiozbilling import Cursor, IncompleteError, Listing
from aiozbilling.listing.source import Source
from tests.listing.model_provider import Row
from tests.virtual_time import run


class Account:
    """A list whose rows are added at given seconds.

    In the seconds `empty`, it seems to be empty; in the seconds `short`, it seems to have only its first row.
    """

    def __init__(self, rows_at: dict[float, str], *, empty: range = range(0), short: range = range(0)) -> None:
        self.rows_at = rows_at
        self.empty = empty
        self.short = short

    async def fetch(self, offset: int, limit: int, _received: object = None) -> tuple[list[Row], int]:
        await asyncio.sleep(0.1)
        now = asyncio.get_running_loop().time()
        rows = [Row(name, None) for at, name in self.rows_at.items() if now >= at]
        rows = [] if int(now) in self.empty else rows[:1] if int(now) in self.short else rows
        return rows[offset : offset + limit], len(rows)

    def listing(self, after: Cursor | None = None, page_size: int | None = None) -> Listing[Row]:
        source = Source("/list", self.fetch, attrgetter("id"), attrgetter("time"), {})
        return Listing(source, after=after, page_size=page_size)


OLD = {-1.0 - number: f"old{number}" for number in range(101)}


async def rows_within(seconds: float, listing: Listing[Row], every_s: float) -> list[str]:
    came: list[str] = []
    async with aclosing(listing.follow(every_s=every_s)) as rows:
        try:
            async with asyncio.timeout(seconds):
                async for row in rows:
                    came.append(row.id)  # noqa: PERF401 - what came before the timeout is kept
        except TimeoutError:
            return came
    raise AssertionError("a follow never ends by itself")


@pytest.mark.parametrize("every_s", [1.0, 10.0, 3600.0])
def test_an_empty_list_is_confirmed_soon(every_s: float) -> None:
    """However rarely a list is polled, it counts as empty after half a minute without rows: its next row is new."""
    account = Account({30.0: "a", 30.0 + every_s: "b"})
    assert run(rows_within(60.0 + 2 * every_s, account.listing(), every_s)) == ["a", "b"]


@pytest.mark.parametrize("every_s", [10.0, 3600.0])
@pytest.mark.parametrize("count", [1, 500])
def test_rows_that_come_into_sight_before_that_are_known(
    every_s: float, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    """If a list seems to be empty at first and then has rows, only later rows are new, and a warning is logged."""
    caplog.set_level(logging.WARNING, logger="aiozbilling")
    account = Account({-1.0 - number: f"old{number}" for number in range(count)} | {40.0: "new"}, empty=range(12))
    assert run(rows_within(60.0 + every_s, account.listing(), every_s)) == ["new"]
    assert [record.getMessage() for record in caplog.records] == [
        f"following /list: the list seemed to be empty at first; its {count} rows count as known"
    ]


def test_after_a_walk_of_an_empty_list_every_row_is_new() -> None:
    """The cursor of a walk without rows needs no confirmation: a row that is added at once is new."""
    account = Account({2.0: "a", 15.0: "b"})

    async def walk_and_follow() -> list[str]:
        listing = account.listing()
        assert await listing.collect() == []
        return await rows_within(60.0, account.listing(after=listing.cursor), 10.0)

    assert run(walk_and_follow()) == ["a", "b"]


def test_a_list_that_showed_rows_is_not_empty() -> None:
    """A first reading that fails after some rows, with empty replies in all later polls, makes no old row new."""
    account = Account(OLD | {60.0: "new"}, empty=range(1, 25))
    assert run(rows_within(90.0, account.listing(page_size=5), 1.0)) == ["new"]


@pytest.mark.parametrize("disturbance", ["empty", "short"])
@pytest.mark.parametrize("every_s", [5.0, 30.0])
def test_a_disturbance_makes_no_old_row_new_after_a_resume(disturbance: str, every_s: float) -> None:
    """If a follow is stopped while the list seems to be empty or short, a resume yields only the new rows."""

    async def follow_and_resume(stop_at: float) -> list[str]:
        account = Account(OLD | {250.0: "a", 400.0: "b"}, **{disturbance: range(100, 140)})
        listing = account.listing()
        came = await rows_within(stop_at, listing, every_s)
        await asyncio.sleep(200.0 - stop_at)
        return came + await rows_within(300.0, account.listing(listing.cursor), every_s)

    for stop_at in (111.0, 120.0, 150.0):
        assert run(follow_and_resume(stop_at)) == ["a", "b"]


def test_a_list_that_stays_far_shorter_ends_a_follow() -> None:
    """A list that lost most of its rows, poll after poll, is an error that says what to do."""
    account = Account(OLD, short=range(100, 10**6))
    with pytest.raises(IncompleteError, match=r"the list had 101 rows, and now has 1 of them .*Read the whole list"):
        run(rows_within(8000.0, account.listing(), 10.0))
