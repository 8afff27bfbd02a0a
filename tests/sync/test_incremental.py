"""Lists brought up to date, over lists in memory that change in any way."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aiozbilling import ExportError, Listing, TopUp
from aiozbilling.export.disk import Disk
from aiozbilling.sync.incremental import CatchingUp
from aiozbilling.sync.store import Ledger
from aiozbilling.tables.table import TOP_UPS
from tests.export.export_lists import listing_of, top_up


class Account:
    """A list that grows at its head, or turned around at its tail, and what is stored of it."""

    def __init__(self, ledger: Ledger, *, at_tail: bool) -> None:
        self.rows: list[TopUp] = []
        self._ledger = ledger
        self._at_tail = at_tail
        self._numbers = iter(range(1, 10**6))

    def grow(self, count: int) -> None:
        for _ in range(count):
            self.rows.insert(0, top_up(1000 * next(self._numbers)))

    def intrude(self, at: int) -> None:
        """Let a row come in amid the list, as one that was recorded late."""
        self.rows.insert(at, top_up(1000 * next(self._numbers) - 500, created_at=self.rows[at].created_at))

    def listing(self, **options: Any) -> Listing[TopUp]:
        return listing_of(self.rows[::-1] if self._at_tail else list(self.rows), page_size=50, **options)

    async def catch_up(self, stop_after: int | None = None) -> CatchingUp:
        def on_page(read: int, _new: int, _total: int) -> None:
            if stop_after is not None and read >= stop_after:
                raise RuntimeError

        catching_up = CatchingUp(self._ledger, TOP_UPS, self.listing, on_page)
        await catching_up.run()
        return catching_up

    def stored(self) -> set[str]:
        found = self._ledger._database.execute("SELECT id FROM top_ups").fetchall()
        return {id_ for (id_,) in found}

    def missing(self) -> set[str]:
        return {row.id for row in self.rows} - self.stored()


@pytest.fixture(params=[False, True], ids=["head", "tail"])
def account(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Account]:
    with closing(Ledger(Disk(), tmp_path / "b.sqlite", "main")) as ledger:
        account = Account(ledger, at_tail=request.param)
        account.grow(500)
        yield account


async def test_an_interrupted_first_run_goes_on(account: Account) -> None:
    """What was stored is not read again."""
    with pytest.raises(RuntimeError):
        await account.catch_up(stop_after=400)
    assert len(account.stored()) >= 400
    assert (await account.catch_up()).requests < 7
    assert not account.missing()


async def test_rows_amid_the_list_are_found_by_the_count(account: Account) -> None:
    """A row that came in far from the growing end is stored, also after others were removed."""
    await account.catch_up()
    account.intrude(250)
    await account.catch_up()
    assert not account.missing()
    del account.rows[100:103]
    await account.catch_up()
    account.intrude(250)
    assert (await account.catch_up()).new == 1
    assert not account.missing()
    assert (await account.catch_up()).requests == 1


async def test_a_list_that_shrank_beyond_the_place_is_read_again(account: Account) -> None:
    """Where no row that was the last or the first is left at its place, nothing is skipped."""
    await account.catch_up()
    del account.rows[60:]
    account.grow(300)
    await account.catch_up()
    assert not account.missing()
    del account.rows[:]
    account.grow(120)
    with pytest.raises(ExportError, match="is in the server's list"):
        await account.catch_up()


@pytest.mark.parametrize(
    "trials", [pytest.param(60), pytest.param(400, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
async def test_no_history_of_changes_leaves_a_gap(account: Account, trials: int) -> None:
    """Runs that are stopped anywhere, between growth and removals, end with every row stored."""
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
    await account.catch_up()
    assert not account.missing()
