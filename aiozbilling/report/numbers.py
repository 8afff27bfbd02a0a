"""Numbers, days and times as the report writes them: rounded half to even, the same everywhere."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

from aiozbilling.statement.calendar import first_day

__all__ = [
    "NOTHING",
    "axis_format",
    "count",
    "decimal",
    "long_month",
    "money",
    "money_in",
    "money_short",
    "month_name",
    "percent",
    "runway_text",
    "time_text",
]

NOTHING = "–"  # noqa: RUF001 - an en dash
_MINUS = "−"  # noqa: RUF001 - the sign, not a hyphen
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_LARGE = ((10**12, "tn"), (10**9, "bn"), (10**6, "m"))
_CENTURY = 36_525

Number = Decimal | Fraction | int


def money(amount: Number | None, places: int = 2) -> str:
    """Write dollars: ``$1,234.50``; an amount too small for its places as ``<$0.01``."""
    if amount is None:
        return NOTHING
    text = decimal(abs(Fraction(amount)), places)
    sign = _MINUS if amount < 0 else ""
    smallest = decimal(Fraction(1, 10**places), places)
    return f"{sign}<${smallest}" if amount and not text.strip("0.") else f"{sign}${text}"


def money_short(amount: Number | None) -> str:
    """Write dollars for a tile: whole cents below ten million, ``$12.35 bn`` and ``$1.2e+42`` above."""
    if amount is None or -(10**7) < amount < 10**7:
        return money(amount)
    sign, size = _MINUS if amount < 0 else "", abs(Fraction(amount))
    if size >= 10**15:
        return f"{sign}${Decimal(int(size)):.1e}"
    scale, name = next((scale, name) for scale, name in _LARGE if size >= scale)
    return f"{sign}${decimal(size / scale, 2)} {name}"


def money_in(amount: Number, currency: str) -> str:
    """Write an amount in its currency: dollars as `money`, others as ``29.00 EUR``."""
    return money(amount) if currency.casefold() == "usd" else f"{decimal(amount, 2)} {currency.upper()}"


def decimal(number: Number | None, places: int) -> str:
    """Write a number with its thousands grouped, rounded to `places`."""
    if number is None:
        return NOTHING
    scaled = round(Fraction(number) * 10**places)
    whole, part = divmod(abs(scaled), 10**places)
    sign = _MINUS if scaled < 0 else ""
    return f"{sign}{whole:,}.{part:0{places}}" if places else f"{sign}{whole:,}"


def count(number: int | None) -> str:
    """Write a whole number with its thousands grouped."""
    return decimal(number, 0)


def percent(share: Number | None, *, signed: bool = False) -> str:
    """Write a share as a percentage rounded to a tenth: ``+8.7 %``."""
    if share is None:
        return NOTHING
    text = decimal(Fraction(share) * 100, 1)
    return f"{'+' if signed and share > 0 else ''}{text} %"


def runway_text(days: Fraction | None) -> str:
    """Write how long a balance lasts, in whole days."""
    if days is None:
        return "no end"
    if days > _CENTURY:
        return "over 100 years"
    whole = int(days)
    return f"{whole:,} day{'' if whole == 1 else 's'}"


def time_text(time: dt.datetime | None) -> str:
    """Write a time in UTC to the minute."""
    return NOTHING if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def month_name(month: str) -> str:
    """Return a month's name, ``October``."""
    return _MONTHS[first_day(month).month - 1]


def long_month(month: str) -> str:
    """Return a month's name and year, ``October 2026``."""
    return f"{month_name(month)} {month[:4]}"


def axis_format(highest: float) -> str:
    """Return the d3 format of a dollar axis whose highest value is given."""
    if highest >= 10_000:
        return "$.3~s"
    places = 0 if highest >= 8 else 1 if highest >= 1 else 2 if highest >= 0.1 else 3
    return f"$,.{places}f" if highest >= 0.01 else "$.1~e"
