"""Metered billing: usage of a billing period by metric."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable
from datetime import UTC, date, datetime, time
from urllib.parse import quote

from aiozbilling.clients.months import Month, by_month, checked_months
from aiozbilling.clients.token import TokenClient
from aiozbilling.errors import ConfigurationError, DecodeError
from aiozbilling.exchange.checks import checked_concurrency
from aiozbilling.exchange.endpoint import Endpoint, System
from aiozbilling.exchange.envelope import metered_envelope
from aiozbilling.records.calendar import first_day, last_day
from aiozbilling.records.metered import MeteredUsage, Period

__all__ = ["MeteredBilling"]

_METERED = System(
    name="metered billing",
    envelope=metered_envelope,
    hints={
        400: "Check start, end and metrics",
        401: "Check the session token (METERED_BILLING_TOKEN); it may have expired",
        404: "Check that base_url (METERED_BILLING_URL) is the root of the deployment",
    },
)
_WESTERNMOST_MIDNIGHT = time(12)  # in UTC
_TIME_OF_DAY = re.compile(r"[T ]", re.IGNORECASE)
_METRIC = re.compile(r"[^,\s\ud800-\udfff]+")
USAGE = Endpoint(_METERED, "/api/billing/usage", MeteredUsage)


class MeteredBilling(TokenClient):
    """Client of the metered billing of a deployment.

    Args:
        base_url: URL of the deployment, such as ``"https://api.my-saas.com"``.
        token: session token.
        credentials: plain or async function that returns the token, instead of `token`. It is called before the first
            call, and again when the server replies with 401.
        account: your label for the account, for events, logs and traces; it is not secret.
        session: your own `aiohttp.ClientSession`, which the client uses but does not close. Default: the client creates
            one.
        timeout: seconds for one attempt, including its body.
        deadline: seconds for one call, including retries and waits; None for no limit.
        max_wait_s: longest wait for the rate limit or for a pause of the account, in seconds; a call that must wait
            longer raises `NotSentError` at once. None: calls wait until the deadline.
        retry: how failed attempts are retried; None for ``RetryPolicy()``.
        rate_limit: limit for the requests of the account, a `RateLimit`, `SharedRateLimit` or `Limiter`. Default: None.
        allow_http: whether plain http to other machines is allowed.
        max_body: largest decompressed body in bytes. Default: 64 MiB.
        on_attempt: function that is called with an `Attempt` after each attempt.
        on_event: function that is called with a `CallEvent` at the end of each call.

    Raises:
        ConfigurationError: an argument is invalid.
    """

    _VARIABLES = ("METERED_BILLING_TOKEN", "METERED_BILLING_URL")

    async def usage(
        self,
        *,
        start: str | date | None = None,
        end: str | date | None = None,
        metrics: Iterable[str] | str | None = None,
    ) -> MeteredUsage:
        """Read the usage of the current billing period, or of a range of dates.

        Args:
            start: beginning of the range: ``"2024-01-01"``, an ISO 8601 time with an offset, a date or an aware
                datetime.
            end: end of the range, in the same forms.
            metrics: ids of metrics, such as ``["api_calls", "storage"]``; None for all.

        Raises:
            ConfigurationError: a date or a metric is invalid, or `start` is after `end`; no request is made.
            TransportError: there was no usable reply.
            ApiError: the server replied with an error.
            DecodeError: the reply does not match the API's description.

        Source: "Get Usage". Usage is up to 5 minutes late; history is kept for 12 months.
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
        """Iterate the months from `since` to `until`, including both, oldest first. `until` None is the current month.

        Raises:
            ConfigurationError: an argument is invalid; raised at the call.
            DecodeError: the server returned a period outside the month. Iteration also raises the errors of `usage`.
        """
        wanted = _metrics(metrics)

        async def fetch(month: str) -> MeteredUsage:
            usage = await self._usage(_range(first_day(month), last_day(month)) + wanted)
            _refuse_other_period(usage.period, month)
            return usage

        return by_month(checked_months(since, until), fetch, checked_concurrency(concurrency))

    async def _usage(self, parameters: list[str]) -> MeteredUsage:
        return await self._exchange.call(USAGE, "&".join(parameters))


def _refuse_other_period(period: Period, month: str) -> None:
    """Refuse a reply about another month: a server that ignores the dates would return one period for all months.

    A billing period may begin or end within the month, and a day may begin at midnight of the deployment's time zone.
    """
    begins, ends, first = period.start.date(), period.end.date(), first_day(month)
    is_later = period.year_month > month and ends > last_day(month)
    is_earlier = period.year_month < month and period.end < datetime.combine(first, _WESTERNMOST_MIDNIGHT, UTC)
    if is_earlier or is_later:
        problem = f"expected a period in {month} at $.data.period, got {begins} to {ends}"
        hint = (
            "The server may ignore startDate and endDate. Then it can't be read by month or synced: read its current"
            " period with usage() or aiozbilling metered, without dates"
        )
        raise DecodeError([problem], endpoint=USAGE.title, attempts=1, hint=hint)


def _range(start: str | date | None, end: str | date | None) -> list[str]:
    begins, ends = _instant("start", start, time.min), _instant("end", end, time.max)
    if begins and ends and begins[0] > ends[0]:
        raise ConfigurationError(f"start ({begins[1]}) is after end ({ends[1]})")
    return [f"{name}={quote(day[1])}" for name, day in (("startDate", begins), ("endDate", ends)) if day]


def _instant(name: str, day: str | date | None, of_day: time) -> tuple[datetime, str] | None:
    """Return a day or time as an instant for comparisons, and in the form that the API accepts.

    A day without a time is compared at the time `of_day`: the last day belongs to the range.
    """
    if day is None:
        return None
    if isinstance(day, str):
        day = _parsed(name, day)
    if isinstance(day, datetime):
        if day.tzinfo is None:
            raise ConfigurationError(f"{name} must have a time zone, such as {day.isoformat()}Z for UTC")
        try:
            utc = day.astimezone(UTC)
        except OverflowError:
            raise ConfigurationError(f"{name} is outside the calendar: {day}") from None
        return utc, utc.isoformat().replace("+00:00", "Z")
    if not isinstance(day, date):
        raise ConfigurationError(
            f"{name} must be a date such as '2024-01-31', a date object or a datetime, not {day!r}"
        )
    return datetime.combine(day, of_day, UTC), day.isoformat()


def _parsed(name: str, text: str) -> date:
    try:
        return datetime.fromisoformat(text) if _TIME_OF_DAY.search(text) else date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"{name} must be a date such as '2024-01-31' or an ISO 8601 time, not {text!r}"
        ) from None


def _metrics(metrics: Iterable[str] | str | None) -> list[str]:
    if metrics is None:
        return []
    names = metrics.split(",") if isinstance(metrics, str) else list(metrics) if isinstance(metrics, Iterable) else []
    if not names or not all(isinstance(name, str) and _METRIC.fullmatch(name.strip()) for name in names):
        raise ConfigurationError(f"metrics must be ids such as ['api_calls', 'storage'], not {metrics!r}")
    return [f"metrics={','.join(quote(name.strip(), safe='') for name in names)}"]
