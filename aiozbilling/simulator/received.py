"""The record of one request that the simulator received."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiozbilling.simulator.accounts import Account

__all__ = ["ReceivedRequest"]


@attrs.define(eq=False)
class ReceivedRequest:
    """A request as it was received, and how it was answered."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at: float
    """Seconds on the clock of the event loop."""
    account: Account | None = None
    """Who signed it, or None."""
    status: int | None = None
    """The reply's status; None until it is sent, 0 when the connection was cut instead."""
    seconds: float = 0.0
    """From receiving the request to handing over the reply."""
