"""What `on_attempt`, `on_event` and the log are told of calls: figures, and nothing of headers or bodies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import attrs

from aiozbilling.errors import NotSentError

__all__ = ["Attempt", "CallEvent", "Hooks", "outcome_of"]

logger: logging.Logger = logging.getLogger("aiozbilling")


@attrs.frozen
class Attempt:
    """One attempt of a call.

    Attributes:
        endpoint: method and path template, such as ``"GET /api/billing/topUp"``.
        number: 1 for the first.
        status: of HTTP, or None where no reply came.
        duration_s: seconds from the start of the request to the decoded record or the error, without waits.
        error: class name of the error that the attempt ended in (``"CancelledError"`` too), or None.
        wait_s: seconds that are waited before the next attempt, or None where there is none.
        account: the label given as ``account=``, or "".
    """

    endpoint: str
    number: int
    status: int | None
    duration_s: float
    error: str | None = None
    wait_s: float | None = None
    account: str = ""


@attrs.frozen
class CallEvent:
    """One call, when it has ended.

    Attributes:
        account: the label given as ``account=``, or "".
        endpoint: method and path template, such as ``"GET /api/billing/topUp"``.
        attempts: requests that were sent; a redirect within the server counts with its attempt.
        limiter_wait_s: seconds that were waited for the rate limit or a pause of the account.
        backoff_s: seconds that were waited between attempts.
        duration_s: seconds of the whole call, waits included.
        outcome: ``"ok"``, ``"cancelled"``, ``"not_sent"``, or the class name of the error.
        status: HTTP status of the last attempt, or None where no reply came.
    """

    account: str
    endpoint: str
    attempts: int
    limiter_wait_s: float
    backoff_s: float
    duration_s: float
    outcome: str
    status: int | None


@attrs.frozen
class Hooks:
    """The user's functions that receive the figures of calls."""

    on_attempt: Callable[[Attempt], object] | None = None
    on_event: Callable[[CallEvent], object] | None = None

    @property
    def want_attempts(self) -> bool:
        """Whether anybody listens to attempts."""
        return self.on_attempt is not None or logger.isEnabledFor(logging.DEBUG)

    @property
    def want_events(self) -> bool:
        """Whether anybody listens to calls."""
        return self.on_event is not None or logger.isEnabledFor(logging.DEBUG)

    def attempted(self, attempt: Attempt) -> None:
        """Log an attempt and pass it on."""
        if logger.isEnabledFor(logging.DEBUG):  # else its texts and fields would be made for nothing
            logger.debug(
                "%s attempt %d: status %s%s in %.3f s%s",
                attempt.endpoint,
                attempt.number,
                attempt.status,
                f", {attempt.error}" if attempt.error else "",
                attempt.duration_s,
                "" if attempt.wait_s is None else f", next in {attempt.wait_s:.3f} s",
                extra=_fields(attempt),
            )
        if self.on_attempt is not None:
            _pass_on("on_attempt", self.on_attempt, attempt)

    def ended(self, event: CallEvent) -> None:
        """Log a call and pass it on."""
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "%s: %s after %d attempts in %.3f s (rate limit %.3f s, backoff %.3f s)",
                event.endpoint,
                event.outcome,
                event.attempts,
                event.duration_s,
                event.limiter_wait_s,
                event.backoff_s,
                extra=_fields(event),
            )
        if self.on_event is not None:
            _pass_on("on_event", self.on_event, event)


def outcome_of(error: BaseException | None) -> str:
    """Name how a call ended."""
    if error is None:
        return "ok"
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return "not_sent" if isinstance(error, NotSentError) else type(error).__name__


def _fields(fact: Attempt | CallEvent) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in fact.__slots__ if name != "__weakref__"}  # type: ignore[union-attr]


def _pass_on(name: str, function: Callable[[Any], object], fact: Attempt | CallEvent) -> None:
    try:
        function(fact)
    except Exception:
        logger.exception("%s failed", name)
