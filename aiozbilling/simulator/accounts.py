"""The simulated customers: each with credentials, rows and its own rate limit."""

from __future__ import annotations

import random
from collections import deque
from datetime import datetime
from typing import Any

from aiozbilling.simulator.behaviour import Behaviour
from aiozbilling.simulator.credentials import Credentials
from aiozbilling.simulator.history import History
from aiozbilling.simulator.top_ups import TopUps

__all__ = ["Account"]


class Account:
    """One customer of all three systems.

    Attributes:
        name: such as ``"account-1"``; it is in no reply.
        seed: determines the account's credentials and rows.
        credentials: what its requests are signed with: `api_key`, `secret_key`, `token` (AIOZ), `b3os_token`,
            `organization` (B3OS), `metered_token`.
        behaviour: settings of the replies to this account; by default, those of the simulator.
        is_revoked: whether its credentials are refused with 401.
    """

    def __init__(self, name: str, seed: str, top_ups: int, days: int, now: datetime, behaviour: Behaviour) -> None:
        self.name = name
        self.seed = seed
        self.now: datetime = now
        self.credentials: Credentials = Credentials.from_seed(seed)
        self.behaviour = behaviour
        self.is_revoked = False
        self.top_ups: TopUps = TopUps(seed, top_ups, days, now)
        self.history: History = History(seed, days, now)
        self._random = random.Random(seed)
        self._served_at: deque[float] = deque()

    def __repr__(self) -> str:
        return f"<Account {self.name}: {len(self.top_ups)} top-ups, {len(self.history)} days>"

    @property
    def api_key(self) -> str:
        """Key of its AIOZ key pair."""
        return self.credentials.api_key

    @property
    def secret_key(self) -> str:
        """Secret of its AIOZ key pair."""
        return self.credentials.secret_key

    @property
    def token(self) -> str:
        """Its AIOZ token, which can be used instead of the key pair."""
        return self.credentials.token

    @property
    def b3os_token(self) -> str:
        """Its token at B3OS."""
        return self.credentials.b3os_token

    @property
    def organization(self) -> str:
        """Its organization at B3OS."""
        return self.credentials.organization

    @property
    def metered_token(self) -> str:
        """Its session token of metered billing."""
        return self.credentials.metered_token

    def top_up_rows(self) -> list[dict[str, Any] | None]:
        """List all top-ups as they are served now, null rows included."""
        return self._rows(self.top_ups)

    def history_rows(self) -> list[dict[str, Any] | None]:
        """List all days as they are served now, null rows included."""
        return self._rows(self.history)

    def top_up_ids(self) -> list[str]:
        """List the ids of the rows that are not null, in list order."""
        every = self.behaviour.null_row_every
        serials = self.top_ups.serials(self.behaviour.order)
        return [self.top_ups.id_of(serial) for serial in serials if not every or (serial + 1) % every]

    def month(self) -> dict[str, Any]:
        """Return this month's usage as it is served now."""
        return self.history.month()

    def add_top_ups(self, count: int = 1) -> list[str]:
        """Add new deposits, and return their ids, oldest first."""
        first = self.top_ups.end
        self.top_ups.add(count)
        return [self.top_ups.id_of(serial) for serial in range(first, first + count)]

    def credit_top_up(self, which: str | int) -> str:
        """Credit an uncredited top-up now, by id or by position in list order, and return its id.

        Raises:
            LookupError: there is no such row.
        """
        serial = self._serial(which)
        self.top_ups.credit(serial)
        return self.top_ups.id_of(serial)

    def remove_top_up(self, which: str | int) -> str:
        """Delete a top-up, by id or by its present position in list order, and return its id.

        Raises:
            LookupError: there is no such row.
        """
        serial = self._serial(which)
        self.top_ups.remove(serial)
        return self.top_ups.id_of(serial)

    def restore_top_up(self, id: str) -> None:  # noqa: A002 - the provider's name
        """Put a removed top-up back at its place, so that a row appears in the middle of the list.

        Raises:
            LookupError: no such row was removed.
        """
        self.top_ups.restore(self.top_ups.serial_of(id))

    def change(self) -> None:
        """Change the top-ups as they change between two pages: see `Behaviour.grow_per_request`."""
        for _ in range(min(self.behaviour.remove_per_request, len(self.top_ups))):
            self.remove_top_up(self._random.randrange(len(self.top_ups)))
        if self.behaviour.grow_per_request:
            self.top_ups.add(self.behaviour.grow_per_request)

    def pass_time(self, now: datetime) -> None:
        """Move the clock forward."""
        if now > self.now:
            self.now = now
            self.top_ups.pass_time(now)
            self.history.pass_time(now)

    def seconds_to_wait(self, at: float) -> float:
        """Count a request against the rate limit, or return the seconds until the next one is allowed."""
        limit, window = self.behaviour.rate_requests, self.behaviour.rate_per_s
        while self._served_at and self._served_at[0] <= at - window:
            self._served_at.popleft()
        if limit and len(self._served_at) >= limit:
            return self._served_at[-limit] + window - at
        self._served_at.append(at)
        return 0.0

    def _serial(self, which: str | int) -> int:
        if isinstance(which, str):
            return self.top_ups.serial_of(which)
        if not 0 <= which < len(self.top_ups):
            raise LookupError(f"there is no top-up at position {which}")
        return next(iter(self.top_ups.serials(self.behaviour.order, which, 1)))

    def _rows(self, rows: TopUps | History) -> list[dict[str, Any] | None]:
        return [rows.row(serial, self.behaviour) for serial in rows.serials(self.behaviour.order)]
