"""A list that changes in any way while it is followed, in virtual time.

Run as a program, it makes one trial for each seed: ``python -m tests.listing.model_provider FIRST_SEED SEEDS``.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections import Counter, deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any

import attrs

from aiozbilling.errors import DriftError, IncompleteError, ListingError, TransportError
from aiozbilling.listing import known, news, sketch
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.follow import follow
from aiozbilling.listing.news import Follower
from aiozbilling.listing.source import Source
from tests.virtual_time import run

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
EVERY_S = 10.0
KNOWN_REMOVALS = 16  # a cursor knows this many removed rows; see "What it cannot guarantee"


@attrs.frozen
class Row:
    """A row of the list."""

    id: str
    time: datetime | None


@attrs.define
class Behaviour:
    """How the provider behaves: probabilities for each change, or for each request."""

    at_tail: bool
    clamp: int
    size: int
    grows: float
    bursts: float
    late: float  # rows that are added before the latest ones
    backdates: float
    removes: float
    returns: float  # rows that were removed a short time before
    moves: float
    moments: float  # of empty replies
    outages: float
    lags: float
    resumes: float
    ties: int
    has_times: bool

    @classmethod
    def random(cls, choose: random.Random) -> Behaviour:
        """Choose one."""
        some = (0.0, 0.0, 0.1, 0.3)
        backdates, moves = choose.choice(
            ((0.0, 0.0), (0.2, 0.0), (0.0, 0.2))
        )  # a count does not show them if both happen at once
        return cls(
            at_tail=choose.random() < 0.5,
            clamp=choose.choice((10, 25, 100, 1000)),
            size=choose.choice((0, 0, 1, 5, 30, 99, 101, 130, 320)),
            grows=choose.choice((0.2, 0.6, 0.9)),
            bursts=choose.choice((0.0, 0.1)),
            late=choose.choice(some),
            backdates=backdates,
            removes=choose.choice(some),
            returns=choose.choice((0.0, 0.0, 0.2)),
            moves=moves,
            moments=choose.choice((0.0, 0.0, 0.02, 0.1)),
            outages=choose.choice((0.0, 0.0, 0.05, 0.2)),
            lags=choose.choice((0.0, 0.0, 0.2)),
            resumes=choose.choice((0.0, 0.1, 0.5)),
            ties=choose.choice((1, 1, 3, 10**6)),
            has_times=choose.random() < 0.8,
        )


class Provider:
    """The list and its replies."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self.behaviour = Behaviour.random(self.choose)
        self.rows: list[Row] = []  # newest first
        self.made = 0
        self.unsure: set[str] = set()  # added together with a removal, so that no count shows it
        self.removed: deque[Row] = deque(maxlen=3)
        self.removals = 0
        self.forgotten: set[str] = set()  # reappeared when a cursor may no longer know them
        self.totals: deque[int] = deque(maxlen=4)
        self.empty_until = -1.0
        self.has_shown_rows = False
        self.grow(self.behaviour.size)
        self.old = {row.id for row in self.rows}

    def _row(self, at: int = 0) -> Row:
        self.made += 1
        behaviour = self.behaviour
        minutes = (self.made if not at else int(self.rows[min(at, len(self.rows)) - 1].id[1:])) // behaviour.ties
        return Row(f"r{self.made}", BEGIN + timedelta(minutes=minutes) if behaviour.has_times else None)

    def grow(self, count: int) -> None:
        """Add rows at the growing end."""
        for _ in range(count):
            self.rows.insert(0, self._row())

    def change(self) -> None:
        """Change the list at random."""
        behaviour, choose, rows = self.behaviour, self.choose, self.rows
        if choose.random() < behaviour.grows:
            self.grow(choose.choice((1, 1, 2, 5)))
        if choose.random() < behaviour.bursts:
            self.grow(choose.choice((40, 150)))
        if len(rows) > 1 and choose.random() < behaviour.late:
            at = choose.randint(1, min(4, len(rows)))
            rows.insert(at, self._row(at))
            self._note_unsure(rows[at])
        if len(rows) > 1 and choose.random() < behaviour.backdates:
            at = choose.randint(1, len(rows))
            rows.insert(at, self._row(at))
            self._note_unsure(rows[at])
        if rows and choose.random() < behaviour.removes:
            at = choose.randrange(len(rows))
            end = at + choose.choice((1, 1, 3))
            self.removed += rows[at:end]
            self.removals += len(rows[at:end])
            del rows[at:end]
        if rows and self.removed and choose.random() < behaviour.returns:
            self.unsure.add(
                self.removed[-1].id
            )  # it may not have been delivered, and a removal hides it from the count
            if self.removals > KNOWN_REMOVALS:
                self.forgotten.add(self.removed[-1].id)
            rows.insert(choose.randint(1, len(rows)), self.removed.pop())
        if rows and choose.random() < behaviour.moves:
            row = rows.pop(choose.randrange(len(rows)))
            rows.insert(choose.choice((0, len(rows))), row)
        self.totals.append(len(rows))

    def _note_unsure(self, row: Row) -> None:
        if self.behaviour.removes or self.behaviour.lags:
            self.unsure.add(row.id)

    async def fetch(self, offset: int, limit: int, _received: object = None) -> tuple[Sequence[Row | None], int]:
        """Answer a request."""
        behaviour, choose, loop = self.behaviour, self.choose, asyncio.get_running_loop()
        await asyncio.sleep(0.05)
        if choose.random() < behaviour.moments:
            self.empty_until = loop.time() + choose.choice((0.02, 0.3, 5.0))
        if choose.random() < behaviour.outages:
            raise TransportError("no answer", endpoint="/list", attempts=1)
        if loop.time() < self.empty_until:
            return [], 0
        self.has_shown_rows = self.has_shown_rows or bool(self.rows)
        rows = self.rows[::-1] if behaviour.at_tail else self.rows
        total = len(rows)
        if self.totals and choose.random() < behaviour.lags:
            total = choose.choice(self.totals)
        return rows[offset : offset + min(limit, behaviour.clamp)], total

    def calm_down(self) -> None:
        """Behave well from now on."""
        self.behaviour = attrs.evolve(self.behaviour, moments=0.0, outages=0.0, lags=0.0)
        self.empty_until = -1.0


class Trial:
    """One provider that is followed."""

    def __init__(self, seed: int) -> None:
        self.provider = Provider(seed)
        self.choose = self.provider.choose
        self.page_size = self.choose.choice((None, None, 10, 100, 6000))
        self.came: list[str] = []
        self.cursor: str | None = None
        self.good_polls = 0
        self.polled = asyncio.Event()

    def _follower(self) -> Follower[Row]:
        source = Source("/list", self.provider.fetch, attrgetter("id"), attrgetter("time"), {})
        return Follower(source, self.page_size, None if self.cursor is None else Cursor.parse(self.cursor))

    async def _sleep(self, seconds: float) -> None:
        self.good_polls += seconds == EVERY_S
        self.polled.set()
        await asyncio.sleep(seconds)

    async def _poll(self) -> None:
        """Wait until the next poll is over."""
        self.polled.clear()
        await self.polled.wait()

    async def run(self) -> str:
        """Follow, change the list in pauses, check the rows that were yielded, and return how it ended."""
        try:
            begun = await self._follow(rounds=0)
            if self.provider.old and not self.provider.has_shown_rows:
                return "seemed empty"  # in all polls of the beginning: no client can see the difference
            for _ in range(self.choose.randint(1, 4)):
                if self.choose.random() < self.provider.behaviour.resumes:
                    for _ in range(self.choose.choice((0, 1, 3, 3, 20))):
                        self.provider.change()
                await self._follow(rounds=self.choose.randint(1, 6))
            self.provider.calm_down()
            await self._follow(rounds=0, good_polls=6)
        except (DriftError, IncompleteError, ListingError, TransportError) as error:
            self._check(begun=None)
            return type(error).__name__
        self._check(begun)
        return "complete"

    async def _follow(self, rounds: int, good_polls: int = 0) -> set[str]:
        """Follow over some rounds of changes; return the rows of the list at the first cursor."""
        follower = self._follower()
        rows = follow(follower, EVERY_S, self._sleep)
        reader = asyncio.create_task(self._take(rows))
        reader.add_done_callback(lambda _: self.polled.set())
        try:
            while not (follower.has_begun or self.cursor or reader.done()):
                await self._poll()
            there = {row.id for row in self.provider.rows}
            for _ in range(rounds):
                await asyncio.sleep(self.choose.choice((0.02, 0.3, 4.0, 11.0)))
                if not reader.done():
                    self.provider.change()
            await asyncio.sleep(self.choose.choice((0.1, 5.0)))
            self.good_polls = 0
            while not reader.done() and self.good_polls < good_polls:
                await self._poll()
            self.cursor = None if follower.cursor is None else str(follower.cursor)
        finally:
            if not reader.done():
                reader.cancel()
            await asyncio.wait({reader})
            await rows.aclose()
        if not reader.cancelled() and (error := reader.exception()) is not None:
            raise error
        return there

    async def _take(self, rows: Any) -> None:
        async for row in rows:
            self.came.append(row.id)

    def _check(self, begun: set[str] | None) -> None:
        came = [name for name in self.came if name not in self.provider.forgotten]
        twice = [name for name, count in Counter(came).items() if count > 1]
        assert not twice, f"rows came twice: {twice[:5]} ({len(twice)})"
        old = self.provider.old.intersection(came)
        assert not old, f"old rows came: {sorted(old)[:5]} ({len(old)})"
        if begun is not None:
            present = {row.id for row in self.provider.rows}
            lost = present - self.provider.old - begun - set(self.came) - self.provider.unsure
            assert not lost, f"rows were lost: {sorted(lost)[:5]} ({len(lost)})"


def trial(seed: int) -> str:
    """Run one trial."""
    return run(Trial(seed).run())


def _remember_pure_functions() -> None:
    """Compute the digest of a key and its cells once, not in each trial: all trials have the same keys."""
    known.digest = news.digest = cache(known.digest)
    for name in ("_cells", "_value"):
        setattr(sketch, name, cache(getattr(sketch, name)))


def _main(first: int, seeds: int) -> None:
    logging.disable()
    _remember_pure_functions()
    ended: Counter[str] = Counter()
    for seed in range(first, first + seeds):
        try:
            ended[trial(seed)] += 1
        except Exception as error:
            ended["failed"] += 1
            sys.stdout.write(f"seed {seed}: {type(error).__name__}: {str(error)[:300]}\n")
            sys.stdout.flush()
        if not (seed - first + 1) % 2500:
            sys.stdout.write(f"{seed - first + 1}: {dict(ended)}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{dict(ended)}\n")


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))
