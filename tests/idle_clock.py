"""An event loop for tests whose clock does not count the time in which the machine is busy.

A timeout or a pause in a test then measures what the test is about: a pass of the loop that takes long, because the
process computes or the machine stops it, counts as a short one. Sockets, pauses and timers are real.
"""

from __future__ import annotations

import asyncio
import selectors
import time

__all__ = ["IdleClockPolicy"]

_COMPUTING_S = 0.0005  # at most this much of the time in which callbacks run is counted
_WAITING_S = 0.01  # the loop waits for a socket or a timer in steps; at most this much of a step is counted


class _Selector(selectors.DefaultSelector):
    """Waits in steps, and adds up what counts."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self._counted_until = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._count(_COMPUTING_S)
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        step = _WAITING_S if timeout is None else min(timeout, _WAITING_S)
        found = super().select(step)
        self._count(step)
        return found

    def _count(self, most_s: float) -> None:
        now = time.monotonic()
        self.now += min(most_s, now - self._counted_until)
        self._counted_until = now


class _Loop(asyncio.SelectorEventLoop):
    """A loop with the clock of its selector."""

    def __init__(self) -> None:
        self._idle = _Selector()
        super().__init__(self._idle)

    def time(self) -> float:
        return self._idle.now


class IdleClockPolicy(asyncio.DefaultEventLoopPolicy):
    """Creates such loops, for pytest-asyncio and for `asyncio.run`."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return a new loop."""
        return _Loop()
