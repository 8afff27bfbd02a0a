"""Formats numbers, days and times for the report, rounded half to even."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

from aiozbilling.records.calendar import first_day
from aiozbilling.statement.estimates import CENTURY_DAYS, Runway

__all__ = [
    "NOTHING",
    "axis_format",
    "count",
    "day_name",
    "days_text",
    "decimal",
    "long_month",
    "money",
    "money_in",
    "money_short",
    "month_name",
    "percent",
    "quantity",
    "runway_text",
    "time_text",
    "tokens_text",
]

NOTHING = "–"
_MINUS = "−"  # noqa: RUF001 - the sign, not a hyphen
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_LARGE = ((10**12, "tn"), (10**9, "bn"), (10**6, "m"))
_HUGE = 10**15  # larger numbers are written with an exponent
_NO_CENTS = 10**9  # amounts from here on have no decimals: with them, a table of months is wider than paper

Number = Decimal | Fraction | int


def money(amount: Number | None, places: int = 2) -> str:
    """Write dollars: ``$1,234.50``, from a billion on without cents.

    An amount that is too small for its places is written as ``<$0.01``.
    """
    return _amount(amount, places, "$")


def tokens_text(tokens: Number | None) -> str:
    """Write an amount of tokens with four decimals, by the rules of `money`: ``<0.0001``, never ``0.0000``."""
    return _amount(tokens, 4, "")


def _amount(number: Number | None, places: int, unit: str) -> str:
    if number is None:
        return NOTHING
    size = abs(Fraction(number))
    text = decimal(size, places if size < _NO_CENTS else 0)
    sign = _MINUS if number < 0 else ""
    smallest = decimal(Fraction(1, 10**places), places)
    return f"{sign}<{unit}{smallest}" if number and not text.strip("0.") else f"{sign}{unit}{text}"


def money_short(amount: Number | None) -> str:
    """Write dollars for a tile: cents below ten million, ``$12.35 bn`` above."""
    if amount is None or not 10**7 <= abs(Fraction(amount)) < _HUGE:
        return money(amount)
    sign, size = _MINUS if amount < 0 else "", abs(Fraction(amount))
    scale, name = next((scale, name) for scale, name in _LARGE if size >= scale)
    return f"{sign}${decimal(size / scale, 2)} {name}"


def money_in(amount: Number, currency: str) -> str:
    """Write an amount in its currency: dollars as `money`, others as ``29.00 EUR``."""
    return money(amount) if currency.casefold() == "usd" else f"{decimal(amount, 2)} {currency.upper()}"


def decimal(number: Number | None, places: int) -> str:
    """Write a number with thousands grouped, rounded to `places`. From 10^15 on, it is written as ``1.235e+42``."""
    if number is None:
        return NOTHING
    if abs(Fraction(number)) >= _HUGE:
        return f"{Decimal(int(number)):.3e}".replace("-", _MINUS)
    scaled = round(Fraction(number) * 10**places)
    whole, part = divmod(abs(scaled), 10**places)
    sign = _MINUS if scaled < 0 else ""
    return f"{sign}{whole:,}.{part:0{places}}" if places else f"{sign}{whole:,}"


def quantity(number: Number | None) -> str:
    """Write a number with at most two decimals: ``8,745.2``. One that is too small for them is ``<0.01``."""
    text = decimal(number, 2)
    if number and not text.strip("0.−"):  # noqa: RUF001 - the sign, not a hyphen
        return f"{_MINUS if number < 0 else ''}<0.01"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def days_text(days: int) -> str:
    """Write a number of days: ``1 day``."""
    return f"{days:,} day{'' if days == 1 else 's'}"


def count(number: int | None) -> str:
    """Write a whole number with thousands grouped."""
    return decimal(number, 0)


def percent(share: Number | None, *, signed: bool = False) -> str:
    """Write a share as a percentage rounded to a tenth: ``+8.7 %``."""
    if share is None:
        return NOTHING
    text = decimal(Fraction(share) * 100, 1)
    return f"{'+' if signed and share > 0 else ''}{text} %"


def runway_text(runway: Runway | None, on: dt.date | None) -> str:
    """Write how long a balance lasts from a day on, in whole days. It is unknown without a complete day."""
    if runway is None or on is None or not runway.basis_days:
        return NOTHING
    days = runway.days_left(on)
    if days is None:
        return "no end"
    if days > CENTURY_DAYS:
        return "over 100 years"
    return days_text(int(days))


def time_text(time: dt.datetime | None) -> str:
    """Write a time in UTC to the minute."""
    return NOTHING if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def month_name(month: str) -> str:
    """Return a month's name, ``October``."""
    return _MONTHS[first_day(month).month - 1]


def long_month(month: str) -> str:
    """Return a month's name and year, ``October 2026``."""
    return f"{month_name(month)} {month[:4]}"


def day_name(day: dt.date) -> str:
    """Return a day as people write it, ``1 October 2026``."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def axis_format(highest: float) -> str:
    """Return the d3 format of a dollar axis whose highest value is given."""
    if not highest:
        return "$,.2f"
    if highest >= 10_000:
        return "$.3~s" if highest < 10**15 else "$.1~e"
    places = 0 if highest >= 8 else 2 if highest >= 0.1 else 3
    return f"$,.{places}f" if highest >= 0.01 else "$.1~e"
