"""Parses and checks times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

__all__ = ["is_unset", "refuse_bad_time", "time_from_text"]

# Compiled at its first use: most programs never need it, and compiling would slow down each start.
_RFC_3339 = r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?(?:[Zz]|([+-])(\d\d):?([0-5]\d))"


def refuse_bad_time(time: datetime) -> None:
    """Raise an error for a time that is naive, not in UTC, or Go's zero time, which means "not set".

    Raises:
        ValueError: the time is one of these.
    """
    if is_unset(time):
        raise ValueError("not a time in UTC")


def is_unset(time: datetime) -> bool:
    """Return whether a time is Go's zero time.

    Raises:
        ValueError: the time is naive or not in UTC.
    """
    if time.tzinfo is not UTC:
        raise ValueError("not a time in UTC")
    return time.year == 1


def time_from_text(text: str) -> datetime | None:
    """Parse an RFC 3339 time and return it in UTC, or None if the text is not such a time.

    Digits beyond microseconds are cut off, so that a time is never rounded to the next second.
    """
    match = re.fullmatch(_RFC_3339, text, re.ASCII)
    if match is None or match[2] >= "24":  # Python 3.14 reads 24:00 as the next day
        return None
    date, clock, fraction, sign, hours, minutes = match.groups()
    try:
        time = datetime.fromisoformat(f"{date}T{clock}.{(fraction or '0')[:6]}Z")
        if sign is None:
            return time
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return time.replace(tzinfo=timezone(-offset if sign == "-" else offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
