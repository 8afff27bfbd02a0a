"""Converts numbers, times and a server's words to the text that CSV files, JSON and messages use."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

__all__ = ["decimal_text", "printable", "time_text"]


def decimal_text(number: Decimal) -> str:
    """Return a number with all digits, without an exponent and without trailing zeros."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if number else "0"


def time_text(time: datetime) -> str:
    """Return a time in UTC as ISO 8601 with ``Z``, always with microseconds, so that a column has one format."""
    return time.isoformat(timespec="microseconds")[:-6] + "Z"


def printable(text: str) -> str:
    """Replace control characters, which a terminal would execute: escapes, C1, bidirectional controls, line breaks."""
    if text.isprintable():
        return text
    odd = {character for character in set(text) if not character.isprintable()}
    return text.translate({ord(character): " " if character.isspace() else "�" for character in odd})
