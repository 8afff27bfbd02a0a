"""Metered billing: usage of a billing period by metric."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import UTC, date, datetime, time
from typing import Self
from urllib.parse import quote

import aiohttp

from aiozbilling.clients.client import MAX_BODY, Client
from aiozbilling.clients.environment import environment
from aiozbilling.clients.months import Month, by_month, last_day, months_between
from aiozbilling.clients.token import TokenSource, token_source
from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.checks import checked_concurrency
from aiozbilling.exchange.credentials import Secret, concealed
from aiozbilling.exchange.endpoint import Endpoint, System
from aiozbilling.exchange.envelope import metered_envelope
from aiozbilling.exchange.events import Attempt, CallEvent
from aiozbilling.exchange.rate import Limiter
from aiozbilling.exchange.retry import RetryPolicy
from aiozbilling.records.metered import MeteredUsage

__all__ = ["MeteredBilling"]

_METERED = System(
    name="metered billing",
    envelope=metered_envelope,
    hints={
        400: "Check start, end and metrics",
        401: "Check the session token (METERED_BILLING_TOKEN); it may have expired",
        404: "Does base_url (METERED_BILLING_URL) point to the deployment's root?",
    },
)
_METRIC = re.compile(r"[^,\s\ud800-\udfff]+")
USAGE = Endpoint(_METERED, "/api/billing/usage", MeteredUsage, 'Docs, "Get Usage", GET /api/billing/usage')


class MeteredBilling(Client):
    """Client of a deployment's metered billing.

    Args:
        base_url: the deployment, such as ``"https://api.my-saas.com"``.
        token: a session token.
        credentials: a function, plain or async, that returns the token, instead of it. It is asked before the first
            call, and once more when the server answers 401.
        account: a label of yours, which is no secret, for events, logs and traces.
        session: an `aiohttp.ClientSession` of yours, used and never closed; by default the client makes its own.
        timeout: seconds for one attempt, its body included.
        deadline: seconds for one whole call with its retries and waits; None for no end.
        max_wait_s: where the rate limit or a pause of the account asks for a longer wait, a call raises
            `NotSentError` at once; None waits up to the deadline.
        retry: how failed attempts are repeated; None for ``RetryPolicy()``.
        rate_limit: requests that one account may make, a `RateLimit`, `SharedRateLimit` or `Limiter`; None by
            default.
        allow_http: permit plain http to other machines than this one.
        max_body: largest body in bytes, decompressed; 64 MiB.
        on_attempt: a function that is called with an `Attempt` after each attempt.
        on_event: a function that is called with a `CallEvent` at the end of each call.

    Raises:
        ConfigurationError: an argument is invalid.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | Secret | None = None,
        credentials: TokenSource | None = None,
        account: str = "",
        session: aiohttp.ClientSession | None = None,
        timeout: float = 30.0,
        deadline: float | None = 300.0,
        max_wait_s: float | None = None,
        retry: RetryPolicy | None = None,
        rate_limit: Limiter | None = None,
        allow_http: bool = False,
        max_body: int = MAX_BODY,
        on_attempt: Callable[[Attempt], object] | None = None,
        on_event: Callable[[CallEvent], object] | None = None,
    ) -> None:
        token = concealed(token)
        super().__init__(
            base_url,
            token_source(token, credentials, "MeteredBilling", variable="METERED_BILLING_TOKEN"),
            account=account,
            session=session,
            timeout=timeout,
            deadline=deadline,
            max_wait_s=max_wait_s,
            retry=retry,
            rate_limit=rate_limit,
            allow_http=allow_http,
            max_body=max_body,
            on_attempt=on_attempt,
            on_event=on_event,
        )

    @classmethod
    def from_env(
        cls,
        *,
        base_url: str | None = None,
        account: str = "",
        session: aiohttp.ClientSession | None = None,
        timeout: float = 30.0,
        deadline: float | None = 300.0,
        max_wait_s: float | None = None,
        retry: RetryPolicy | None = None,
        rate_limit: Limiter | None = None,
        allow_http: bool = False,
        max_body: int = MAX_BODY,
        on_attempt: Callable[[Attempt], object] | None = None,
        on_event: Callable[[CallEvent], object] | None = None,
    ) -> Self:
        """Build a client from ``METERED_BILLING_URL`` (`base_url` comes before it) and ``METERED_BILLING_TOKEN``.

        Raises:
            ConfigurationError: a variable is missing or invalid.
        """
        token, from_environment = environment("METERED_BILLING_TOKEN", optional="METERED_BILLING_URL")
        base_url = base_url or from_environment
        if base_url is None:
            raise ConfigurationError("set the environment variable METERED_BILLING_URL")
        return cls(
            base_url,
            token=token,
            account=account,
            session=session,
            timeout=timeout,
            deadline=deadline,
            max_wait_s=max_wait_s,
            retry=retry,
            rate_limit=rate_limit,
            allow_http=allow_http,
            max_body=max_body,
            on_attempt=on_attempt,
            on_event=on_event,
        )

    def with_credentials(
        self, *, token: str | Secret | None = None, credentials: TokenSource | None = None, account: str = ""
    ) -> Self:
        """Return a client for another account on the same connections, with its own rate limit and pause.

        Args:
            token: of the other account.
            credentials: a function that returns it, as for the class.
            account: a label of yours, which is no secret, for events, logs and traces.

        Raises:
            ConfigurationError: the token or the label is invalid.
        """
        token = concealed(token)
        return self._with(token_source(token, credentials, "MeteredBilling"), account)

    async def usage(
        self,
        *,
        start: str | date | None = None,
        end: str | date | None = None,
        metrics: Iterable[str] | str | None = None,
    ) -> MeteredUsage:
        """Read the usage of the current billing period, or of a range of dates.

        Args:
            start: from then on; ``"2024-01-01"``, an ISO 8601 time with its offset, a date or an aware datetime.
            end: until then, the same.
            metrics: ids of the metrics wanted, such as ``["api_calls", "storage"]``; None for all.

        Raises:
            ConfigurationError: a date or a metric is invalid, or `start` is after `end`; no request is made.
            TransportError: no usable reply came.
            ApiError: the reply says no.
            DecodeError: the reply is not what the API promises.

        Source: "Get Usage". Usage lags by up to 5 minutes; history is kept for 12 months.
        """
        return await self._usage(_range(start, end) + _metrics(metrics))

    def usage_by_month(
        self,
        *,
        since: Month,
        until: Month | None = None,
        metrics: Iterable[str] | str | None = None,
        concurrency: int = 4,
    ) -> AsyncGenerator[MeteredUsage, None]:
        """Iterate the months from `since` to `until` (None: the current one), both included, oldest first.

        Raises:
            ConfigurationError: at once, where an argument is invalid. Otherwise as `usage`.
        """
        wanted = _metrics(metrics)

        async def fetch(month: tuple[int, int]) -> MeteredUsage:
            return await self._usage(_range(date(*month, 1), last_day(*month)) + wanted)

        return by_month(months_between(since, until), fetch, checked_concurrency(concurrency))

    async def _usage(self, parameters: list[str]) -> MeteredUsage:
        return await self._exchange.call(USAGE, "&".join(parameters))


def _range(start: str | date | None, end: str | date | None) -> list[str]:
    begins, ends = _instant("start", start), _instant("end", end)
    if begins and ends and begins[0] > ends[0]:
        raise ConfigurationError(f"start ({begins[1]}) is after end ({ends[1]})")
    return [f"{name}={quote(day[1])}" for name, day in (("startDate", begins), ("endDate", ends)) if day]


def _instant(name: str, day: str | date | None) -> tuple[datetime, str] | None:
    """Give a day or time as an instant, to compare, and as the API takes it."""
    if day is None:
        return None
    if isinstance(day, str):
        day = _parsed(name, day)
    if isinstance(day, datetime):
        if day.tzinfo is None:
            raise ConfigurationError(f"{name} must say its time zone, such as {day.isoformat()}Z for UTC")
        try:
            utc = day.astimezone(UTC)
        except OverflowError:
            raise ConfigurationError(f"{name} lies outside the calendar: {day}") from None
        return utc, utc.isoformat().replace("+00:00", "Z")
    if not isinstance(day, date):
        raise ConfigurationError(f"{name} must be a date as '2024-01-31', a date or a datetime, not {day!r}")
    return datetime.combine(day, time(), UTC), day.isoformat()


def _parsed(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text) if len(text) == len("2024-01-31") else datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{name} must be a date as '2024-01-31' or an ISO 8601 time, not {text!r}") from None


def _metrics(metrics: Iterable[str] | str | None) -> list[str]:
    if metrics is None:
        return []
    names = metrics.split(",") if isinstance(metrics, str) else list(metrics) if isinstance(metrics, Iterable) else []
    if not names or not all(isinstance(name, str) and _METRIC.fullmatch(name.strip()) for name in names):
        raise ConfigurationError(f"metrics must be ids such as ['api_calls', 'storage'], not {metrics!r}")
    return [f"metrics={','.join(quote(name.strip(), safe='') for name in names)}"]
