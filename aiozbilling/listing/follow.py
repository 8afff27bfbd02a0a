"""Yields the new rows of a list, poll after poll, until it is closed."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from aiozbilling.errors import (
    AiozBillingError,
    ApiError,
    DecodeError,
    ListingError,
    NotSentError,
    TLSError,
    TransportError,
)
from aiozbilling.exchange.observer import watched
from aiozbilling.listing.news import Follower

__all__ = ["follow"]

R = TypeVar("R")
logger: logging.Logger = logging.getLogger("aiozbilling")

_LONGEST_WAIT_S = 300.0
# The longest wait is 32 intervals: with more, a feed that polls twice a second slept 5 minutes after an outage.
_MOST_DOUBLINGS = 5
_LONGEST_PAUSE_S = 3600.0  # the longest Retry-After that is respected
_TEMPORARY_STATUSES = frozenset({408, 425, 429})
_CONFIRMATION_S = 10.0  # longest wait before a poll that confirms that a list is empty at the beginning
# In a row. A list that can't be read exactly so often is not expected to recover. Nor is a first reading that the rate
# limit does not allow within `max_wait_s`.
_MOST_FAILURES = 5


async def follow(
    follower: Follower[R], every_s: float, sleep: Callable[[float], Awaitable[object]]
) -> AsyncGenerator[R, None]:
    """Poll until closed, and yield each new row once, oldest first. Polls continue during an outage."""
    failures = 0
    while True:
        try:
            news = await watched("poll", follower.source.endpoint, follower.poll(), lambda new: {"rows": len(new)})
        except AiozBillingError as error:
            failures += 1
            if not _is_temporary(error, failures, has_begun=follower.has_begun):
                raise
            asked = min(getattr(error, "retry_after", None) or 0.0, _LONGEST_PAUSE_S)
            wait = max(min(every_s * 2.0 ** min(failures, _MOST_DOUBLINGS), _LONGEST_WAIT_S), asked)
            logger.warning("following %s: %s; next poll in %.1f s", follower.source.endpoint, error, wait)
        else:
            failures, wait = 0, every_s if follower.has_begun else min(every_s, _CONFIRMATION_S)
            for new in news:
                follower.mark(new)
                yield new
        await sleep(wait)


def _is_temporary(error: AiozBillingError, failures: int, *, has_begun: bool) -> bool:
    if isinstance(error, NotSentError):
        return has_begun or failures < _MOST_FAILURES
    if isinstance(error, ApiError):
        return error.status in _TEMPORARY_STATUSES or error.status >= 500
    if isinstance(error, ListingError):
        return failures < _MOST_FAILURES
    if isinstance(error, DecodeError):
        return error.malformed
    return isinstance(error, TransportError) and not isinstance(error, TLSError)
