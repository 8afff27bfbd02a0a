"""A server in memory with a list that changes, as badly as those of real servers, and a driver that walks it.

It is written from the rule, and shares only the public names with the walk.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import attrs

from aiozbilling.errors import DriftError, IncompleteError, RunawayError
from aiozbilling.listing.walk import Walk
from aiozbilling.listing.window import Anchors, WalkOptions, Window

LISTING_ERRORS = (DriftError, IncompleteError, RunawayError)


@attrs.frozen
class Row:
    """One row; its id is all that matters."""

    id: str


@attrs.define
class Behaviour:
    """What the server does to its list and its replies; rates are per step of time."""

    head: float = 0.0
    tail: float = 0.0
    middle: float = 0.0
    delete: float = 0.0
    burst: int = 1  # maximum number of rows in one change
    lag: int = 0  # totals lag by up to this many changes
    heals: bool = True  # but not after a pause
    clamp: int | None = None
    nulls: float = 0.0  # share of the rows
    null_page: bool = False  # consecutive null rows, more than a page
    transient: float = 0.0  # share of replies that are empty without a reason
    early_end: int | None = None  # replies from this offset on are empty
    total: Callable[[int], int] = lambda true: true
    offset: Callable[[int, int], int] = lambda offset, limit: offset
    shuffled: bool = False
    tied: int = 0  # rows of equal time in a group, which requests return in different orders
    repeated: str = ""  # "adjacent", "near" or "far": one id occurs twice
    more: int = 0  # rows returned beyond the limit
    moves: float = 0.0  # rate at which a row moves to the head
    moments: float = 0.0  # share of replies with which a series of empty replies with total 0 begins


class ModelServer:
    """Serve a list that changes by chance."""

    def __init__(self, size: int, behaviour: Behaviour, rng: random.Random) -> None:
        self.behaviour = behaviour
        self.rng = rng
        self.made = 0
        self.deleted: set[str] = set()
        self.rows: list[Row | None] = [self._row() for _ in range(size)]
        self.reads = 0
        self.first: list[Row | None] = []  # the list at the first read that returned rows
        self.begun = False
        self.moved: set[str] = set()
        self.now, self.empty_until = 0.0, -2.0  # in seconds
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
        farthest = {"adjacent": i + 1, "near": min(size - 1, i + 3), "far": size - 1}[how]
        j = self.rng.randint(i + 1, farthest)
        self.rows[j] = self.rows[i]

    def change(self) -> None:
        """Let one step of time pass."""
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
        if rows and rng.random() < b.moves:
            row = rows.pop(rng.randrange(len(rows)))
            rows.insert(0, row)
            self.moved.add(row.id if row else "")
        if rows and rng.random() < b.delete:
            at = rng.randrange(len(rows))
            gone = rows[at : at + rng.randint(1, b.burst)]
            del rows[at : at + len(gone)]
            self.deleted |= {row.id for row in gone if row}
            self.lengths.append(len(rows))

    def _unstable(self) -> list[Row | None]:
        """Return the list as a server sorts it whose rows have equal times in groups, now and then in another order."""
        groups = [
            self.rows[begin : begin + self.behaviour.tied] for begin in range(0, len(self.rows), self.behaviour.tied)
        ]
        return [
            row
            for group in groups
            for row in (group if self.rng.random() < 0.7 else self.rng.sample(group, len(group)))
        ]

    def read(self, window: Window) -> tuple[list[Row | None], int]:
        """Answer one request as the list is now."""
        b, rng = self.behaviour, self.rng
        self.reads += 1
        self.now += 0.02 + window.pause_s
        if rng.random() < b.moments and self.now > self.empty_until + 2:  # no second one within the pauses
            self.empty_until = self.now + rng.choice((0.02, 0.1, 0.3))
        if self.now < self.empty_until:
            if self.reads == 1:
                self.first = list(self.rows)
            return [], 0
        if not self.begun:
            self.first = list(self.rows)
        total = b.total(self.lengths[-1] if window.pause_s and b.heals else rng.choice(self.lengths))
        offset = b.offset(window.offset, window.limit)
        limit = window.limit if b.clamp is None else min(window.limit, b.clamp)
        rows = (self._unstable() if b.tied else self.rows)[offset : offset + limit + b.more]
        if rng.random() < b.transient or (b.early_end is not None and offset >= b.early_end):
            return [], total
        self.begun = self.begun or bool(rows)
        return (rng.sample(rows, len(rows)) if b.shuffled else rows), total


@attrs.define
class Outcome:
    """The rows of one walk, or its error."""

    rows: list[str]
    error: Exception | None
    walk: Walk[Row]
    places: list[tuple[int, Anchors | None]]


BEHAVIOURS: dict[str, Callable[[random.Random], Behaviour]] = {
    "static": lambda r: Behaviour(),
    "head": lambda r: Behaviour(head=r.choice([0.05, 0.2, 0.5]), lag=r.choice([0, 3]), heals=r.random() < 0.5),
    "tail": lambda r: Behaviour(tail=r.choice([0.05, 0.2, 0.5]), lag=r.choice([0, 3]), heals=r.random() < 0.5),
    "both ends": lambda r: Behaviour(head=r.choice([0.05, 0.2]), tail=r.choice([0.05, 0.2]), lag=r.choice([0, 3])),
    "deletions": lambda r: Behaviour(
        delete=r.choice([0.02, 0.05, 0.2]), lag=r.choice([0, 3]), burst=r.choice([1, 1, 9])
    ),
    "head and deletions": lambda r: Behaviour(
        head=r.choice([0.05, 0.2]), delete=r.choice([0.05, 0.2]), lag=r.choice([0, 3]), heals=r.random() < 0.5
    ),
    "tail and deletions": lambda r: Behaviour(tail=0.2, delete=r.choice([0.05, 0.2]), lag=r.choice([0, 3])),
    "everywhere": lambda r: Behaviour(head=0.1, tail=0.1, middle=0.1, delete=0.1, lag=r.choice([0, 3])),
    "in bursts": lambda r: Behaviour(head=0.1, tail=0.1, middle=0.05, delete=0.1, burst=8, lag=r.choice([0, 3])),
    "middle": lambda r: Behaviour(middle=0.1, lag=r.choice([0, 3])),
    "clamped": lambda r: Behaviour(head=0.1, delete=0.05, clamp=r.randint(1, 12)),
    "null rows": lambda r: Behaviour(nulls=0.1, head=0.1, delete=0.05),
    "null pages": lambda r: Behaviour(null_page=True, head=r.choice([0, 0.1])),
    "transient empties": lambda r: Behaviour(transient=0.1, head=0.05, delete=r.choice([0, 0.05])),
    "empty moments": lambda r: Behaviour(
        moments=r.choice([0.02, 0.1]), head=r.choice([0, 0.1]), delete=r.choice([0, 0.05])
    ),
    "rows that move": lambda r: Behaviour(
        moves=r.choice([0.02, 0.1, 0.3]), head=r.choice([0, 0.2]), moments=r.choice([0, 0, 0.05])
    ),
    "early end": lambda r: Behaviour(early_end=r.randint(0, 60), head=r.choice([0, 0.1])),
    "total too big": lambda r: Behaviour(total=lambda true: true + 5, head=0.1),
    "total too small": lambda r: Behaviour(total=lambda true: max(0, true - r.randint(1, 9)), head=0.1),
    "total 0": lambda r: Behaviour(total=lambda true: 0, head=0.1, delete=0.05),
    "total negative": lambda r: Behaviour(total=lambda true: -3, delete=0.1),
    "offset ignored": lambda r: Behaviour(offset=lambda offset, limit: 0, head=r.choice([0, 0.1])),
    "offset rounded": lambda r: Behaviour(
        offset=lambda offset, limit: offset // limit * limit, head=r.choice([0, 0.1])
    ),
    "shuffled": lambda r: Behaviour(shuffled=True),
    "equal times in any order": lambda r: Behaviour(tied=r.choice([2, 3, 5, 20])),
    "adjacent repeat": lambda r: Behaviour(repeated="adjacent", head=r.choice([0, 0.1])),
    "near repeat": lambda r: Behaviour(repeated="near", head=r.choice([0, 0.1])),
    "far repeat": lambda r: Behaviour(repeated="far", head=r.choice([0, 0.1])),
    "limit ignored": lambda r: Behaviour(more=r.randint(1, 5)),
}


def drive(server: ModelServer, walk: Walk[Row], ahead: int, *, changes: int = 2) -> Outcome:
    """Walk the server with up to `ahead` windows in flight, read at random moments and in random order."""
    rng, size = server.rng, len(server.rows)
    rows: list[str] = []
    places: list[tuple[int, Anchors | None]] = []
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
            page = walk.accept(plan[0], *replies.pop(plan[0]))
            got = [row.id for row in page.items]
            handed = rng.randint(0, len(got))
            places.append((len(rows) + handed, walk.anchors(handed)))
            rows += got
            most = 200 + 5 * (size + len(rows))  # a list that grows as fast as it is read takes longer
            assert walk.report.requests <= most, "requests are bounded"
    except LISTING_ERRORS as error:
        return Outcome(rows, error, walk, places)
    return Outcome(rows, None, walk, places)


def make_walk(limit: int, **options: Any) -> Walk[Row]:
    """Create a walk of `Row`s."""
    return Walk(WalkOptions(key=attrgetter("id"), limit=limit, **options))


def survivors(server: ModelServer, begin: int = 0) -> list[str]:
    """Return the ids of the rows that were in the list during the whole walk, in list order."""
    return [row.id for row in server.first[begin:] if row and row.id not in server.deleted]


def check(server: ModelServer, rows: list[str], *, complete: bool, begin: int = 0) -> None:
    """Assert that no row came twice, and that the surviving rows came in order: all of them if `complete`."""
    assert len(set(rows)) == len(rows), f"rows came twice: {[row for row in rows if rows.count(row) > 1]}"
    alive = survivors(server, begin)
    known = set(alive)
    came = [row for row in rows if row in known]
    assert came == alive[: len(came)], f"lost or out of order: {came} of {alive}"
    if complete:
        assert len(came) == len(alive), f"lost: {alive[len(came) :]}"


def trial(name: str, seed: int) -> str:
    """Walk a random list under a behaviour, then continue from random anchors; check the promise; return the end."""
    rng = random.Random(f"{name} {seed}")
    behaviour = BEHAVIOURS[name](rng)
    size = rng.choice([0, 1, 2, 3, rng.randint(0, 60), rng.randint(20, 150)])
    limit = rng.choice([2, 3, rng.randint(2, 20), rng.randint(2, 20), 50, 120])
    ahead = rng.choice([1, 1, 2, 4, 8, 16])
    offset = rng.choice([0, 0, 0, rng.randint(0, 20)]) if behaviour.offset(7, 2) == 7 else 0
    most = rng.choice([None, None, None, rng.randint(0, 100)])
    policy = rng.choice(["repair", "repair", "repair", "raise"])
    server = ModelServer(size, behaviour, rng)
    walk = make_walk(limit, offset=offset, max_items=most, on_drift=policy)
    outcome = drive(server, walk, ahead)
    ended = outcome.error is None and (most is None or len(outcome.rows) < most)
    assert most is None or len(outcome.rows) <= most, "no more rows than wanted"
    assert walk.report.rows == len(outcome.rows), "the report counts the rows"
    if behaviour.repeated and size > 1:
        assert len(set(outcome.rows)) == len(outcome.rows), "rows came twice"
        assert not ended or offset or server.made > size, "a repeated key is found"
    elif behaviour.shuffled:
        assert len(set(outcome.rows)) == len(outcome.rows), "rows came twice"
        assert not ended or set(survivors(server, offset)) <= set(outcome.rows), "rows were lost"
    elif behaviour.tied:
        assert len(set(outcome.rows)) == len(outcome.rows), "rows came twice"
        lost = set(survivors(server, offset)) - set(outcome.rows) if ended and not offset else set()
        assert not lost or (policy, walk.report.consistency) == ("repair", "changed"), "a row was lost silently"
    elif behaviour.moves:
        assert len(set(outcome.rows)) == len(outcome.rows), "rows came twice"
        lost = set(survivors(server, offset)) - set(outcome.rows)
        assert not ended or not lost - server.moved, "rows that did not move were lost"
        assert not ended or not lost or walk.report.consistency == "changed", "a row that moved was lost silently"
    else:
        check(server, outcome.rows, complete=ended, begin=offset)
        _resume(server, outcome, limit, ahead, offset)
    return type(outcome.error).__name__ if outcome.error else "complete"


def _resume(server: ModelServer, outcome: Outcome, limit: int, ahead: int, offset: int) -> None:
    taken, anchors = server.rng.choice(outcome.places or [(0, None)])
    if anchors is None:
        return
    for _ in range(server.rng.randint(0, 10)):
        server.change()
    again = drive(server, make_walk(limit, after=anchors), ahead)
    check(server, outcome.rows[:taken] + again.rows, complete=again.error is None, begin=offset)
