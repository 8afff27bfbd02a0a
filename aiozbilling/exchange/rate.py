"""How many requests an account may send in a period of time."""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import Protocol

import attrs

from aiozbilling.exchange.checks import checked_seconds, refuse_bad_count

__all__ = ["ArrivalWindow", "Limiter", "RateLimit", "SlidingWindow", "Window"]

_PROCESS_KEY = os.urandom(16)
# A request reaches the server between its sending and its reply. Until the reply comes, it is taken to be late by the
# longest recent time to a reply, but by no more than this part of the period. Without it 2 % of the requests at 100 per
# second were refused.
LONGEST_DELAY = 0.04


class Window(Protocol):
    """The requests of one account under its limit. Both methods return at once and may be called in any thread."""

    def take(self, delay_s: float) -> float:
        """Record a request that is sent now and return 0.0, or return the seconds until one may be sent.

        Args:
            delay_s: the request reaches the server at most so many seconds later.
        """
        ...

    def wait_s(self, ahead: int) -> float:
        """Return the seconds until one more request may be sent where so many others are sent before it."""
        ...

    def is_empty(self) -> bool:
        """Whether the window can be forgotten: nothing was sent in the latest period, or it is stored elsewhere."""
        ...


class Limiter(Protocol):
    """What `rate_limit=` takes: `RateLimit`, `SharedRateLimit`, or a class of yours with these two members."""

    @property
    def key(self) -> bytes:
        """At most 64 random bytes, from which account names are made; processes that share a limit share them."""
        ...

    def window(self, account: str) -> Window:
        """Return the window of an account, whose name is a text of hexadecimal digits."""
        ...


@attrs.frozen
class RateLimit:
    """At most `requests` in any `per_s` seconds, for each account of one process.

    Attributes:
        requests: how many, at least 1.
        per_s: seconds of the sliding window.
    """

    requests: int
    per_s: float

    def __attrs_post_init__(self) -> None:
        refuse_bad_count("RateLimit.requests", self.requests)
        checked_seconds("RateLimit.per_s", self.per_s)

    @property
    def key(self) -> bytes:
        """Random bytes of this process."""
        return _PROCESS_KEY

    def window(self, account: str) -> SlidingWindow:  # noqa: ARG002 (the protocol's name)
        """Return an empty window."""
        return SlidingWindow(self)


class ArrivalWindow(Window, ABC):
    """A window that counts a request from its arrival on: an estimate, until its reply shows the time.

    Attributes:
        latest: the time by which the request recorded last has arrived, on the window's clock.
    """

    latest: float

    @abstractmethod
    def replied(self, arrival: float, seconds: float) -> bool:
        """Record that a request had its reply after so many seconds, so it has arrived by now.

        Args:
            arrival: what `latest` was after the request was recorded.
            seconds: from sending it to its reply.

        Returns:
            Whether the next request may be sent earlier than before.
        """


@attrs.define(eq=False)
class SlidingWindow(ArrivalWindow):
    """The latest requests of one account.

    Not a leaky bucket: a bucket of n that refills n in a period lets 2 n pass in the first period, and the server
    answers the rest with 429.
    """

    limit: RateLimit
    clock: Callable[[], float] = time.monotonic
    latest: float = attrs.field(default=0.0, init=False)
    _arrivals: list[float] = attrs.field(factory=list, init=False)  # the latest `requests`, ascending
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)  # a client may serve loops in threads

    def take(self, delay_s: float) -> float:
        """Record a request that is sent now and return 0.0, or return the seconds until one may be sent."""
        with self._lock:
            now = self.clock()
            if (wait_s := self._wait_s(now, 0)) > 0:
                return wait_s
            self.latest = now + min(delay_s, LONGEST_DELAY * self.limit.per_s)
            insort(self._arrivals, self.latest)
            if len(self._arrivals) > self.limit.requests:
                del self._arrivals[0]
            return 0.0

    def replied(self, arrival: float, seconds: float) -> bool:
        """Record that a request had its reply, and return whether the next one may be sent earlier than before."""
        with self._lock:
            return arrived(self._arrivals, arrival, self.clock(), seconds - LONGEST_DELAY * self.limit.per_s)

    def wait_s(self, ahead: int) -> float:
        """Return the seconds until one more request may be sent where so many others are sent before it."""
        with self._lock:
            return self._wait_s(self.clock(), ahead)

    def is_empty(self) -> bool:
        """Whether nothing was sent in the latest period."""
        return not self._arrivals or self._arrivals[-1] + self.limit.per_s <= self.clock()

    def _wait_s(self, now: float, ahead: int) -> float:
        return wait_s(self._arrivals, self.limit.requests, self.limit.per_s, now, ahead)


def wait_s(arrivals: Sequence[float], requests: int, per_s: float, now: float, ahead: int) -> float:
    """Return the seconds until a request may be sent, with so many before it, after these arrivals (ascending)."""
    periods, place = divmod(ahead + len(arrivals) - requests, requests)
    if ahead + len(arrivals) < requests:
        return 0.0
    first = arrivals[place] if place < len(arrivals) else now
    return max(0.0, first + per_s - now) + periods * per_s


def arrived(arrivals: list[float], arrival: float, now: float, earlier_s: float) -> bool:
    """Correct the arrival of a request that has its reply; return whether the next one may be sent earlier than before.

    Args:
        arrivals: ascending; corrected in place.
        arrival: the estimate.
        now: the time of the reply.
        earlier_s: it arrived at least so many seconds before its reply.
    """
    place = bisect_left(arrivals, arrival)
    if place == len(arrivals) or arrivals[place] != arrival:
        return False  # later requests have taken its place
    oldest = arrivals[0]
    del arrivals[place]
    insort(arrivals, now - max(0.0, earlier_s))
    return arrivals[0] < oldest
