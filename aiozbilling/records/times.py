"""Times as the records hold them."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["checked_utc", "is_unset"]


def checked_utc(time: datetime) -> None:
    """Refuse a time that is naive, not in UTC, or Go's zero time, which stands for "not set".

    Raises:
        ValueError: the time is one of these.
    """
    if is_unset(time):
        raise ValueError("not a time in UTC")


def is_unset(time: datetime) -> bool:
    """Tell whether a time is Go's zero time.

    Raises:
        ValueError: the time is naive or not in UTC.
    """
    if time.tzinfo is not UTC:
        raise ValueError("not a time in UTC")
    return time.year == 1
