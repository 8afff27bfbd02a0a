"""Days whose spend is unusual, by median and MAD (median absolute deviation) of the days before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fractions import Fraction
from statistics import median

import attrs

from aiozbilling.statement.facts import SpendDay

__all__ = ["UNUSUAL_METHOD", "UnusualDay", "unusual_days"]

_BEFORE = 28
_AT_LEAST = 14
_LIMIT = Fraction(7, 2)  # Iglewicz and Hoaglin (1993), with 0.6745 MAD for a standard deviation
_MAD_OF_NORMAL = Fraction(6745, 10000)
_SMALLEST = Fraction(1, 100)  # of the median, so that among nearly equal days none is unusual
UNUSUAL_METHOD = "complete days more than 3.5 robust deviations (median and MAD) from the 28 days before"


@attrs.frozen
class UnusualDay:
    """A day whose spend is far from `expected`, the median of the days before. `score` is positive for a high spend."""

    day: dt.date
    usd: Fraction
    expected: Fraction
    score: float


def unusual_days(days: Sequence[SpendDay]) -> tuple[UnusualDay, ...]:
    """Return the unusual days among complete days, which must be oldest first.

    Each day is compared with the 28 rows before it, so a slow trend does not make a day unusual. The first 14 days are
    never unusual. The MAD is at least 1 % of the median.
    """
    spend = [(day.day, Fraction(day.usd)) for day in days if day.usd is not None]
    found = []
    for index in range(_AT_LEAST, len(spend)):
        day, usd = spend[index]
        before = [value for _, value in spend[max(0, index - _BEFORE) : index]]
        expected = median(before)
        deviation = max(median([abs(value - expected) for value in before]), _SMALLEST * abs(expected))
        # The deviation is 0 if most days before are zero.
        distance = _MAD_OF_NORMAL * (usd - expected)
        score = distance / deviation if deviation else Fraction(1000 * ((distance > 0) - (distance < 0)))
        if abs(score) > _LIMIT:
            found.append(UnusualDay(day, usd, expected, float(score)))
    return tuple(found)
