"""Decides when a request may be sent: rate limit of the account, and its pause after a 429."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import attrs

from aiozbilling.errors import NotSentError
from aiozbilling.exchange.rate import ArrivalWindow, Window
from aiozbilling.exchange.retry import RetryBudget

__all__ = ["Throttle"]

_FADING = 0.98  # of the longest time to a reply, with each reply
_FIRST_DELAY_S = 0.04  # before the first reply is there
_LONGEST_PAUSE_S = 3600.0  # longest pause that a server can demand; after it, one call may try again
_NEVER = float("inf")


class _Waiter:
    """A waiting request: it waits until it is first in the queue, and then until the window has room."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.woken = self.loop.create_future()
        self.arrival = 0.0

    def watch(self) -> None:
        """Notice each `wake` from now on. Call it before a check: another thread may wake between that and `sleep`."""
        self.woken = self.loop.create_future()

    async def sleep(self, seconds: float) -> None:
        """Sleep for at most `seconds`. A `wake` ends the sleep, also one that came after `watch`."""
        woken = self.woken
        timer = None if seconds == _NEVER else self.loop.call_later(seconds, _wake, woken)
        try:
            await woken
        finally:
            if timer is not None:
                timer.cancel()

    def wake(self) -> None:
        """Make the request check again. May be called from any thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(_wake, self.woken)


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


@attrs.define(eq=False, repr=False)
class Throttle:
    """Lets the requests of one account pass, first in, first out, from any number of tasks and event loops.

    Nothing is reserved: a request is recorded when it is sent, so a cancelled waiting request leaves no gap.

    Attributes:
        window: the account's recent requests, or None without a limit.
        longest_pause_s: requests do not wait for a longer pause.
        budget: tokens for retries after a 429, which the account itself has caused.
    """

    window: Window | None
    longest_pause_s: float
    clock: Callable[[], float] = time.monotonic
    budget: RetryBudget = attrs.field(factory=RetryBudget, init=False)
    _queue: OrderedDict[_Waiter, None] = attrs.field(factory=OrderedDict, init=False)
    _paused_until: float = attrs.field(default=0.0, init=False)
    _delay_s: float = attrs.field(default=_FIRST_DELAY_S, init=False)
    _lock: threading.RLock = attrs.field(factory=threading.RLock, init=False)  # a client may serve loops in threads

    @property
    def is_open(self) -> bool:
        """Whether requests never wait: there is no limit, and there was no pause."""
        return self.window is None and not self._paused_until

    @property
    def is_idle(self) -> bool:
        """Whether the throttle can be discarded: no pause, no waiting request and no request in the latest period."""
        is_empty = self.window is None or self.window.is_empty()
        return is_empty and not self._queue and self._paused_until <= self.clock()

    def pause(self, seconds: float) -> None:
        """Pause all requests of the account for `seconds` from now."""
        with self._lock:
            self._paused_until = max(self._paused_until, self.clock() + min(seconds, _LONGEST_PAUSE_S))
            for waiter in self._queue:  # some may have to wait too long now
                waiter.wake()

    def replied(self, seconds: float, arrival: float) -> None:
        """Record a reply.

        Args:
            seconds: time from sending the request to its reply.
            arrival: result of `turn` for the request.
        """
        with self._lock:
            self._delay_s = max(seconds, self._delay_s * _FADING)
            window = self.window
            if isinstance(window, ArrivalWindow) and window.replied(arrival, seconds) and self._queue:
                next(iter(self._queue)).wake()

    async def turn(self, until: float, *, advice: str = "") -> float:
        """Wait until one request may be sent.

        Args:
            until: latest time to wait for, on the throttle's clock.
            advice: end of the error's hint: what the caller can change to allow a longer wait.

        Returns:
            The time by which the request will have arrived, for `replied`.

        Raises:
            NotSentError: the wait would be too long, or a pause is longer than `longest_pause_s`.
        """
        with self._lock:
            if not self._queue and self._pause_s(until, advice) == 0 and self._take() == 0:
                return self._latest()
            self._refuse_late(until, advice)
            waiter = _Waiter()
            self._queue[waiter] = None
        try:
            while (seconds := self._next_look_s(waiter, until, advice)) > 0:
                await waiter.sleep(seconds)
            return waiter.arrival
        finally:
            with self._lock:
                del self._queue[waiter]
                if self._queue:
                    next(iter(self._queue)).wake()

    def refusal(self) -> NotSentError:
        """Return the error of a request that has waited as long as allowed."""
        with self._lock:
            wait_s = max(self._paused_until - self.clock(), self._window_wait_s(len(self._queue)), 0.0)
        return _refusal("the rate limit did not allow the request in time", wait_s, "")

    def _next_look_s(self, waiter: _Waiter, until: float, advice: str) -> float:
        """Return the seconds until the request should check again, or 0.0 if it may be sent and was recorded."""
        with self._lock:
            waiter.watch()
            if (pause_s := self._pause_s(until, advice)) > 0:
                return pause_s
            if next(iter(self._queue)) is not waiter:
                return _NEVER
            if (seconds := self._take()) == 0:
                waiter.arrival = self._latest()
            return seconds

    def _take(self) -> float:
        return 0.0 if self.window is None else self.window.take(self._delay_s)

    def _latest(self) -> float:
        return self.window.latest if isinstance(self.window, ArrivalWindow) else 0.0

    def _window_wait_s(self, ahead: int) -> float:
        return 0.0 if self.window is None else self.window.wait_s(ahead)

    def _pause_s(self, until: float, advice: str) -> float:
        if not self._paused_until:
            return 0.0
        now = self.clock()
        left = self._paused_until - now
        if left > 0 and (left > self.longest_pause_s or now + left > until):
            raise _refusal("the server asked all calls of this account to wait", left, advice)
        return max(0.0, left)

    def _refuse_late(self, until: float, advice: str) -> None:
        wait_s = self._window_wait_s(len(self._queue))
        if self.clock() + wait_s > until:
            raise _refusal("the rate limit does not allow the request in time", wait_s, advice)


def _refusal(why: str, wait_s: float, advice: str) -> NotSentError:
    hint = f"Try again in {wait_s:.0f} s, or make fewer calls at a time{advice}"
    return NotSentError(why, status=429, retry_after=wait_s, hint=hint)
