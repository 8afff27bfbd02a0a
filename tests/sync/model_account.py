"""A list of top-ups that changes in any way while it is synced, in virtual time.

As a program, it runs one account for each seed: ``python -m tests.sync.model_account FIRST_SEED SEEDS``.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import attrs

from aiozbilling import AiozBillingError, DriftError, IncompleteError, Listing, ListingError, TopUp, TransportError
from aiozbilling.export.disk import Disk
from aiozbilling.listing.source import Source
from aiozbilling.sync import verify
from aiozbilling.sync.incremental import ListSync
from aiozbilling.sync.layout import TOP_UPS
from aiozbilling.sync.store import Ledger
from tests.export.export_lists import NOON, top_up
from tests.virtual_time import run


@attrs.frozen
class Behaviour:
    """How the provider misbehaves: probabilities for each request, or for each pause between two syncs."""

    at_tail: bool
    clamp: int
    grows: float
    removes: float
    moves: float
    backdates: float
    empties: float
    fails: float
    lag: int
    changes_within: bool
    collapses: float  # moments in which the server shows and counts only the first rows of the list
    stops: float = 0.02

    @classmethod
    def random(cls, choose: random.Random) -> Behaviour:
        """Return random probabilities."""
        some = (0.0, 0.0, 0.1, 0.4)
        return cls(
            at_tail=choose.random() < 0.5,
            clamp=choose.choice((5, 10, 25, 1000)),
            grows=choose.choice((0.2, 0.6, 0.9)),
            removes=choose.choice(some),
            moves=choose.choice(some),
            backdates=choose.choice(some),
            empties=choose.choice((0.0, 0.0, 0.05, 0.2)),
            fails=choose.choice((0.0, 0.0, 0.05, 0.2)),
            lag=choose.choice((0, 0, 0, 3)),
            changes_within=choose.random() < 0.3,
            collapses=choose.choice((0.0, 0.0, 0.02, 0.1)),
        )


class ModelAccount:
    """The provider's list, and the ledger that follows it."""

    def __init__(self, seed: int, path: Path) -> None:
        self.choose = random.Random(seed)
        self.behaviour = Behaviour.random(self.choose)
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        self.rows: list[TopUp] = []  # newest first
        self.numbers = iter(range(1, 10**6))
        self.totals: list[int] = []
        self.grow(self.choose.choice((0, 1, 5, 40, 120)))
        self.path = path
        self.ledger = Ledger(Disk(), path, "main", lambda: self.now)
        self.ledger.begin("https://example.com")
        self.ledger.accept_identity("aioz", "fingerprint", "https://example.com")
        self.kept: set[str] = set()  # rows that were in the list during the whole current sync
        self.is_disturbed = False
        self.shown = self.collapsed_replies = 0
        self.has_collapsed = False  # in the current sync
        self.was_refused = False  # a list that is as short in the next sync is accepted
        self.may_cancel = False  # a removal may hide a row that was added elsewhere, because the count stays the same

    def grow(self, count: int) -> None:
        """Add rows at the growing end; some share their time."""
        for _ in range(count):
            number = next(self.numbers)
            row = top_up(10 * number, created_at=NOON + timedelta(minutes=number // self.choose.choice((1, 1, 3))))
            self.rows.insert(0, row)

    def change(self, *, within: bool = False) -> None:
        """Add, remove and change rows at random."""
        behaviour, choose = self.behaviour, self.choose
        if choose.random() < behaviour.grows:
            self.grow(choose.choice((1, 1, 2, 30) if not within else (1, 1, 2)))
        if self.rows and choose.random() < behaviour.removes:
            at = choose.randrange(len(self.rows))
            del self.rows[at : at + choose.choice((1, 1, 3))]
            self.may_cancel = True
        if self.rows and choose.random() < behaviour.moves:
            self.rows.insert(choose.choice((0, len(self.rows) - 1)), self.rows.pop(choose.randrange(len(self.rows))))
        if self.rows and choose.random() < behaviour.backdates:
            at = choose.randrange(len(self.rows))
            number = next(self.numbers)
            self.rows.insert(at, top_up(10 * number + 5, created_at=self.rows[at].created_at))
            self.may_cancel = self.may_cancel or within or bool(behaviour.removes)
        self.totals.append(len(self.rows))
        self.kept &= {row.id for row in self.rows}

    async def fetch(self, offset: int, limit: int, _received: object = None) -> tuple[Sequence[TopUp | None], int]:
        """Reply to a request."""
        behaviour, choose = self.behaviour, self.choose
        self.now += timedelta(milliseconds=50)
        if behaviour.changes_within and choose.random() < 0.3:
            self.change(within=True)
            self.is_disturbed = True
        if choose.random() < behaviour.fails:
            raise TransportError("no answer", endpoint="/api/billing/topUp", attempts=1)
        if choose.random() < behaviour.empties:
            return (), 0
        rows = self.rows[::-1] if behaviour.at_tail else self.rows
        late = self.totals[-behaviour.lag - 1 :][:1] if behaviour.lag and choose.random() < 0.3 else None
        self.is_disturbed = self.is_disturbed or bool(late)
        total = late[0] if late else len(rows)
        if self._has_collapsed(len(rows)):
            rows, total = rows[: self.shown], self.shown
        return rows[offset : offset + min(limit, behaviour.clamp)], total

    def _has_collapsed(self, rows: int) -> bool:
        """Return whether this reply shows only a part of the list."""
        if rows and self.choose.random() < self.behaviour.collapses:
            self.shown, self.collapsed_replies = self.choose.randrange(rows), self.choose.choice((1, 2, 5, 40))
        if not self.collapsed_replies:
            return False
        self.collapsed_replies -= 1
        self.has_collapsed = self.has_collapsed or self.shown < rows
        self.is_disturbed = self.is_disturbed or self.was_refused
        return self.shown < rows

    def listing(self, **options: Any) -> Listing[TopUp]:
        """Return a listing, as `AiozBilling.top_ups` does."""
        source = Source("/api/billing/topUp", self.fetch, attrgetter("id"), attrgetter("created_at"), {})
        return Listing(source, page_size=max(10, self.behaviour.clamp), **options)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    async def sync(self) -> str:
        """Sync once, check the stored rows, and return how the sync ended."""
        self.kept = {row.id for row in self.rows}
        self.is_disturbed, self.has_collapsed, self.collapsed_replies = False, False, 0
        known = self._present()
        full = self.may_cancel
        syncing = ListSync(self.ledger, TOP_UPS, self.listing, self.on_page, self.sleep)
        try:
            await syncing.run(full=full)
        except (TransportError, IncompleteError, DriftError, ListingError, _StopError) as error:
            self.was_refused = self.was_refused or isinstance(error, IncompleteError)
            return type(error).__name__
        self.was_refused = False
        if not syncing.seen and not self.ledger.present(TOP_UPS):
            assert self.behaviour.empties or self.behaviour.collapses or not self.rows, "a list with rows seems empty"
            return "empty"  # the list seemed empty, and is read whole by every sync until it has rows
        stored = {id_ for (id_,) in self.ledger.select("SELECT id FROM top_ups")}
        present = self._present()
        if self.has_collapsed and not self.is_disturbed:
            self.may_cancel = True  # rows that were not shown and not stored before come with a later sync
            marked = self.kept & known - present  # few look as if single rows had been removed
            assert len(marked) <= 0.1 * len(known) + 10, f"marked as missing: {marked}"
        elif not self.is_disturbed:
            self.may_cancel = False
            assert stored >= self.kept, f"lost: {self.kept - stored}"
            assert present == self.kept, f"wrong: {present ^ self.kept}"
        else:
            self.may_cancel = True
        return "complete"

    def _present(self) -> set[str]:
        return {id_ for (id_,) in self.ledger.select("SELECT id FROM top_ups WHERE missing_since IS NULL")}

    def on_page(self, _read: int, _new: int, _total: int) -> None:
        """Stop a sync at a random request, as if its process had died."""
        if self.choose.random() < self.behaviour.stops:
            raise _StopError

    async def run(self, syncs: int) -> Counter[str]:
        """Sync several times while the list changes; then a sync of a well-behaved provider must miss nothing."""
        ended: Counter[str] = Counter()
        for _ in range(syncs):
            for _ in range(self.choose.choice((0, 1, 3))):
                self.change()
            self.now += timedelta(seconds=self.choose.choice((5, 3600)))
            ended[await self.sync()] += 1
        self.behaviour = attrs.evolve(
            self.behaviour, empties=0.0, fails=0.0, lag=0, changes_within=False, collapses=0.0, stops=0.0
        )
        for _ in range(5):
            self.now += timedelta(minutes=2)
            self.may_cancel = True
            if await self.sync() in ("complete", "empty"):
                break
        else:
            raise AssertionError("the list of a provider that is well can't be synced")
        self.ledger.fail(RuntimeError(), {})
        assert verify(self.path).is_ok
        return ended


class _StopError(Exception):
    """The process died."""


def trial(seed: int, folder: Path, syncs: int = 25) -> Counter[str]:
    """Run one account."""
    path = folder / f"{seed}.sqlite"
    account = ModelAccount(seed, path)
    try:
        return run(account.run(syncs))
    finally:
        account.ledger.close()
        path.unlink()


def _main(first: int, seeds: int) -> None:
    ended: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        for seed in range(first, first + seeds):
            try:
                ended += trial(seed, Path(folder))
            except (AssertionError, AiozBillingError) as error:
                ended["failed"] += 1
                sys.stdout.write(f"seed {seed}: {type(error).__name__}: {str(error)[:300]}\n")
    sys.stdout.write(f"{dict(ended)}\n")


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))
