"""Estimates: runway and month-end projection. They have documented methods and do not come from the provider."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import attrs

from aiozbilling.records.amounts import exact_sum
from aiozbilling.records.calendar import last_day, month_of
from aiozbilling.statement.balance import balance_days
from aiozbilling.statement.facts import AccountFacts, SpendDay

__all__ = [
    "CENTURY_DAYS",
    "PROJECTION_METHOD",
    "RUNWAY_METHOD",
    "Runway",
    "complete_days",
    "daily_spend",
    "forecast",
    "projection",
    "runway",
    "shortest",
]

WINDOW_DAYS = 30
RUNWAY_METHOD = "derived balance divided by the mean daily spend of the last 30 complete days"
PROJECTION_METHOD = "spend of the complete days, plus the mean of the last 30 complete days for each other day"
CENTURY_DAYS = 36_525  # a date more than a century away is not a useful forecast


@attrs.frozen(kw_only=True)
class Runway:
    """An estimate of how long an account's balance lasts. The method is `RUNWAY_METHOD`.

    Attributes:
        account: label of the account.
        balance: derived balance on `day` in USD, exact.
        day: day of the latest row or reading. A row that was dated in the future when it was read is not used.
        per_day: mean daily spend in USD, exact.
        basis_days: number of complete days in the mean; 0 if there is none.
        days: days that the balance lasts from `day` on: 0 if it is negative, None if nothing is spent.
    """

    account: str
    balance: Decimal
    day: dt.date
    per_day: Fraction
    basis_days: int
    days: Fraction | None

    @property
    def empty_on(self) -> dt.date | None:
        """The day on which the balance reaches 0, or None if nothing is spent or that day is over a century away."""
        return None if self.days is None or self.days > CENTURY_DAYS else self.day + dt.timedelta(days=int(self.days))

    def days_left(self, on: dt.date) -> Fraction | None:
        """Return the days left on another day, not less than 0."""
        return None if self.days is None else max(Fraction(0), self.days - (on - self.day).days)


def complete_days(account: AccountFacts) -> tuple[SpendDay, ...]:
    """Return the days whose rows no longer change: those before the day of the latest reading.

    If the time of the latest reading is unknown, all days except the last one are complete.
    """
    if account.read_at is None:
        return account.days[:-1]
    return tuple(day for day in account.days if day.day < account.read_at.date())


def daily_spend(account: AccountFacts) -> tuple[Fraction, int]:
    """Return the mean spend of the complete days among the last 30, and their number."""
    days = complete_days(account)
    since = days[-1].day - dt.timedelta(days=WINDOW_DAYS - 1) if days else None
    recent = [day.usd for day in days if since is not None and day.day >= since and day.usd is not None]
    return (Fraction(exact_sum(*recent)) / len(recent), len(recent)) if recent else (Fraction(0), 0)


def runway(account: AccountFacts) -> Runway | None:
    """Estimate how long an account's balance lasts, or return None if the account has no rows and was never read."""
    balances = balance_days(account)
    if not balances and account.read_at is None:
        return None
    day = max((time.date() for time in account.times), default=balances[-1].day if balances else dt.date.min)
    rows = balances or balance_days(account, day)
    balance = rows[-1].closing if rows else Decimal(0)
    per_day, basis = daily_spend(account)
    days = Fraction(0) if balance < 0 else Fraction(balance) / per_day if per_day > 0 else None
    return Runway(account=account.account, balance=balance, day=day, per_day=per_day, basis_days=basis, days=days)


def shortest(runways: Sequence[Runway], on: dt.date) -> Runway | None:
    """Return the runway that ends first, because money doesn't move between accounts; None if none ends."""
    ending = [runway for runway in runways if runway.days is not None]
    return min(ending, key=lambda runway: (runway.days_left(on), runway.account), default=None)


def projection(account: AccountFacts, month: str) -> Fraction | None:
    """Estimate an account's spend in a whole month; None without a complete day, or for a past month.

    The method is `PROJECTION_METHOD`. The estimate is never less than the spend so far.
    """
    per_day, basis = daily_spend(account)
    done = [day for day in complete_days(account) if month_of(day.day) == month]
    latest = complete_days(account)[-1:]
    if not basis or month_of(latest[0].day) > month or latest[0].day == last_day(month):
        return None
    spent = Fraction(exact_sum(*(day.usd for day in account.days if month_of(day.day) == month and day.usd)))
    whole = Fraction(exact_sum(*(day.usd for day in done if day.usd)))
    begin = latest[0].day if month_of(latest[0].day) == month else last_day(month).replace(day=1) - dt.timedelta(days=1)
    return max(spent, whole + per_day * (last_day(month) - begin).days)


def forecast(runways: Sequence[Runway], until: dt.date) -> list[tuple[dt.date, Fraction]]:
    """Return (day, summed balance) for `until` and for each day before it on which an account becomes empty.

    Between these days, the summed balance is a straight line. It begins on the latest `Runway.day`.
    """
    if not runways:
        return []
    begin = max(runway.day for runway in runways)
    corners = {begin, until, *(day for runway in runways if (day := runway.empty_on) and begin < day < until)}
    return [(day, sum((_left(runway, day) for runway in runways), Fraction(0))) for day in sorted(corners)]


def _left(runway: Runway, day: dt.date) -> Fraction:
    balance = Fraction(runway.balance)
    return min(balance, max(Fraction(0), balance - runway.per_day * (day - runway.day).days))
