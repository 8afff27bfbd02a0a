"""When a request may be sent: the account's rate limit and its pause after a 429."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import attrs

from aiozbilling.errors import CallTimeoutError, ConfigurationError, RateLimitedError

__all__ = ["Gate", "RateLimit"]

# A request reaches the server between its turn and its reply, so a window kept to the microsecond here may be shorter
# there: the window is lengthened by the longest recent time to a reply, by this part of it at most.
_MARGIN = 0.04
_FADING = 0.98  # of the longest time to a reply, with each reply
_LONGEST_PAUSE_S = 3600.0  # a server's word is kept up to here; then one call may ask whether it still stands


@attrs.frozen
class RateLimit:
    """At most `requests` in any `per_s` seconds.

    Attributes:
        requests: how many, at least 1.
        per_s: seconds of the sliding window.
    """

    requests: int
    per_s: float

    def __attrs_post_init__(self) -> None:
        if not (isinstance(self.requests, int) and not isinstance(self.requests, bool) and self.requests >= 1):
            raise ConfigurationError(f"RateLimit.requests must be a whole number of at least 1, not {self.requests!r}")
        if isinstance(self.per_s, bool) or not isinstance(self.per_s, int | float) or not 0 < self.per_s < 1e9:
            raise ConfigurationError(f"RateLimit.per_s must be a positive number of seconds, not {self.per_s!r}")


@attrs.define(eq=False)
class Gate:
    """Lets the requests of one account pass, in any number of tasks and event loops.

    A sliding window, not a leaky bucket: a bucket of n with a refill of n a period lets 2 n pass in the first period,
    and the server answers the surplus with 429.
    """

    limit: RateLimit | None
    longest_pause_s: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _granted: deque[float] = attrs.field(factory=deque, init=False)
    _paused_until: float = attrs.field(default=0.0, init=False)
    _reply_s: float = attrs.field(default=_MARGIN, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)  # a client may serve loops in threads

    @property
    def is_open(self) -> bool:
        """Whether a request needs no turn: there is no limit, and was no pause."""
        return self.limit is None and not self._paused_until

    def pause(self, seconds: float) -> None:
        """Hold back every request of the account for so many seconds from now."""
        self._paused_until = max(self._paused_until, self.clock() + min(seconds, _LONGEST_PAUSE_S))

    def replied(self, seconds: float) -> None:
        """Take note of the time from a request's turn to its reply."""
        self._reply_s = max(seconds, self._reply_s * _FADING)

    async def turn(self, until: float) -> None:
        """Wait for the right to send one request.

        Raises:
            RateLimitedError: an earlier 429 asks for a longer pause than is waited for.
            CallTimeoutError: the turn would come after `until`, on the gate's clock.
        """
        while True:
            if self._paused_until:
                await self._sit_out_pause(until)
            if self.limit is None:
                return
            await self._take_slot(self.limit, until)
            if self._paused_until <= self.clock():
                return

    async def _sit_out_pause(self, until: float) -> None:
        while (left := self._paused_until - self.clock()) > 0:
            if left > self.longest_pause_s or self.clock() + left > until:
                raise RateLimitedError(
                    "not sent: the server asked all calls of this account to wait",
                    status=429,
                    retry_after=left,
                    hint=f"Come back in {left:.0f} s",
                )
            await self.sleep(left)

    async def _take_slot(self, limit: RateLimit, until: float) -> None:
        with self._lock:
            now = self.clock()
            slot = self._granted_slot(limit, now, until)
        if slot > now:
            try:
                await self.sleep(slot - now)
            except BaseException:
                # Cancelled: later turns may come earlier. A loop that was held up may find the slot outdated and gone.
                with self._lock, suppress(ValueError):
                    self._granted.remove(slot)
                raise

    def _granted_slot(self, limit: RateLimit, now: float, until: float) -> float:
        granted = self._granted
        window = limit.per_s + min(self._reply_s, limit.per_s * _MARGIN)
        slot = max(now, granted[-limit.requests] + window) if len(granted) >= limit.requests else now
        if slot > until:
            raise CallTimeoutError(
                f"the rate limit of {limit.requests} requests in {limit.per_s:g} s leaves no turn before the deadline",
                hint="Make fewer calls at once, or raise `deadline`",
            )
        granted.append(slot)
        while len(granted) > limit.requests and granted[0] < now - window:
            granted.popleft()
        return slot
