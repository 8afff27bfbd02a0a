"""Rate limits: how many requests an account may send in a period of time."""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import attrs

from aiozbilling.exchange.checks import checked_seconds, refuse_bad_count

__all__ = ["ArrivalWindow", "Limiter", "RateLimit", "SlidingWindow", "Window"]

_PROCESS_KEY = os.urandom(16)
# A request reaches the server some time between its sending and its reply. Until the reply, the estimate of this delay
# is the longest recent time to a reply, but at most this part of the period. Without the estimate, the server refused
# 2 % of the requests at 100 per second.
_LONGEST_DELAY = 0.04


class Window(Protocol):
    """The recent requests of one account. The methods return at once and may be called in any thread."""

    def take(self, delay_s: float) -> float:
        """Record a request that is sent now and return 0.0, or return the seconds until a request may be sent.

        Args:
            delay_s: longest time in seconds until the request reaches the server.
        """
        ...

    def wait_s(self, ahead: int) -> float:
        """Return the seconds until a request may be sent if `ahead` others are sent before it."""
        ...

    def is_empty(self) -> bool:
        """Whether the window can be discarded: nothing was sent in the latest period, or it is stored elsewhere."""
        ...


class Limiter(Protocol):
    """A limit for `rate_limit=`: `RateLimit`, `SharedRateLimit`, or your own class with these two members."""

    @property
    def key(self) -> bytes:
        """At most 64 random bytes, with which account names are keyed. Processes that share a limit share them."""
        ...

    def window(self, account: str) -> Window:
        """Return the window of an account. Its name is a text of hexadecimal digits."""
        ...


@attrs.frozen
class RateLimit:
    """At most `requests` in any `per_s` seconds, for each account of one process.

    Attributes:
        requests: number of requests, at least 1.
        per_s: length of the sliding window in seconds.
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


@attrs.define(eq=False, repr=False)
class ArrivalWindow(Window, ABC):
    """A window that counts each request from its arrival at the server, which is an estimate until the reply.

    It is not a leaky bucket: a bucket of n that refills n per period lets 2 n requests pass in the first period, and
    the server replies to the excess with 429. A subclass stores the arrivals of the latest `limit.requests` requests.

    Attributes:
        latest: estimated arrival of the request that was recorded last, on the window's clock.
    """

    limit: RateLimit
    clock: Callable[[], float] = time.monotonic
    latest: float = attrs.field(default=0.0, init=False)
    _longest_delay_s: float = attrs.field(init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)  # a client may serve loops in threads

    def __attrs_post_init__(self) -> None:
        self._longest_delay_s = _LONGEST_DELAY * self.limit.per_s

    def take(self, delay_s: float) -> float:
        """Record a request that is sent now and return 0.0, or return the seconds until a request may be sent."""
        with self._locked():
            now, requests = self.clock(), self.limit.requests
            arrivals = self._read(now)
            if len(arrivals) >= requests and (seconds := self._wait_s(arrivals, now, 0)) > 0:
                return seconds
            self.latest = now + min(delay_s, self._longest_delay_s)
            insort(arrivals, self.latest)
            if len(arrivals) > requests:
                del arrivals[0]
            self._write(arrivals)
            return 0.0

    def replied(self, arrival: float, seconds: float) -> bool:
        """Record the reply to a request, which has therefore arrived by now.

        Args:
            arrival: value of `latest` after the request was recorded.
            seconds: time from sending the request to its reply.

        Returns:
            Whether the next request may be sent earlier than before.
        """
        with self._locked():
            now = self.clock()
            arrivals = self._read(now)
            place = bisect_left(arrivals, arrival)
            if place == len(arrivals) or arrivals[place] != arrival:
                return False  # later requests have replaced it
            oldest = arrivals[0]
            del arrivals[place]
            insort(arrivals, now - max(0.0, seconds - self._longest_delay_s))
            self._write(arrivals)
            return arrivals[0] < oldest

    def wait_s(self, ahead: int) -> float:
        """Return the seconds until a request may be sent if `ahead` others are sent before it."""
        with self._locked():
            now = self.clock()
            return self._wait_s(self._read(now), now, ahead)

    def _wait_s(self, arrivals: Sequence[float], now: float, ahead: int) -> float:
        requests, per_s = self.limit.requests, self.limit.per_s
        if ahead + len(arrivals) < requests:
            return 0.0
        periods, place = divmod(ahead + len(arrivals) - requests, requests)
        first = arrivals[place] if place < len(arrivals) else now
        return max(0.0, first + per_s - now) + periods * per_s

    def _locked(self) -> AbstractContextManager[object]:
        return self._lock

    @abstractmethod
    def _read(self, now: float) -> list[float]:
        """Return the arrivals in ascending order."""

    @abstractmethod
    def _write(self, arrivals: list[float]) -> None:
        """Store the arrivals, after `_read` and in the same lock."""


@attrs.define(eq=False, repr=False)
class SlidingWindow(ArrivalWindow):
    """The latest requests of one account, in memory."""

    _arrivals: list[float] = attrs.field(factory=list, init=False)

    def is_empty(self) -> bool:
        """Whether nothing was sent in the latest period."""
        return not self._arrivals or self._arrivals[-1] + self.limit.per_s <= self.clock()

    def _read(self, now: float) -> list[float]:  # noqa: ARG002
        return self._arrivals

    def _write(self, arrivals: list[float]) -> None:
        self._arrivals = arrivals
