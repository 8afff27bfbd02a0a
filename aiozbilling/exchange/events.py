"""The facts of calls for `on_attempt`, `on_event` and the log, which never include headers or bodies."""

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
        number: number of the attempt, beginning with 1.
        status: HTTP status, or None if there was no reply.
        duration_s: seconds from the start of the request to the decoded record or the error, without waits.
        error: class name of the error that ended the attempt (also ``"CancelledError"``), or None.
        wait_s: seconds until the next attempt, or None if there is none.
        account: the label that was passed as ``account=``, or "".
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
    """A finished call.

    Attributes:
        account: the label that was passed as ``account=``, or "".
        endpoint: method and path template, such as ``"GET /api/billing/topUp"``.
        attempts: number of attempts that were sent, not counting redirects within the server.
        limiter_wait_s: seconds of waiting for the rate limit or a pause of the account.
        backoff_s: seconds of waiting between attempts.
        duration_s: seconds of the whole call, including waits.
        outcome: ``"ok"``, ``"cancelled"``, ``"not_sent"``, or the class name of the error.
        status: HTTP status of the last attempt, or None if there was no reply.
    """

    account: str
    endpoint: str
    attempts: int
    limiter_wait_s: float
    backoff_s: float
    duration_s: float
    outcome: str
    status: int | None


@attrs.frozen(eq=False, repr=False)
class Hooks:
    """The user's functions that receive the facts of calls."""

    on_attempt: Callable[[Attempt], object] | None = None
    on_event: Callable[[CallEvent], object] | None = None

    @property
    def want_attempts(self) -> bool:
        """Whether attempts must be reported."""
        return self.on_attempt is not None or logger.isEnabledFor(logging.DEBUG)

    @property
    def want_events(self) -> bool:
        """Whether calls must be reported."""
        return self.on_event is not None or logger.isEnabledFor(logging.DEBUG)

    def attempted(self, attempt: Attempt) -> None:
        """Log an attempt and pass it on."""
        if logger.isEnabledFor(logging.DEBUG):  # otherwise its text would be formatted and not used
            logger.debug(
                "%s attempt %d: status %s%s in %.3f s%s",
                attempt.endpoint,
                attempt.number,
                attempt.status,
                f", {attempt.error}" if attempt.error else "",
                attempt.duration_s,
                "" if attempt.wait_s is None else f", next in {attempt.wait_s:.3f} s",
                extra=attrs.asdict(attempt),
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
                extra=attrs.asdict(event),
            )
        if self.on_event is not None:
            _pass_on("on_event", self.on_event, event)


def outcome_of(error: BaseException | None) -> str:
    """Return the name of a call's outcome."""
    if error is None:
        return "ok"
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return "not_sent" if isinstance(error, NotSentError) else type(error).__name__


def _pass_on(name: str, function: Callable[[Any], object], fact: Attempt | CallEvent) -> None:
    try:
        function(fact)
    except Exception:
        logger.exception("%s failed", name)
