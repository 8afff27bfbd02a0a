"""The policy of retries: which failures are retried, after what wait, and how often."""

from __future__ import annotations

import random

import attrs

from aiozbilling.errors import ApiError, CallTimeoutError, ConnectError, DecodeError
from aiozbilling.exchange.checks import checked_seconds, refuse_bad_count

__all__ = ["RetryBudget", "RetryPolicy", "is_retried", "wait_s"]

# 520 to 524 are those of Cloudflare, whose servers could not reach the provider or got no reply in time.
_RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_THROTTLED_STATUSES = frozenset({429, 503})
# Tokens, like the retry quotas of large cloud SDKs: a dead server gets at most 1.1 × its normal load.
_BUDGET = 500
_KEPT_ALIVE = 256
_COST_OF_ERROR, _COST_OF_THROTTLE, _COST_OF_TIMEOUT, _GAIN_OF_SUCCESS = 14, 5, 10, 1


@attrs.frozen
class RetryPolicy:
    """How failed attempts are retried: exponential backoff with full jitter.

    Attributes:
        attempts: maximum number of attempts per call; 1 disables retries.
        wait_s: upper limit of the first wait, whose lower limit is 0.
        throttled_wait_s: the same after a 429 or 503 without a Retry-After.
        max_wait_s: upper limit of every wait.
        max_retry_after_s: if the server asks for a longer wait, its error is raised at once.
    """

    attempts: int = 4
    wait_s: float = 0.2
    throttled_wait_s: float = 1.0
    max_wait_s: float = 20.0
    max_retry_after_s: float = 60.0

    def __attrs_post_init__(self) -> None:
        refuse_bad_count("RetryPolicy.attempts", self.attempts)
        for name in ("wait_s", "throttled_wait_s", "max_wait_s", "max_retry_after_s"):
            checked_seconds(f"RetryPolicy.{name}", getattr(self, name), zero=True)


def is_retried(error: BaseException | None, attempt: int) -> bool:
    """Return whether an attempt after this failure may succeed. `attempt` is the number of the failed attempt.

    A body that is not JSON is retried once, because proxies reply for a server that restarts.
    """
    if not isinstance(error, Exception):
        return False  # cancellation, Ctrl-C
    if isinstance(error, ApiError):
        return error.status in _RETRIED_STATUSES
    if isinstance(error, DecodeError):
        return error.malformed and attempt == 1
    return isinstance(error, ConnectError | CallTimeoutError)


def wait_s(policy: RetryPolicy, error: BaseException | None, attempt: int) -> float:
    """Return the seconds to wait after the failure of an attempt; the first attempt has number 1."""
    if attempt == 1 and _is_stale(error):
        return 0.0
    if (asked := getattr(error, "retry_after", None)) is not None:
        return float(asked)
    throttled = isinstance(error, ApiError) and error.status in _THROTTLED_STATUSES
    first = policy.throttled_wait_s if throttled else policy.wait_s
    longest = min(first * 2.0 ** min(attempt - 1, 60), policy.max_wait_s)
    return random.uniform(0.0, longest)


@attrs.define(eq=False, repr=False)
class RetryBudget:
    """Tokens that all calls to one server share: a retry costs some, a success returns one.

    A server may close a connection that waits for the next request. Then the next request is lost before its reply,
    although the server works, so each success pays for one such retry. A dead server has no successes.
    """

    tokens: int = _BUDGET
    kept_alive: int = 0  # replies on connections that the server may have closed since

    def spend(self, error: BaseException | None) -> bool:
        """Pay for a retry after this failure, or return False if there are too few tokens."""
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
        """Record a success."""
        if self.tokens < _BUDGET:
            self.tokens += _GAIN_OF_SUCCESS
        if self.kept_alive < _KEPT_ALIVE:
            self.kept_alive += 1


def _is_stale(error: BaseException | None) -> bool:
    return isinstance(error, ConnectError) and error.before_reply
