"""An account's token deposits as a list that grows and shrinks."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from aiozbilling.simulator.behaviour import Behaviour
from aiozbilling.simulator.deposits import Deposits, RowTimes

__all__ = ["TopUps"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TopUps:
    """The current list of deposits.

    A row is a function of the account's seed and of its serial number, which counts from the oldest and never
    changes. Only the serials that were removed or credited by hand are stored, so a million rows cost nothing.
    """

    def __init__(self, seed: str, count: int, days: int, now: datetime) -> None:
        self._deposits = Deposits(seed)
        self.end: int = count
        self._removed: list[int] = []
        self._credited: dict[int, int] = {}  # serial: when, in microseconds
        self._now_us = now_us = _microseconds(now)
        self._step = max(days, 1) * 86_400_000_000 // max(count, 1)
        # (first serial, its earliest time, microseconds between rows) of each run of rows that came in together
        self._runs = [(0, now_us - count * self._step, self._step), (count, now_us, 1_000_000)]
        self._totals: deque[int] = deque([count], maxlen=1000)

    def __len__(self) -> int:
        return self.end - len(self._removed)

    def total(self, lag: int) -> int:
        """Count the rows as of `lag` changes ago."""
        return self._totals[max(0, len(self._totals) - 1 - lag)]

    def add(self, count: int) -> None:
        """Add `count` new deposits, one second apart."""
        self.end += count
        self._totals.append(len(self))

    def remove(self, serial: int) -> None:
        """Remove a row; the rows after it move up."""
        at = bisect_left(self._removed, serial)
        if not 0 <= serial < self.end or self._removed[at : at + 1] == [serial]:
            raise LookupError(f"there is no top-up {serial}")
        self._removed.insert(at, serial)
        self._totals.append(len(self))

    def restore(self, serial: int) -> None:
        """Put a row back where it was."""
        at = bisect_left(self._removed, serial)
        if self._removed[at : at + 1] != [serial]:
            raise LookupError(f"top-up {serial} was not removed")
        del self._removed[at]
        self._totals.append(len(self))

    def credit(self, serial: int) -> None:
        """Credit a deposit at the present time."""
        self._credited[serial] = self._now_us

    def pass_time(self, now: datetime) -> None:
        """Move the clock forward: later deposits are created at `now` or after it."""
        self._now_us = _microseconds(now)
        first, start, step = self._runs[-1]
        start = max(self._now_us, start + (self.end - first) * step)
        if first == self.end:
            self._runs.pop()
        self._runs.append((self.end, start, 1_000_000))

    def serials(self, order: str, offset: int = 0, limit: int | None = None) -> Iterator[int]:
        """Iterate the serial numbers of a window, in list order."""
        stop = len(self) if limit is None else min(len(self), offset + limit)
        if not self._removed:
            yield from (
                range(offset, stop)
                if order == "oldest_first"
                else range(self.end - 1 - offset, self.end - 1 - stop, -1)
            )
            return
        for position in range(offset, stop):
            rank = position if order == "oldest_first" else len(self) - 1 - position
            yield rank + self._removed_before(rank)

    def serial_of(self, id: str) -> int:  # noqa: A002 - the provider's name
        """Find the row that carries an id."""
        serial = self._deposits.serial_of(id)
        if serial is None or serial >= self.end:
            raise LookupError(f"there is no top-up {id!r}")
        return serial

    def id_of(self, serial: int) -> str:
        """Make a row's id."""
        return self._deposits.id_of(serial)

    def row(self, serial: int, behaviour: Behaviour) -> dict[str, Any] | None:
        """Return a row as it is served; None for a null row."""
        row: dict[str, Any] | None = json.loads(self.encode(serial, behaviour))
        return row

    def encode(self, serial: int, behaviour: Behaviour) -> str:
        """Write a row as JSON."""
        if behaviour.null_row_every and (serial + 1) % behaviour.null_row_every == 0:
            return "null"
        first, start, step = self._runs[bisect_right(self._runs, serial, key=_first) - 1]
        times = RowTimes(start + (serial - first) * step, step, self._now_us, self._credited.get(serial))
        return self._deposits.encode(serial, times, behaviour)

    def _removed_before(self, rank: int) -> int:
        # The n-th of the removed serials has `removed[n] - n` remaining rows before it.
        removed = self._removed
        return bisect_right(range(len(removed)), rank, key=lambda n: removed[n] - n)


def _first(run: tuple[int, int, int]) -> int:
    return run[0]


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
