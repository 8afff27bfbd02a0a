"""What follows a failed attempt: another attempt of the call, or its error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from aiozbilling.errors import AiozBillingError, AuthenticationError, RateLimitedError
from aiozbilling.exchange.credentials import Credentials
from aiozbilling.exchange.retry import is_retried

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from aiozbilling.exchange.call import Call

__all__ = ["retried"]

T = TypeVar("T")


async def retried(call: Call[T], failure: Exception) -> T:
    """Make further attempts of a call whose first attempt failed.

    tenacity runs the loop, but only after a failure: it takes a fifth of the time of a small request, because it checks
    whether each function is a coroutine. Each call has its own loop, because tasks that share one mix up their states.

    Raises:
        AiozBillingError: the error of the last attempt.
    """
    from tenacity import AsyncRetrying, stop_never  # already loaded: a client imports it when it is created

    first, waits_s = [failure], [0.0]

    async def attempt() -> T:
        if first:
            raise first.pop()
        return await call.attempt()

    def is_to_be_retried(state: RetryCallState) -> bool:
        error = None if state.outcome is None else state.outcome.exception()
        wait_s = None if error is None else _wait_before_next(call, error)
        if isinstance(error, AiozBillingError):
            call.tell(error, wait_s)
        waits_s.append(wait_s or 0.0)
        return wait_s is not None

    retrying = AsyncRetrying(
        sleep=call.wait, wait=lambda _: waits_s[-1], retry=is_to_be_retried, stop=stop_never, reraise=True
    )
    try:
        return await retrying(attempt)
    finally:
        first.clear()


def _wait_before_next(call: Call[Any], error: BaseException) -> float | None:
    """Return the seconds to wait before the next attempt, or None if the error is final."""
    exchange, latest, retry = call.exchange, call.latest, call.exchange.bounds.retry
    if not latest.is_sent or exchange.lifetime.is_closed:
        return None
    if isinstance(error, AuthenticationError):
        return _wait_for_credentials(call)
    if not is_retried(error, call.number) or call.number >= retry.attempts:
        return None
    wait_s, is_throttled = latest.wait_s, isinstance(error, RateLimitedError)
    if wait_s > retry.max_retry_after_s or (is_throttled and wait_s > exchange.bounds.max_wait_s):
        return None
    budget = exchange.account.throttle.budget if is_throttled else exchange.server.budget
    # After a pause, an attempt needs the time of this one. With less, it would end in a timeout, which hides the pause.
    needed_s = latest.duration_s if is_throttled else 0.0
    if exchange.clock() + wait_s + needed_s >= call.until or not budget.spend(error):
        return None
    latest.failure = error if isinstance(error, Exception) else None
    return wait_s


def _wait_for_credentials(call: Call[Any]) -> float | None:
    """Ask once for other credentials than the rejected ones, if they can change."""
    if isinstance(call.exchange.account.source, Credentials) or call.latest.refused is not None:
        return None
    call.latest.refused = call.latest.credentials
    return 0.0
