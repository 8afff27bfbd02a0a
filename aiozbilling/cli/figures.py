"""Formats numbers and times for people: exact, or visibly rounded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from aiozbilling.records.amounts import EXACT

__all__ = [
    "CU_PLACES",
    "NOTHING",
    "aligned",
    "exact",
    "moment",
    "money",
    "percent",
    "plain_money",
    "rounded",
    "shortened",
    "size",
    "size_in_gb",
]

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
NOTHING = "–"
CU_PLACES = 2  # the provider's compute units are sums of floats, such as 8745.200000000001


def exact(number: Decimal | int | None) -> str:
    """Return every digit, with thousands grouped and without trailing zeros: ``1,234.5``."""
    if number is None:
        return NOTHING
    text = format(number, ",f") if isinstance(number, Decimal) else f"{number:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: Decimal | None, places: int) -> str:
    """Return an amount with `places` decimals, rounded half to even: ``1,543.773000``.

    An amount too small for `places` never looks like zero: it becomes ``<0.000001``.
    """
    if amount is None:
        return NOTHING
    least = Decimal(1).scaleb(-places)
    result = amount.quantize(least, ROUND_HALF_EVEN, EXACT)
    if amount and not result:
        return f"{'>-' if amount < 0 else '<'}{least:f}"
    return format(result or abs(result), ",f")


def plain_money(amount: Decimal | None, places: int) -> str:
    """Return an amount for a sentence: like `money`, without trailing zeros but with at least two decimals."""
    text = money(amount, places)
    whole, point, fraction = text.partition(".")
    return text if not point or text[0] in "<>" else f"{whole}.{fraction.rstrip('0').ljust(min(places, 2), '0')}"


def rounded(number: Decimal | None, places: int) -> str:
    """Return a number with at most `places` decimals, without trailing zeros."""
    if number is None:
        return NOTHING
    text = money(number, places)
    return text if text[:1] in "<>" else exact(Decimal(text.replace(",", "")))


def aligned(texts: Sequence[str]) -> list[str]:
    """Add trailing blanks so that the decimal points form a column when the texts are right-aligned."""
    fractions = [len(text) - text.index(".") if "." in text else 0 for text in texts]
    longest = max(fractions, default=0)
    return [text + " " * (longest - fraction) for text, fraction in zip(texts, fractions, strict=True)]


def size(count: int) -> str:
    """Return a number of bytes rounded to four digits: ``527.3 GiB``."""
    return _scaled(count, 1024, _BINARY)


def size_in_gb(count: int) -> str:
    """Return a number of bytes rounded to four digits: ``566.2 GB``."""
    return _scaled(count, 1000, _DECIMAL)


def percent(share: Decimal | float | None) -> str:
    """Return a percentage rounded to a tenth."""
    return NOTHING if share is None else f"{share:,.1f} %"


def shortened(text: str) -> str:
    """Keep the first 8 and the last 4 characters of a hash or an address: ``aioz1qpz…4k7u``."""
    return text if len(text) <= 13 else f"{text[:8]}…{text[-4:]}"


def moment(time: datetime | None) -> str:
    """Return a time in UTC to the second."""
    return NOTHING if time is None else f"{time:%Y-%m-%d %H:%M:%S}"


def _scaled(count: int, step: int, units: tuple[str, ...]) -> str:
    number, power = float(count), 0
    while abs(number) >= step and power < len(units) - 1:
        number, power = number / step, power + 1
    return f"{count} B" if power == 0 else f"{number:.{max(0, 4 - len(str(int(abs(number)))))}f} {units[power]}"
