"""What a statement is computed from: deposits, days and month snapshots of each account, in whole dollars, exact."""

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
        at: when it was recorded, UTC, or None where the provider has not set it.
        token: symbol of the token, ``"AIOZ"``.
        tokens: whole tokens, exact.
        usd: worth in USD, exact, or None if the provider reports none.
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
    """The running month's costs by component as they were when they were read, in USD, exact."""

    read_at: dt.datetime
    storage_usd: Decimal | None
    bandwidth_usd: Decimal | None


@attrs.frozen
class AccountFacts:
    """What is known of one AIOZ account.

    Attributes:
        account: its label.
        deposits: each once, in any order.
        days: each once, oldest first.
        snapshots: of the running month, oldest first.
        read_at: end of the latest complete reading, UTC, or None.
        top_ups_counted: rows of the list of top-ups by the provider's own count without null rows, or None.
        history_counted: rows of the daily history by the provider's own count without null rows, or None.
        removed: rows that the provider has removed since they were stored; they don't count.
    """

    account: str
    deposits: tuple[Deposit, ...] = ()
    days: tuple[SpendDay, ...] = ()
    snapshots: tuple[MonthSnapshot, ...] = ()
    read_at: dt.datetime | None = None
    top_ups_counted: int | None = None
    history_counted: int | None = None
    removed: int = 0


@attrs.frozen
class Facts:
    """All that a statement is computed from. `cu` and `metered` are records by account label."""

    accounts: tuple[AccountFacts, ...] = ()
    cu: tuple[tuple[str, CuUsage], ...] = ()
    metered: tuple[tuple[str, MeteredUsage], ...] = ()
    source: str = ""
    """What the facts were read from, for people."""


def account_facts(
    account: str,
    *,
    top_ups: Iterable[TopUp] = (),
    history: Iterable[DayUsage] = (),
    months: Iterable[tuple[dt.datetime, MonthUsage]] = (),
    read_at: dt.datetime | None = None,
) -> AccountFacts:
    """Take the facts of one account from its records.

    A row that comes twice counts once.

    Args:
        account: a label of yours.
        top_ups: in any order.
        history: in any order, one row a day.
        months: replies of ``this_month_usage()``, each with the time when it was read.
        read_at: when all of it was read, UTC. Without it, the latest day counts as not complete.

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
        raise ConfigurationError(f"{time} has no time zone: give an aware datetime")
    return time.astimezone(dt.UTC)


def _by_key(noun: str, rows: Iterable[R], key: Callable[[R], Hashable]) -> list[R]:
    found: dict[Hashable, R] = {}
    for row in rows:
        if found.setdefault(key(row), row) != row:
            raise ConfigurationError(f"two different rows for the {noun} {key(row)}: give the latest one only")
    return list(found.values())


def _deposit(row: TopUp) -> Deposit:
    return Deposit(row.id, row.created_at, row.amount.symbol, row.amount.value, row.credit_usd, row.status)


def _spend_day(row: DayUsage) -> SpendDay:
    return SpendDay(row.day, row.amount_usd, row.total_storage, row.total_bandwidth)
