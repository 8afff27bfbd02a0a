"""The simulated customers: each with credentials, rows and a rate limit of its own."""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING, Any

from aiozbilling.simulator.credentials import Credentials
from aiozbilling.simulator.history import History
from aiozbilling.simulator.top_ups import TopUps

if TYPE_CHECKING:
    from datetime import datetime

    from aiozbilling.simulator.behaviour import Behaviour

__all__ = ["Account"]


class Account:
    """Be a customer of all three systems."""

    def __init__(self, seed: str, top_ups: int, days: int, now: datetime, behaviour: Behaviour) -> None:
        self.seed = seed
        self.now = now
        credentials = Credentials.from_seed(seed)
        self.api_key, self.secret_key, self.token = credentials.api_key, credentials.secret_key, credentials.token
        self.b3os_token, self.organization = credentials.b3os_token, credentials.organization
        self.metered_token = credentials.metered_token
        self.top_ups = TopUps(seed, top_ups, days, now)
        self.history = History(seed, days, now)
        self._behaviour = behaviour
        self._random = random.Random(seed)
        self._served_at: deque[float] = deque()

    def top_up_rows(self) -> list[dict[str, Any] | None]:
        """List all top-ups as a perfect walk would see them now, nulls included."""
        return self._rows(self.top_ups)

    def history_rows(self) -> list[dict[str, Any] | None]:
        """List all days as a perfect walk would see them now, nulls included."""
        return self._rows(self.history)

    def top_up_ids(self) -> list[str]:
        """List the ids of the rows that are no nulls, in list order."""
        every = self._behaviour.null_row_every
        serials = self.top_ups.serials(self._behaviour.order)
        return [self.top_ups.id_of(serial) for serial in serials if not every or (serial + 1) % every]

    def month(self) -> dict[str, Any]:
        """Read this month's usage as it is served now."""
        return self.history.month()

    def add_top_ups(self, count: int = 1) -> list[str]:
        """Let new deposits come in, and return their ids, oldest first."""
        first = self.top_ups.end
        self.top_ups.add(count)
        return [self.top_ups.id_of(serial) for serial in range(first, first + count)]

    def remove_top_up(self, which: str | int) -> str:
        """Delete the top-up with an id, or at a position in list order as it stands, and return its id.

        Raises:
            LookupError: there is no such row.

        """
        serial = self.top_ups.serial_of(which) if isinstance(which, str) else self._serial_at(which)
        self.top_ups.remove(serial)
        return self.top_ups.id_of(serial)

    def restore_top_up(self, id: str) -> None:  # noqa: A002 - the provider's name
        """Put a removed top-up back where it was, so that a row comes in amid the list.

        Raises:
            LookupError: no such row was removed.
        """
        self.top_ups.restore(self.top_ups.serial_of(id))

    def change(self) -> None:
        """Let the top-ups change as much as they do between two pages."""
        for _ in range(min(self._behaviour.remove_per_request, len(self.top_ups))):
            self.remove_top_up(self._random.randrange(len(self.top_ups)))
        if self._behaviour.grow_per_request:
            self.top_ups.add(self._behaviour.grow_per_request)

    def pass_time(self, now: datetime) -> None:
        """Set the clock forward."""
        self.now = now
        self.top_ups.pass_time(now)
        self.history.pass_time(now)

    def seconds_to_wait(self, at: float) -> float:
        """Count a request against the rate limit, or say how long it must stay away."""
        limit, window = self._behaviour.rate_requests, self._behaviour.rate_per_s
        while self._served_at and self._served_at[0] <= at - window:
            self._served_at.popleft()
        if limit and len(self._served_at) >= limit:
            return self._served_at[-limit] + window - at
        self._served_at.append(at)
        return 0.0

    def _serial_at(self, position: int) -> int:
        if not 0 <= position < len(self.top_ups):
            raise LookupError(f"there is no top-up at position {position}")
        return next(iter(self.top_ups.serials(self._behaviour.order, position, 1)))

    def _rows(self, rows: TopUps | History) -> list[dict[str, Any] | None]:
        return [rows.row(serial, self._behaviour) for serial in rows.serials(self._behaviour.order)]
