"""Limits of a call: its duration and its number of attempts."""

from __future__ import annotations

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.checks import checked_seconds
from aiozbilling.exchange.retry import RetryPolicy

__all__ = ["Bounds"]


@attrs.frozen(eq=False, repr=False)
class Bounds:
    """Limits of the calls of one client.

    Attributes:
        timeout_s: time limit of one attempt, including its body.
        deadline_s: time limit of a call, including retries and waits.
        max_wait_s: longest wait for the rate limit or for a pause of the account.
        retry: how failed attempts are retried.
    """

    timeout_s: float
    deadline_s: float
    max_wait_s: float
    retry: RetryPolicy

    @classmethod
    def checked(
        cls, timeout: float, deadline: float | None, max_wait_s: float | None, retry: RetryPolicy | None
    ) -> Bounds:
        """Check the user's values. None means no limit, or the default policy.

        Raises:
            ConfigurationError: a value is invalid.
        """
        if retry is not None and not isinstance(retry, RetryPolicy):
            raise ConfigurationError("retry must be a RetryPolicy, such as RetryPolicy(attempts=1)")
        return cls(
            checked_seconds("timeout", timeout),
            float("inf") if deadline is None else checked_seconds("deadline", deadline),
            float("inf") if max_wait_s is None else checked_seconds("max_wait_s", max_wait_s, zero=True),
            retry or RetryPolicy(),
        )
