"""The simulated time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["Clock"]


class Clock:
    """A fixed or running clock, and how far it was moved ahead."""

    def __init__(self, now: datetime | Callable[[], datetime]) -> None:
        self._read = now if callable(now) else lambda: now
        self.ahead: timedelta = timedelta()
        if self._read().tzinfo is None:
            raise ValueError("now must be an aware datetime")

    def now(self) -> datetime:
        """Return the simulated time, UTC."""
        return self._read().astimezone(UTC) + self.ahead
