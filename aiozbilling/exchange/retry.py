"""Which failures are tried again, when, and how often."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import attrs

from aiozbilling.errors import ApiError, CallTimeoutError, ConfigurationError, ConnectError, DecodeError

__all__ = ["RetryBudget", "RetryPolicy", "is_retried", "retry_after_s", "wait_s"]

_RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_THROTTLED_STATUSES = frozenset({429, 503})
# Tokens, after the retry quotas of the large cloud SDKs: a dead server gets no more than 1.1 × its normal load.
_BUDGET = 500
_KEPT_ALIVE = 256
_COST_OF_ERROR, _COST_OF_THROTTLE, _COST_OF_TIMEOUT, _GAIN_OF_SUCCESS = 14, 5, 10, 1


@attrs.frozen
class RetryPolicy:
    """How failed attempts are repeated: full jitter, exponential.

    Attributes:
        attempts: requests at most for one call; 1 switches retries off.
        wait_s: the first wait is between 0 and this.
        throttled_wait_s: the same after a 429 or 503 that doesn't say when to come back.
        max_wait_s: no wait of ours is longer.
        max_retry_after_s: a server that wants a longer wait gets none: the error is raised at once.
    """

    attempts: int = 4
    wait_s: float = 0.2
    throttled_wait_s: float = 1.0
    max_wait_s: float = 20.0
    max_retry_after_s: float = 60.0

    def __attrs_post_init__(self) -> None:
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int) or self.attempts < 1:
            raise ConfigurationError(
                f"RetryPolicy.attempts must be a whole number of at least 1, not {self.attempts!r}"
            )
        for name in ("wait_s", "throttled_wait_s", "max_wait_s", "max_retry_after_s"):
            seconds = getattr(self, name)
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e9:
                raise ConfigurationError(f"RetryPolicy.{name} must be seconds of at least 0, not {seconds!r}")


def is_retried(error: BaseException | None, attempt: int) -> bool:
    """Tell whether the failure of the attempt with this number may pass by trying again.

    A body that is no JSON at all is tried once more: proxies answer for a server that restarts.
    """
    if not isinstance(error, Exception):
        return False  # cancellation, Ctrl-C
    if isinstance(error, ApiError):
        return error.status in _RETRIED_STATUSES
    if isinstance(error, DecodeError):
        return error.malformed and attempt == 1
    return isinstance(error, ConnectError | CallTimeoutError)


def wait_s(policy: RetryPolicy, error: BaseException | None, attempt: int) -> float:
    """Give the seconds to wait after the failure of the attempt with this number (1 is the first)."""
    if attempt == 1 and _is_stale(error):
        return 0.0
    if (told := getattr(error, "retry_after", None)) is not None:
        return float(told)
    throttled = isinstance(error, ApiError) and error.status in _THROTTLED_STATUSES
    first = policy.throttled_wait_s if throttled else policy.wait_s
    longest = min(first * 2.0 ** min(attempt - 1, 60), policy.max_wait_s)
    return random.uniform(0.0, longest)


@attrs.define(eq=False)
class RetryBudget:
    """Tokens that all calls to one server share: a retry costs some, a success gives one back.

    A connection that the server closed while it waited for the next request is lost before the reply, and no fault of
    the server's: each success pays for one such retry. A server that is dead gives no successes.
    """

    tokens: int = _BUDGET
    kept_alive: int = 0  # replies whose connections may have been closed by the server since

    def spend(self, error: BaseException | None) -> bool:
        """Pay for a retry after this failure; False when the tokens don't suffice."""
        if self.kept_alive and _is_stale(error):
            self.kept_alive -= 1
            return True
        cost = _COST_OF_ERROR
        if isinstance(error, CallTimeoutError):
            cost = _COST_OF_TIMEOUT
        elif isinstance(error, ApiError) and error.status in _THROTTLED_STATUSES:
            cost = _COST_OF_THROTTLE
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True

    def earn(self) -> None:
        """Take note of a success."""
        if self.tokens < _BUDGET:
            self.tokens += _GAIN_OF_SUCCESS
        if self.kept_alive < _KEPT_ALIVE:
            self.kept_alive += 1


def _is_stale(error: BaseException | None) -> bool:
    return isinstance(error, ConnectError) and error.before_reply


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Read when the server wants to be asked again, in seconds from its own `Date` (else from now).

    ``retry-after-ms`` goes before ``Retry-After`` (ASCII digits, or an HTTP-date). None where neither is there or can
    be read.
    """
    milliseconds = headers.get("retry-after-ms", "").strip()
    if _is_digits(milliseconds):
        return _seconds(milliseconds) / 1000
    value = headers.get("Retry-After", "").strip()
    if _is_digits(value):
        return _seconds(value)
    when = _http_date(value)
    if when is None:
        return None
    start = _http_date(headers.get("Date", "")) or now or datetime.now(UTC)
    return max(0.0, (when - start).total_seconds())


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _seconds(digits: str) -> float:
    return float(digits[:20])  # 10^20 s or more: all the same, and no overflow


def _http_date(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when
