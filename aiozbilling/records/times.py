"""Times as the records hold them."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["checked_utc"]


def checked_utc(time: datetime) -> None:
    """Refuse a time that is naive, not in UTC, or Go's zero time, which stands for "not set".

    Raises:
        ValueError: the time is one of these.
    """
    if time.tzinfo is not UTC or time.year == 1:
        raise ValueError("not a time in UTC")
