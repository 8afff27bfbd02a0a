"""Checks the months that users pass, before any request, and reads months with several requests at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, date, datetime
from typing import TypeVar

from aiozbilling.errors import ConfigurationError
from aiozbilling.listing.prefetch import Prefetch
from aiozbilling.records.calendar import is_month, month_of, months_between

__all__ = ["Month", "by_month", "checked_month", "checked_months"]

T = TypeVar("T")
Month = str | date | datetime


def checked_month(month: Month, name: str = "month") -> str:
    """Return ``"2026-10"`` for this text, a date or a datetime. An aware datetime is converted to UTC.

    Raises:
        ConfigurationError: there is no such month.
    """
    if isinstance(month, datetime) and month.tzinfo is not None:
        try:
            month = month.astimezone(UTC)
        except OverflowError:
            raise ConfigurationError(f"{name} is outside the calendar: {month}") from None
    if isinstance(month, date):
        return month_of(month)
    if not isinstance(month, str) or not is_month(month):
        raise ConfigurationError(f"{name} must be a month such as '2026-10', a date or a datetime, not {month!r}")
    return month


def checked_months(since: Month, until: Month | None) -> list[str]:
    """Return the months from `since` to `until`, including both. `until` None is the current month in UTC.

    Raises:
        ConfigurationError: one of them is invalid, or `since` is after `until`.
    """
    first = checked_month(since, "since")
    last = checked_month(datetime.now(UTC) if until is None else until, "until")
    if first > last:
        raise ConfigurationError(f"since ({first}) is after until ({last})")
    return months_between(first, last)


async def by_month(
    months: Sequence[str], fetch: Callable[[str], Awaitable[T]], concurrency: int
) -> AsyncGenerator[T, None]:
    """Yield the result of `fetch` for each month, in order, with several requests at the same time."""
    async with aclosing(Prefetch[str, T](lambda month, _: fetch(month), concurrency)) as prefetch:
        for i, month in enumerate(months):
            prefetch.want(months[i : i + prefetch.ahead])
            yield await prefetch.take(month)
