"""The throttles of all accounts of a client. A new client for an account gets the throttle of the one before."""

from __future__ import annotations

from collections import OrderedDict

from aiozbilling.exchange.rate import Limiter, RateLimit
from aiozbilling.exchange.throttle import Throttle

__all__ = ["Throttles"]

_MOST_KEPT = 4096


class Throttles:
    """Stores throttles by account. If there are more than 4096, idle ones are removed, the least recently used first.

    An account that is paused or has requests in its window is never removed, because its limit would start again.
    """

    def __init__(self, limiter: Limiter | None, longest_pause_s: float) -> None:
        self._limiter = limiter
        self._longest_pause_s = longest_pause_s
        self._throttles: OrderedDict[str, Throttle] = OrderedDict()

    @property
    def key(self) -> bytes:
        """Key for the account names."""
        return b"" if self._limiter is None else self._limiter.key

    @property
    def is_private(self) -> bool:
        """Whether only this process uses the limit."""
        return self._limiter is None or isinstance(self._limiter, RateLimit)

    def of(self, account: str) -> Throttle:
        """Return the throttle of an account, by its keyed fingerprint."""
        throttle = self._throttles.get(account)
        if throttle is None:
            window = None if self._limiter is None else self._limiter.window(account)
            throttle = self._throttles[account] = Throttle(window, self._longest_pause_s)
            self._forget_idle()
        else:
            self._throttles.move_to_end(account)
        return throttle

    def _forget_idle(self) -> None:
        """Check two of the oldest accounts for each added one, so that the table shrinks again after a busy time."""
        for account in [name for name, _ in zip(self._throttles, range(2), strict=False)]:
            if len(self._throttles) <= _MOST_KEPT:
                return
            if self._throttles[account].is_idle:
                del self._throttles[account]
            else:
                self._throttles.move_to_end(account)
