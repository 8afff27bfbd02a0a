"""Parses and checks the months that users pass, before any request."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, date, datetime
from typing import TypeVar

from aiozbilling.errors import ConfigurationError
from aiozbilling.listing.prefetch import Prefetch

__all__ = ["Month", "by_month", "last_day", "month_of", "months_between"]

T = TypeVar("T")
Month = str | date | datetime

_MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)


def month_of(month: Month, name: str = "month") -> tuple[int, int]:
    """Return year and month of ``"2026-10"``, a date or a datetime. An aware datetime is converted to UTC.

    Raises:
        ConfigurationError: there is no such month.
    """
    if isinstance(month, datetime) and month.tzinfo is not None:
        try:
            month = month.astimezone(UTC)
        except OverflowError:
            raise ConfigurationError(f"{name} is outside the calendar: {month}") from None
    if isinstance(month, date):
        return month.year, month.month
    match = _MONTH.fullmatch(month) if isinstance(month, str) else None
    if match is None or not (1 <= int(match[2]) <= 12 and int(match[1]) >= 1):
        raise ConfigurationError(f"{name} must be a month such as '2026-10', a date or a datetime, not {month!r}")
    return int(match[1]), int(match[2])


def months_between(since: Month, until: Month | None) -> list[tuple[int, int]]:
    """Return the months from `since` to `until`, including both. `until` None is the current month in UTC.

    Raises:
        ConfigurationError: one of them is invalid, or `since` is after `until`.
    """
    first = month_of(since, "since")
    last = month_of(datetime.now(UTC) if until is None else until, "until")
    if first > last:
        raise ConfigurationError(f"since ({first[0]}-{first[1]:02}) is after until ({last[0]}-{last[1]:02})")
    numbers = range(first[0] * 12 + first[1] - 1, last[0] * 12 + last[1])
    return [(number // 12, number % 12 + 1) for number in numbers]


def last_day(year: int, month: int) -> date:
    """Return the last day of a month."""
    return date(year, month, monthrange(year, month)[1])


async def by_month(
    months: Sequence[tuple[int, int]], fetch: Callable[[tuple[int, int]], Awaitable[T]], concurrency: int
) -> AsyncGenerator[T, None]:
    """Yield the result of `fetch` for each month, in order, with several requests at the same time."""
    async with aclosing(Prefetch[tuple[int, int], T](lambda month, _: fetch(month), concurrency)) as prefetch:
        for i, month in enumerate(months):
            prefetch.want(months[i : i + prefetch.ahead])
            yield await prefetch.take(month)
