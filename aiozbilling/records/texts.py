"""Numbers and times as text, the same in CSV files, JSON and what people see."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

__all__ = ["decimal_text", "time_text"]


def decimal_text(number: Decimal) -> str:
    """Write a number digit by digit, without an exponent and without zeros at its end: nothing is rounded."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if number else "0"


def time_text(time: datetime) -> str:
    """Write a time in UTC as ISO 8601 with ``Z``, always to the microsecond: readers infer one form for a column."""
    return time.isoformat(timespec="microseconds")[:-6] + "Z"
