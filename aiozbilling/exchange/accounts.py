"""The throttle of each account, found again when a backend builds its client anew."""

from __future__ import annotations

from collections import OrderedDict

from aiozbilling.exchange.rate import Limiter, RateLimit
from aiozbilling.exchange.throttle import Throttle

__all__ = ["Accounts"]

_MOST_KEPT = 4096


class Accounts:
    """Keeps throttles by account; idle ones beyond 4096 are forgotten, the least recently used first.

    An account that is paused, or has requests in its window, is never forgotten: it would begin with a full limit.
    """

    def __init__(self, limiter: Limiter | None, longest_pause_s: float) -> None:
        self._limiter = limiter
        self._longest_pause_s = longest_pause_s
        self._throttles: OrderedDict[str, Throttle] = OrderedDict()

    @property
    def key(self) -> bytes:
        """Key of the account names."""
        return b"" if self._limiter is None else self._limiter.key

    @property
    def is_private(self) -> bool:
        """Whether no other process shares the limit."""
        return self._limiter is None or isinstance(self._limiter, RateLimit)

    def throttle(self, account: str) -> Throttle:
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
        """Look at two of the oldest for each that is added: the table shrinks again after many were busy."""
        for account in [name for name, _ in zip(self._throttles, range(2), strict=False)]:
            if len(self._throttles) <= _MOST_KEPT:
                return
            if self._throttles[account].is_idle:
                del self._throttles[account]
            else:
                self._throttles.move_to_end(account)
