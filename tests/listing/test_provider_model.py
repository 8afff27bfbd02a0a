"""Follow against a model of a provider that misbehaves, in virtual time."""

from __future__ import annotations

import logging
from operator import attrgetter

import pytest

from aiozbilling.listing.news import Follower
from aiozbilling.listing.source import Source
from tests.listing.model_provider import Row, trial


@pytest.mark.parametrize("block", range(3))
def test_no_row_twice_none_lost_no_old_row(block: int, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the list does, each new row comes once and no old one, or an error of the library is raised."""
    caplog.set_level(logging.CRITICAL)
    ended = {trial(seed) for seed in range(10 * block, 10 * (block + 1))}
    assert "complete" in ended


@pytest.mark.slow
@pytest.mark.unmeasured
@pytest.mark.timeout(600)
def test_more_seeds(caplog: pytest.LogCaptureFixture) -> None:
    """The same for five hundred other seeds."""
    caplog.set_level(logging.CRITICAL)
    ended = [trial(seed) for seed in range(1000, 1500)]
    assert ended.count("complete") > 250


@pytest.mark.parametrize("page_size", [None, 6000])
async def test_a_long_list_that_stands_still_has_no_new_rows(page_size: int | None) -> None:
    """Following a list of 7,000 rows, in pages of any size, yields nothing if nothing is added."""
    rows = [Row(f"r{number}", None) for number in range(7000)]

    async def fetch(offset: int, limit: int, _received: object = None) -> tuple[list[Row], int]:
        return rows[offset : offset + limit], len(rows)

    follower = Follower(Source("/list", fetch, attrgetter("id"), attrgetter("time"), {}), page_size)
    assert [await follower.poll() for _ in range(4)] == [[], [], [], []]
