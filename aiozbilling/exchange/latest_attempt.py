"""The facts of a call's latest attempt."""

from __future__ import annotations

import attrs

from aiozbilling.exchange.credentials import Credentials

__all__ = ["LatestAttempt"]


@attrs.define(eq=False, repr=False)
class LatestAttempt:
    """The latest attempt of a call."""

    started: float = 0.0
    is_sent: bool = False
    status: int | None = None
    duration_s: float = 0.0
    wait_s: float = 0.0
    failure: Exception | None = None  # of the previous attempt
    credentials: Credentials | None = None
    refused: Credentials | None = None

    def begin(self, now: float) -> None:
        """Begin the next attempt."""
        self.started, self.is_sent, self.status = now, False, None
