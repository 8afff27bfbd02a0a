"""An account's daily usage, and the current month's, which is the sum of its days."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import attrs

from aiozbilling.simulator.behaviour import Behaviour
from aiozbilling.simulator.credentials import digest

__all__ = ["History"]

_STORAGE_PRICE = 133_333  # attodollars for a byte and day: about 4 dollars for a terabyte and month
_BANDWIDTH_PRICE = 5_000_000  # attodollars for a byte: 5 dollars for a terabyte


@attrs.frozen
class _Day:
    day: date
    storage: int
    bandwidth: int
    storage_cost: int
    bandwidth_cost: int


class History:
    """List the days of an account, one row each, today's growing during the day."""

    def __init__(self, seed: str, days: int, now: datetime) -> None:
        self._seed = seed
        self._first = now.date() - timedelta(days=days - 1)
        self._now = now

    def __len__(self) -> int:
        return (self._now.date() - self._first).days + 1

    def pass_time(self, now: datetime) -> None:
        """Move the clock forward."""
        self._now = now

    def total(self, lag: int) -> int:
        """Count the rows as of `lag` days ago."""
        return max(0, len(self) - lag)

    def serials(self, order: str, offset: int = 0, limit: int | None = None) -> range:
        """Return the numbers of a window's days, in list order; 0 is the oldest day."""
        every = range(len(self)) if order == "oldest_first" else range(len(self) - 1, -1, -1)
        return every[offset:] if limit is None else every[offset : offset + limit]

    def encode(self, serial: int, behaviour: Behaviour) -> str:
        """Write a row as JSON."""
        return json.dumps(self.row(serial, behaviour), separators=(",", ":"))

    def row(self, serial: int, behaviour: Behaviour) -> dict[str, Any] | None:
        """Return a row as it is served; None for a null row."""
        if behaviour.null_row_every and (serial + 1) % behaviour.null_row_every == 0:
            return None
        day = self._day(self._first + timedelta(days=serial))
        row: dict[str, Any] = {
            "date": f"{day.day}T{'23:59:59.999999999' if behaviour.nanoseconds else '00:00:00'}Z",
            "total_storage": day.storage,
            "total_bandwidth": day.bandwidth,
            "total_amount": str(day.storage_cost + day.bandwidth_cost),
        }
        return row | {"region": None} if behaviour.extra_keys else row

    def month(self) -> dict[str, Any]:
        """Sum the current month."""
        today = self._now.date()
        first = max(self._first, today.replace(day=1))
        days = [self._day(first + timedelta(days=n)) for n in range((today - first).days + 1)]
        return {
            "total_storage": days[-1].storage if days else 0,
            "storage_usage": sum(day.storage for day in days) // max(len(days), 1),
            "bandwidth_usage": sum(day.bandwidth for day in days),
            "storage_cost": str(sum(day.storage_cost for day in days)),
            "bandwidth_cost": str(sum(day.bandwidth_cost for day in days)),
        }

    def _day(self, day: date) -> _Day:
        noise = int.from_bytes(digest(self._seed, f"day {day}", 8), "big")
        # Storage grows by about 2 GiB a day, from half a terabyte on the first one.
        storage = (512 << 30) + max(0, (day - self._first).days) * (2 << 30) + noise % (1 << 30)
        start = datetime.combine(day, time(), UTC)
        elapsed_s = min(86_400, max(0, int((self._now - start).total_seconds())))
        bandwidth = (noise >> 30) % (40 << 30) * elapsed_s // 86_400
        storage_cost = storage * _STORAGE_PRICE * elapsed_s // 86_400
        return _Day(day, storage, bandwidth, storage_cost, bandwidth * _BANDWIDTH_PRICE)
