"""A server in memory that pages through a moving list, as badly as real ones do, and a driver that walks it.

Written from the rule alone; it shares nothing with the walk but its public names.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import attrs

from aiozbilling.errors import DriftError, IncompleteError, RunawayError
from aiozbilling.listing.walk import Trail, Walk, Window

LISTING_ERRORS = (DriftError, IncompleteError, RunawayError)


@attrs.frozen
class Row:
    """One row; its id is all that matters."""

    id: str


@attrs.define
class Behaviour:
    """What the server does to its list and its replies; rates are per moment."""

    head: float = 0.0
    tail: float = 0.0
    middle: float = 0.0
    delete: float = 0.0
    burst: int = 1  # rows in one change, at most
    lag: int = 0  # totals are of up to so many changes ago
    clamp: int | None = None
    nulls: float = 0.0  # share of the rows
    null_page: bool = False  # a run of null rows longer than a page
    transient: float = 0.0  # share of replies that are empty without a reason
    early_end: int | None = None  # replies from here on are empty
    total: Callable[[int], int] = lambda true: true
    offset: Callable[[int, int], int] = lambda offset, limit: offset
    shuffled: bool = False
    repeated: str = ""  # "adjacent", "near" or "far": one id stands twice
    more: int = 0  # rows given beyond the limit


class ModelServer:
    """Serve a list that changes by chance."""

    def __init__(self, size: int, behaviour: Behaviour, rng: random.Random) -> None:
        self.behaviour = behaviour
        self.rng = rng
        self.made = 0
        self.deleted: set[str] = set()
        self.rows: list[Row | None] = [self._row() for _ in range(size)]
        self.reads = 0
        self.first: list[Row | None] | None = None
        if behaviour.null_page and size > 8:
            at = rng.randrange(size)
            self.rows[at:at] = [None] * rng.randrange(2, size)
        if behaviour.repeated and size > 1:
            self._repeat(behaviour.repeated)
        self.lengths = deque([len(self.rows)], maxlen=behaviour.lag + 1)

    def _row(self) -> Row | None:
        self.made += 1
        return None if self.rng.random() < self.behaviour.nulls else Row(f"r{self.made}")

    def _repeat(self, how: str) -> None:
        size = len(self.rows)
        i = self.rng.randrange(size - 1)
        j = {"adjacent": i + 1, "near": min(size - 1, i + self.rng.randrange(1, 4)), "far": self.rng.randrange(i + 1, size)}[how]
        self.rows[j] = self.rows[i]

    def change(self) -> None:
        """Let one moment pass."""
        b, rng, rows = self.behaviour, self.rng, self.rows
        if rng.random() < b.head:
            rows[:0] = [self._row() for _ in range(rng.randint(1, b.burst))]
            self.lengths.append(len(rows))
        if rng.random() < b.tail:
            rows += [self._row() for _ in range(rng.randint(1, b.burst))]
            self.lengths.append(len(rows))
        if rng.random() < b.middle:
            at = rng.randint(0, len(rows))
            rows[at:at] = [self._row() for _ in range(rng.randint(1, b.burst))]
            self.lengths.append(len(rows))
        if rows and rng.random() < b.delete:
            at = rng.randrange(len(rows))
            gone = rows[at : at + rng.randint(1, b.burst)]
            del rows[at : at + len(gone)]
            self.deleted |= {row.id for row in gone if row}
            self.lengths.append(len(rows))

    def read(self, window: Window) -> tuple[list[Row | None], int]:
        """Answer one request as the list stands now."""
        b, rng = self.behaviour, self.rng
        if self.first is None:
            self.first = list(self.rows)
        self.reads += 1
        total = b.total(rng.choice(self.lengths))
        offset = b.offset(window.offset, window.limit)
        limit = window.limit if b.clamp is None else min(window.limit, b.clamp)
        rows = self.rows[offset : offset + limit + b.more]
        if b.transient and rng.random() < b.transient:
            return [], total
        if b.early_end is not None and offset >= b.early_end:
            return [], total
        if b.shuffled:
            rng.shuffle(rows)
        return rows, total


@attrs.define
class Outcome:
    """What one walk brought, or how it failed."""

    rows: list[str]
    error: Exception | None
    walk: Walk[Row]
    trails: list[tuple[int, Trail | None]]


def drive(
    server: ModelServer, walk: Walk[Row], ahead: int, *, changes: int = 2, max_requests: int = 100_000
) -> Outcome:
    """Walk the server with up to `ahead` windows in flight, read at random moments and in random order."""
    rng = server.rng
    rows: list[str] = []
    trails: list[tuple[int, Trail | None]] = []
    replies: dict[Window, Any] = {}
    try:
        while not walk.done:
            plan = walk.plan(ahead)
            assert 0 < len(plan) <= ahead, "the plan keeps to its bound"
            assert len(set(plan)) == len(plan), "no window is wanted twice"
            replies = {window: replies.get(window) for window in plan}
            while replies[plan[0]] is None or rng.random() < 0.3:
                for _ in range(rng.randint(0, changes)):
                    server.change()
                waiting = [window for window, reply in replies.items() if reply is None]
                if waiting:
                    window = rng.choice(waiting)
                    replies[window] = server.read(window)
            delivery = walk.accept(plan[0], *replies.pop(plan[0]))
            got = [row.id for row in delivery.items]
            handed = rng.randint(0, len(got))
            trails.append((len(rows) + handed, walk.trail(handed)))
            rows += got
            assert walk.report.requests <= max_requests, "requests are bounded"
    except LISTING_ERRORS as error:
        return Outcome(rows, error, walk, trails)
    return Outcome(rows, None, walk, trails)


def make_walk(limit: int, **options: Any) -> Walk[Row]:
    """Make a walk over `Row`s."""
    return Walk(key=attrgetter("id"), limit=limit, **options)


def survivors(server: ModelServer, begin: int = 0) -> list[str]:
    """Name the rows that lived through the whole walk, in list order."""
    return [row.id for row in (server.first or [])[begin:] if row and row.id not in server.deleted]


def check(server: ModelServer, rows: list[str], *, complete: bool, begin: int = 0) -> None:
    """Assert the promise: no row twice, and the survivors delivered are the first of them, in order; all if `complete`."""
    assert len(set(rows)) == len(rows), f"rows came twice: {[row for row in rows if rows.count(row) > 1]}"
    alive = survivors(server, begin)
    known = set(alive)
    came = [row for row in rows if row in known]
    assert came == alive[: len(came)], f"lost or out of order: {came} of {alive}"
    if complete:
        assert len(came) == len(alive), f"lost: {alive[len(came) :]}"
