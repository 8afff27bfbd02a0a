"""Months as text (``"2026-10"``), which sort by time, and the days in them."""

from __future__ import annotations

import datetime as dt
import re
from calendar import monthrange

from aiozbilling.errors import ConfigurationError

__all__ = [
    "SETTLES_IN",
    "days_between",
    "first_day",
    "is_month",
    "last_day",
    "month_of",
    "months_between",
    "next_month",
]

# The usage of a month may change for this long after its end. The ledger's view v_spend_month has the same rule.
SETTLES_IN = dt.timedelta(days=3)

_MONTH = re.compile(r"(?!0000)\d{4}-(0[1-9]|1[0-2])", re.ASCII)


def month_of(day: dt.date) -> str:
    """Return the month of a day, ``"2026-10"``."""
    return f"{day.year:04}-{day.month:02}"


def is_month(text: str) -> bool:
    """Return whether a text is a month such as ``2026-10``."""
    return _MONTH.fullmatch(text) is not None


def first_day(month: str) -> dt.date:
    """Return the first day of a month.

    Raises:
        ConfigurationError: the text is not a month such as ``2026-10``.
    """
    if not is_month(month):
        raise ConfigurationError(f"{month!r} is not a month such as 2026-10")
    return dt.date(int(month[:4]), int(month[5:]), 1)


def last_day(month: str) -> dt.date:
    """Return the last day of a month."""
    first = first_day(month)
    return first.replace(day=monthrange(first.year, first.month)[1])


def next_month(month: str, step: int = 1) -> str:
    """Return the month `step` months later, or earlier if `step` is negative."""
    return _text(_number(month) + step)


def months_between(first: str, last: str) -> list[str]:
    """List the months from `first` to `last`, both included."""
    return [_text(number) for number in range(_number(first), _number(last) + 1)]


def days_between(first: dt.date, last: dt.date) -> list[dt.date]:
    """List the days from `first` to `last`, both included."""
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _text(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"
