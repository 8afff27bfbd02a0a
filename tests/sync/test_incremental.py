"""Incremental updates of lists in memory that change in arbitrary ways."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from aiozbilling import IncompleteError, Listing, TopUp
from aiozbilling.exchange.call import Received
from aiozbilling.export.disk import Disk
from aiozbilling.listing.source import Source
from aiozbilling.sync.incremental import ListSync
from aiozbilling.sync.layout import TOP_UPS
from aiozbilling.sync.store import Ledger
from tests.export.export_lists import listing_of, top_up
from tests.sync.model_account import trial


class Account:
    """A list that grows at its head or at its tail, and the ledger with its rows."""

    def __init__(self, path: Path, *, at_tail: bool) -> None:
        self.rows: list[TopUp] = []
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        self._ledger = Ledger(Disk(), path, "main", lambda: self.now)
        self._ledger.begin("https://example.com")
        self._at_tail = at_tail
        self._numbers = iter(range(1, 10**6))

    def grow(self, count: int) -> None:
        for _ in range(count):
            self.rows.insert(0, top_up(1000 * next(self._numbers)))

    def intrude(self, at: int) -> None:
        """Insert a row in the middle of the list, like one that was recorded late."""
        self.rows.insert(at, top_up(1000 * next(self._numbers) - 500, created_at=self.rows[at].created_at))

    def listing(self, **options: Any) -> Listing[TopUp]:
        return listing_of(self.rows[::-1] if self._at_tail else list(self.rows), page_size=50, **options)

    async def catch_up(self, stop_after: int | None = None) -> ListSync:
        def on_page(read: int, _new: int, _total: int) -> None:
            if stop_after is not None and read >= stop_after:
                raise RuntimeError

        async def sleep(seconds: float) -> None:
            self.now += timedelta(seconds=seconds)

        list_sync = ListSync(self._ledger, TOP_UPS, self.listing, on_page, sleep)
        await list_sync.run()
        return list_sync

    def close(self) -> None:
        self._ledger.close()

    def stored(self) -> set[str]:
        return {id_ for (id_,) in self._ledger.select("SELECT id FROM top_ups")}

    def present(self) -> set[str]:
        return {id_ for (id_,) in self._ledger.select("SELECT id FROM top_ups WHERE missing_since IS NULL")}

    def missing(self) -> set[str]:
        return {row.id for row in self.rows} - self.stored()


@pytest.fixture(params=[False, True], ids=["head", "tail"])
def account(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Account]:
    with closing(Account(tmp_path / "b.sqlite", at_tail=request.param)) as account:
        account.grow(500)
        yield account


async def test_an_interrupted_first_run_is_resumed(account: Account) -> None:
    """The next run does not read stored rows again."""
    with pytest.raises(RuntimeError):
        await account.catch_up(stop_after=400)
    assert len(account.stored()) >= 400
    assert (await account.catch_up()).requests < 7
    assert not account.missing()


async def test_rows_inserted_in_the_middle_are_found_by_the_count(account: Account) -> None:
    """A row that was inserted far from the growing end is stored, even after other rows were removed."""
    await account.catch_up()
    account.intrude(250)
    await account.catch_up()
    assert not account.missing()
    del account.rows[100:103]
    await account.catch_up()
    account.intrude(250)
    assert (await account.catch_up()).counts.new == 1
    assert not account.missing()
    assert (await account.catch_up()).requests == 1


async def test_a_list_that_shrank_beyond_the_place_is_read_again(account: Account) -> None:
    """If none of the known first or last rows is left at its position, no row is skipped."""
    await account.catch_up()
    del account.rows[60:]
    account.grow(300)
    with pytest.raises(IncompleteError, match="440 stored rows are not among them"):
        await account.catch_up()
    assert not account.missing()
    assert len(account.present()) == 800
    account.now += timedelta(minutes=2)
    assert (await account.catch_up()).counts.missing == 440
    assert account.present() == {row.id for row in account.rows}
    assert (await account.catch_up()).requests == 1


async def test_removed_rows_are_marked(account: Account) -> None:
    """A removed row keeps its data and gets `missing_since`, which is cleared if the row reappears."""
    await account.catch_up()
    gone = account.rows.pop(300)
    assert (await account.catch_up()).counts.missing == 1
    assert account.stored() - account.present() == {gone.id}
    account.rows.insert(300, gone)
    assert (await account.catch_up()).counts.changed == 1
    assert account.stored() == account.present()


async def test_a_removal_next_to_news_does_not_hide_a_backdated_row(account: Account) -> None:
    """The server's count is compared with the stored rows, so the next run finds a row inserted in the past."""
    await account.catch_up()
    account.grow(2)
    del account.rows[200]
    await account.catch_up()
    account.intrude(250)
    await account.catch_up()
    assert not account.missing()


class Busy(Account):
    """An account to which rows are added during each reading: two where it has already been, and one at the end."""

    is_busy = True

    def listing(self, **options: Any) -> Listing[TopUp]:
        is_changed = not self.is_busy

        async def fetch(offset: int, limit: int, received: Received | None) -> tuple[Sequence[TopUp | None], int]:
            nonlocal is_changed
            if offset > 200 and not is_changed:
                is_changed = True
                self.intrude(-10)
                self.intrude(-20)
                self.grow(1)
            return await super(Busy, self).listing()._source.fetch(offset, limit, received)

        source = Source("/api/billing/topUp", fetch, attrgetter("id"), attrgetter("created_at"), {})
        return Listing(source, page_size=50, concurrency=1, **options)


@pytest.mark.parametrize("removed", [0, 2])
async def test_rows_that_are_added_during_two_readings_are_found(tmp_path: Path, removed: int) -> None:
    """Rows that two readings miss are not taken for rows that the server never returns, nor hidden by removed ones."""
    with closing(Busy(tmp_path / "b.sqlite", at_tail=True)) as account:
        account.grow(500)
        await account.catch_up()
        await account.catch_up()
        assert len(account.missing()) == 2
        account.is_busy = False
        del account.rows[300 : 300 + removed]  # with two, the count is the number of stored rows
        await account.catch_up()
        assert not account.missing()


async def test_an_account_whose_rows_were_all_removed_stays_usable(account: Account) -> None:
    """An empty list is an error first and accepted a minute later; new rows are stored after that."""
    await account.catch_up()
    del account.rows[:]
    with pytest.raises(IncompleteError):
        await account.catch_up()
    assert len(account.present()) == 500
    account.now += timedelta(minutes=2)
    await account.catch_up()
    assert not account.present()
    account.grow(3)
    await account.catch_up()
    assert account.present() == {row.id for row in account.rows}


@pytest.mark.parametrize(
    "trials", [pytest.param(10), pytest.param(120, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
async def test_no_history_of_changes_leaves_a_gap(account: Account, trials: int) -> None:
    """After runs that stop anywhere while the list grows and shrinks, a complete run has stored every row."""
    choose = random.Random(trials)
    for _ in range(trials):
        account.grow(choose.choice((0, 0, 1, 40, 130)))
        if choose.random() < 0.2:
            at = choose.randrange(len(account.rows))
            del account.rows[at : at + choose.choice((1, 3, 60))]
        try:
            await account.catch_up(choose.choice((None, None, 40, 90, 200)))
        except RuntimeError:
            continue
        assert not account.missing()
        assert account.present() == {row.id for row in account.rows}
    await account.catch_up()
    assert not account.missing()


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(n, marks=[pytest.mark.slow, pytest.mark.unmeasured]) for n in (1000, 2000))]
)
def test_no_behaviour_of_the_provider_loses_a_row(tmp_path: Path, first: int) -> None:
    """However the list changes and wherever a sync stops, it ends with every row stored or with an AiozBillingError."""
    for seed in range(first, first + (12 if first else 4)):
        trial(seed, tmp_path, syncs=8)
