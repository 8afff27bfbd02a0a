"""The input of a statement: deposits, days and month snapshots of each account, with exact amounts in USD."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable
from decimal import Decimal
from typing import TypeVar

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.records import CuUsage, DayUsage, MeteredUsage, MonthUsage, TopUp

__all__ = ["AccountFacts", "Deposit", "Facts", "MonthSnapshot", "SpendDay", "account_facts"]

R = TypeVar("R")


@attrs.frozen
class Deposit:
    """A deposit of tokens.

    Attributes:
        id: the provider's id.
        at: when it was recorded, UTC, or None if the provider has not set it.
        token: symbol of the token, ``"AIOZ"``.
        tokens: whole tokens, exact.
        usd: value in USD, exact, or None if the provider reports none.
        is_credited: whether it counts in the balance.
    """

    id: str
    at: dt.datetime | None
    token: str
    tokens: Decimal
    usd: Decimal | None
    is_credited: bool

    @property
    def day(self) -> dt.date | None:
        """The calendar day in UTC, or None."""
        return None if self.at is None else self.at.date()


@attrs.frozen
class SpendDay:
    """Usage of a day: cost in USD (exact, or None if the provider reports none) and bytes."""

    day: dt.date
    usd: Decimal | None
    storage_bytes: int
    bandwidth_bytes: int


@attrs.frozen
class MonthSnapshot:
    """The costs of the current month at the time when they were read, by component, in USD, exact."""

    read_at: dt.datetime
    storage_usd: Decimal | None
    bandwidth_usd: Decimal | None


@attrs.frozen
class AccountFacts:
    """What is known about one AIOZ account.

    Attributes:
        account: label of the account.
        deposits: each deposit once, in any order.
        days: each day once, oldest first.
        snapshots: snapshots of months, oldest first.
        read_at: end of the latest complete reading, UTC, or None.
        top_ups_counted: the provider's count of top-ups without null rows, or None.
        history_counted: the provider's count of days in the history without null rows, or None.
        removed: number of rows that the provider removed after they were stored; they are not part of the facts.
        tried_at: start of the latest reading that is not complete, UTC, or None.
    """

    account: str
    deposits: tuple[Deposit, ...] = ()
    days: tuple[SpendDay, ...] = ()
    snapshots: tuple[MonthSnapshot, ...] = ()
    read_at: dt.datetime | None = None
    top_ups_counted: int | None = None
    history_counted: int | None = None
    removed: int = 0
    tried_at: dt.datetime | None = None

    @property
    def seen_on(self) -> dt.date | None:
        """The day of the latest reading, complete or not, or None if it is unknown. Later rows are in the future."""
        readings = [time for time in (self.read_at, self.tried_at) if time is not None]
        return max(readings).date() if readings else None

    @property
    def times(self) -> tuple[dt.datetime, ...]:
        """The times of the latest complete reading and of the latest rows, without rows dated in the future."""
        last = self.seen_on or dt.date.max
        days = [day.day for day in reversed(self.days) if day.day <= last][:1]
        times = [dt.datetime.combine(day, dt.time(), dt.UTC) for day in days]
        times += [row.at for row in self.deposits if row.at is not None and row.at.date() <= last]
        return tuple(times if self.read_at is None else [*times, self.read_at])

    @property
    def future_rows(self) -> int:
        """Number of rows that were dated in the future when they were read."""
        last, days = self.seen_on, [*(day.day for day in self.days), *(row.day for row in self.deposits)]
        return 0 if last is None else sum(day > last for day in days if day is not None)


@attrs.frozen
class Facts:
    """The input of a statement. `cu` and `metered` are pairs of account label and record."""

    accounts: tuple[AccountFacts, ...] = ()
    cu: tuple[tuple[str, CuUsage], ...] = ()
    metered: tuple[tuple[str, MeteredUsage], ...] = ()
    source: str = ""
    """A description of where the facts come from, shown to people."""


def account_facts(
    account: str,
    *,
    top_ups: Iterable[TopUp] = (),
    history: Iterable[DayUsage] = (),
    months: Iterable[tuple[dt.datetime, MonthUsage]] = (),
    read_at: dt.datetime | None = None,
) -> AccountFacts:
    """Create the facts of one account from its records.

    A row that occurs twice counts once.

    Args:
        account: your label for the account.
        top_ups: top-ups in any order.
        history: days in any order, one row per day.
        months: results of ``this_month_usage()``, each with the time when it was read.
        read_at: when all records were read, UTC. Without it, the latest day counts as not complete.

    Raises:
        ConfigurationError: two different rows have the same id or the same day, or a time has no time zone.
    """
    deposits = _by_key("top-up", top_ups, lambda row: row.id)
    days = _by_key("day", history, lambda row: row.day)
    snapshots = [MonthSnapshot(_utc(at), month.storage_cost_usd, month.bandwidth_cost_usd) for at, month in months]
    return AccountFacts(
        account,
        tuple(map(_deposit, deposits)),
        tuple(sorted(map(_spend_day, days), key=lambda day: day.day)),
        tuple(sorted(snapshots, key=lambda snapshot: snapshot.read_at)),
        None if read_at is None else _utc(read_at),
    )


def _utc(time: dt.datetime) -> dt.datetime:
    if time.tzinfo is None:
        raise ConfigurationError(f"{time} has no time zone: use an aware datetime")
    return time.astimezone(dt.UTC)


def _by_key(noun: str, rows: Iterable[R], key: Callable[[R], Hashable]) -> list[R]:
    found: dict[Hashable, R] = {}
    for row in rows:
        if found.setdefault(key(row), row) != row:
            raise ConfigurationError(f"two different rows for the {noun} {key(row)}: keep the latest one only")
    return list(found.values())


def _deposit(row: TopUp) -> Deposit:
    return Deposit(row.id, row.created_at, row.amount.symbol, row.amount.value, row.credit_usd, row.status)


def _spend_day(row: DayUsage) -> SpendDay:
    return SpendDay(row.day, row.amount_usd, row.total_storage, row.total_bandwidth)
