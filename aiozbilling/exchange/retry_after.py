"""Parses the time after which a server accepts a retry, from the headers of a reply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["retry_after_s"]

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds after which the server accepts a retry, from its `Date` header or else from now.

    ``retry-after-ms`` has priority over ``Retry-After`` (ASCII digits, also with a decimal point, or an HTTP-date).
    Without a valid header, the result is None.
    """
    milliseconds = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(milliseconds):
        return _seconds(milliseconds) / 1000
    value = headers.get("Retry-After", "").strip()
    if _NUMBER.fullmatch(value):
        return _seconds(value)
    when = _http_date(value)
    if when is None:
        return None
    start = _http_date(headers.get("Date", "")) or now or datetime.now(UTC)
    return max(0.0, (when - start).total_seconds())


def _seconds(digits: str) -> float:
    return float(digits[:20])  # limited to 20 characters to avoid an overflow


def _http_date(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when
