"""Exactly the new rows of a list that changes in any way, in virtual time."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any

import pytest

from aiozbilling import DriftError, IncompleteError, Listing, ListingError, TopUp
from aiozbilling.fleet.changes import Changes, Place
from aiozbilling.fleet.new_rows import new_rows, rows_between
from aiozbilling.listing.source import Source
from tests.export.export_lists import NOON, top_up
from tests.marks import slow
from tests.virtual_time import run


class Account:
    """A list of top-ups, newest first or turned around, and its changes."""

    def __init__(self, size: int, *, at_tail: bool, clamp: int = 100) -> None:
        self.rows: list[TopUp] = []
        self.at_tail = at_tail
        self.clamp = clamp
        self.numbers = iter(range(1, 10**6))
        self.requests = 0
        self.grow(size)

    def grow(self, count: int) -> None:
        for _ in range(count):
            number = next(self.numbers)
            self.rows.insert(0, top_up(number, created_at=NOON + timedelta(minutes=number)))

    def backdate(self, at: int) -> None:
        self.rows.insert(at, top_up(next(self.numbers), created_at=self.rows[at].created_at))

    async def fetch(self, offset: int, limit: int, _received: object = None) -> tuple[Sequence[TopUp], int]:
        self.requests += 1
        rows = self.rows[::-1] if self.at_tail else self.rows
        return rows[offset : offset + min(limit, self.clamp)], len(rows)

    def begin(self, **options: Any) -> Listing[TopUp]:
        source = Source("/api/billing/topUp", self.fetch, attrgetter("id"), attrgetter("created_at"), {})
        return Listing(source, page_size=100, **options)

    def read(self, since: Place | None) -> tuple[list[str], Place]:
        rows, place = run(new_rows(self.begin, TopUp, since))
        return [row.id for row in rows], Place.from_dict(json.loads(json.dumps(place.as_dict())))


@pytest.mark.parametrize("at_tail", [False, True])
@pytest.mark.parametrize("seed", [*range(3), *slow(*range(3, 10))])
def test_every_row_comes_once(seed: int, at_tail: bool) -> None:
    """Whatever is added, removed and moved between readings, every row comes once, or a known error is raised."""
    choose = random.Random(seed)
    account = Account(choose.choice((0, 1, 5, 90, 130, 400)), at_tail=at_tail, clamp=choose.choice((10, 64, 1000)))
    came, place = account.read(None)
    for _ in range(6):
        account.grow(choose.choice((0, 1, 3, 40, 150)))
        backdated = moved = False
        if account.rows and choose.random() < 0.3:
            account.backdate(choose.randrange(len(account.rows)))
            backdated = True
        if account.rows and not backdated and choose.random() < 0.3:  # both at once hide each other in the count
            account.rows.insert(0, account.rows.pop(choose.randrange(len(account.rows))))
            moved = True
        if account.rows and not backdated and not moved and choose.random() < 0.4:
            at = choose.randrange(len(account.rows))
            del account.rows[at : at + choose.choice((1, 1, 3))]
        before = place
        try:
            ids, place = account.read(before)
            again = [row.id for row in run(rows_between(account.begin, TopUp, before, place))]
        except ListingError:
            assert len(account.rows) < 10, "only a list that lost nearly all rows is an error here"
            return
        assert sorted(again) == sorted(ids), "a stream that failed reads the same rows again"
        came += ids
        assert len(came) == len(set(came)), "rows came twice"
        assert {row.id for row in account.rows} <= set(came), "rows were lost"


@pytest.mark.parametrize("at_tail", [False, True])
def test_nothing_new_takes_one_request(at_tail: bool) -> None:
    """A list that did not change takes one request."""
    account = Account(500, at_tail=at_tail)
    _, place = account.read(None)
    account.requests = 0
    assert account.read(place) == ([], place)
    assert account.requests == 1 + at_tail


def test_a_place_of_an_earlier_release_is_read() -> None:
    """A place without a summary of the keys brings new rows, and the next place has one."""
    account = Account(300, at_tail=False)
    changes = Changes(account.begin, TopUp, None, corrected=False)

    async def read() -> None:
        async for _ in changes.rows():
            pass

    run(read())
    fields = changes.place.as_dict()
    del fields["sketch"]
    account.grow(5)
    ids, place = account.read(Place.from_dict(fields))
    assert ids == [row.id for row in account.rows[:5]]
    account.backdate(150)
    assert account.read(place)[0] == [account.rows[150].id]


def test_too_many_changes_are_an_error_that_says_what_to_do() -> None:
    """If it is not certain which rows are new, or if most rows were removed, no row is returned."""
    account = Account(300, at_tail=False)
    _, place = account.read(None)
    for _ in range(80):
        account.backdate(150)
    with pytest.raises(DriftError, match="with a new checkpoint"):
        account.read(place)
    del account.rows[50:]
    with pytest.raises(IncompleteError, match="with a new checkpoint"):
        account.read(place)
