"""A server that says for a moment that a list is empty, or much shorter, while it is synced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from aiozbilling import IncompleteError, Listing, TopUp
from aiozbilling.exchange.call import Received
from aiozbilling.listing.source import Source
from tests.sync.test_incremental import Account
from tests.virtual_time import run


class EmptyAtFirst(Account):
    """An account whose server answers some requests with an empty list, or with its first rows only."""

    empty_replies = 0
    shown: int | None = None
    extra = 0  # by which the count is too high
    shrink_to: tuple[int, int] | None = None  # from this offset on, only so many rows are shown

    def listing(self, **options: Any) -> Listing[TopUp]:
        whole = super().listing()

        async def fetch(offset: int, limit: int, received: Received | None) -> tuple[Sequence[TopUp | None], int]:
            if self.empty_replies:
                self.empty_replies -= 1
                return (), 0
            if self.shrink_to is not None and offset > self.shrink_to[0]:
                self.shown, self.shrink_to = self.shrink_to[1], None
            rows, total = await whole._source.fetch(offset, limit, received)
            shown = total if self.shown is None else min(total, self.shown)
            return rows[: max(0, shown - offset)], shown + self.extra

        source = Source("/api/billing/topUp", fetch, attrgetter("id"), attrgetter("created_at"), {})
        return Listing(source, page_size=50, **options)


@pytest.fixture(params=[False, True], ids=["head", "tail"])
def account(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmptyAtFirst]:
    with closing(EmptyAtFirst(tmp_path / "b.sqlite", at_tail=request.param)) as account:
        account.grow(120)
        yield account


@pytest.mark.parametrize("replies", [1, 2, 3, 5, 7, 9, 10**6])
def test_empty_moments_take_no_stored_row_away(account: EmptyAtFirst, replies: int) -> None:
    """However many replies are empty when a sync begins, it stores all rows or fails, and marks none as missing."""
    run(account.catch_up())
    account.grow(60)
    account.empty_replies = replies
    try:
        run(account.catch_up())
    except IncompleteError:
        assert replies > 2
    else:
        assert not account.missing()
    assert account.present() == account.stored()
    account.empty_replies = 0
    run(account.catch_up())
    assert account.present() == {row.id for row in account.rows}


@pytest.mark.parametrize("replies", [1, 2, 7, 8, 9, 20])
def test_a_list_that_seemed_empty_at_first_is_read_later(account: EmptyAtFirst, replies: int) -> None:
    """A first sync that finds an empty list, with all its confirmations, leaves the rows to the next sync."""
    account.empty_replies = replies
    run(account.catch_up())
    assert account.stored() in (set(), {row.id for row in account.rows})
    account.empty_replies = 0
    run(account.catch_up())
    assert account.present() == {row.id for row in account.rows}


@pytest.mark.parametrize("shown", [1, 50, 75, 90])
def test_a_list_that_seems_much_shorter_takes_no_stored_row_away(account: EmptyAtFirst, shown: int) -> None:
    """If a server shows and counts only a part of the list, a single sync marks no row as missing."""
    run(account.catch_up())
    account.shown = shown
    with pytest.raises(IncompleteError, match=f"the list of top_ups has {shown} rows, and {120 - shown} stored rows"):
        run(account.catch_up())
    assert account.present() == {row.id for row in account.rows}
    account.shown = None
    run(account.catch_up())
    assert account.present() == {row.id for row in account.rows}


def test_a_list_without_the_rest_after_an_interruption(account: EmptyAtFirst) -> None:
    """A list that has only the rows of the interrupted sync now is accepted a minute later at the latest."""
    account.grow(380)
    with pytest.raises(RuntimeError):
        run(account.catch_up(stop_after=60))
    account.rows = [row for row in account.rows if row.id in account.stored()]
    account.grow(20)
    for _ in range(2):
        with suppress(IncompleteError):
            run(account.catch_up())
    account.now += timedelta(minutes=2)
    run(account.catch_up())
    assert account.present() == {row.id for row in account.rows}


def test_a_count_that_was_too_high_once_does_not_stop_later_syncs(account: EmptyAtFirst) -> None:
    """A count that was too high in an interrupted sync does not make all later syncs fail."""
    account.extra = 500
    with pytest.raises(RuntimeError):
        run(account.catch_up(stop_after=120))
    account.extra = 0
    account.grow(20)
    with pytest.raises(IncompleteError, match="the list had 620 rows"):
        run(account.catch_up())
    account.now += timedelta(minutes=2)
    run(account.catch_up())
    assert account.present() == {row.id for row in account.rows}


def test_a_place_that_is_far_from_a_list_that_became_short(account: EmptyAtFirst) -> None:
    """An interrupted sync whose rows are all gone is started again, though the search for its place is too long."""
    account.grow(2880)
    with pytest.raises(RuntimeError):
        run(account.catch_up(stop_after=2500))
    stored = account.stored()
    account.rows = [row for row in account.rows if row.id not in stored][:10]
    with pytest.raises(IncompleteError, match="stored rows are not among them"):
        run(account.catch_up())
    account.now += timedelta(minutes=2)
    run(account.catch_up())
    assert account.present() == {row.id for row in account.rows}


@pytest.mark.parametrize("begun", [False, True])
def test_a_list_that_collapses_during_a_sync_is_not_complete_in_the_next(account: EmptyAtFirst, begun: bool) -> None:
    """A list that became far shorter while it was read is refused by the next sync, and accepted a minute later."""
    account.grow(380)
    if begun:
        with pytest.raises(RuntimeError):
            run(account.catch_up(stop_after=60))
    account.shrink_to = (150, 200)
    for _ in range(3):
        with pytest.raises(IncompleteError, match="the list had 500 rows"):
            run(account.catch_up())
    account.shown = None
    run(account.catch_up())
    assert account.present() == {row.id for row in account.rows}
