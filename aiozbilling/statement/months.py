"""Spend and deposits by month, for one account and for several accounts together. Every amount is an exact sum."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

import attrs

from aiozbilling.records.amounts import exact_sum
from aiozbilling.records.calendar import SETTLES_IN, month_of, months_between
from aiozbilling.statement.facts import AccountFacts, Deposit, MonthSnapshot, SpendDay

__all__ = ["SpendMonth", "account_months", "change", "combined_months", "cost_per_tb", "is_closed"]

_ZERO = Decimal(0)


@attrs.frozen(kw_only=True)
class SpendMonth:
    """A month's cost and deposits in USD, exact.

    Attributes:
        month: ``"2026-10"``.
        spend: sum of the daily history.
        storage: the part for storage according to the month's last snapshot, or None if there is no snapshot.
        bandwidth: the part for bandwidth, likewise.
        deposits: sum of the credited deposits.
        uncredited: number of deposits that are not credited.
        days: number of days with a row in the history, of any of the accounts.
        mean_storage_bytes: mean storage of these days, of all accounts together.
        is_closed: whether no further rows are expected.
        not_read: accounts that were last read before the month was closed; their known rows are included.
    """

    month: str
    spend: Decimal
    storage: Decimal | None
    bandwidth: Decimal | None
    deposits: Decimal
    uncredited: int
    days: int
    mean_storage_bytes: Fraction
    is_closed: bool
    not_read: tuple[str, ...] = ()

    @property
    def not_split(self) -> Decimal:
        """The part that no snapshot splits into storage and bandwidth: spend after the last snapshot, or all of it."""
        return exact_sum(self.spend, (self.storage or _ZERO).copy_negate(), (self.bandwidth or _ZERO).copy_negate())

    @property
    def has_excess(self) -> bool:
        """Whether the snapshot exceeds the sum of the days by more than 1 %, so that the history may lack days."""
        if self.storage is None and self.bandwidth is None:
            return False
        return Fraction(self.not_split) * -100 > Fraction(self.spend)


def is_closed(account: AccountFacts, month: str) -> bool:
    """Return whether an account's month is closed.

    It is closed if the history has a day of a later month, or if a complete reading ended at least three days after the
    end of the month. A day that was in the future when it was read does not close a month.
    """
    last = account.seen_on or dt.date.max
    latest = next((day.day for day in reversed(account.days) if day.day <= last), None)
    if latest is not None and month_of(latest) > month:
        return True
    return account.read_at is not None and _is_settled(month, account.read_at)


def account_months(account: AccountFacts) -> tuple[SpendMonth, ...]:
    """Compute the months of one account, oldest first, without gaps from its first to its last row."""
    days, deposits = defaultdict(list), defaultdict(list)
    for day in account.days:
        days[month_of(day.day)].append(day)
    for deposit in account.deposits:
        if deposit.day is not None:
            deposits[month_of(deposit.day)].append(deposit)
    last_snapshots = {month_of(snapshot.read_at.date()): snapshot for snapshot in account.snapshots}
    known = {*days, *deposits, *last_snapshots}
    return tuple(
        _month(account, month, days[month], deposits[month], last_snapshots.get(month))
        for month in (months_between(min(known), max(known)) if known else ())
    )


def combined_months(accounts: Sequence[AccountFacts], as_of: dt.datetime) -> tuple[SpendMonth, ...]:
    """Compute the months of several accounts together, oldest first, without gaps.

    A combined month is closed when the month of each account is closed. More than three days after the month, an
    account that was not read again does not keep the month open; it is named in `not_read` instead.
    """
    by_account = {account.account: {month.month: month for month in account_months(account)} for account in accounts}
    known = {month for months in by_account.values() for month in months}
    days = Counter(month_of(day) for day in {day.day for account in accounts for day in account.days})
    return tuple(
        _combined(
            month, accounts, [months[month] for months in by_account.values() if month in months], days[month], as_of
        )
        for month in (months_between(min(known), max(known)) if known else ())
    )


def change(month: SpendMonth, previous: SpendMonth | None) -> Fraction | None:
    """Compute the change of spend relative to the previous month.

    It is None if the spend of that month is not positive, or if that of this month is negative.
    """
    if previous is None or previous.spend <= 0 or month.spend < 0:
        return None
    return Fraction(month.spend) / Fraction(previous.spend) - 1


def cost_per_tb(month: SpendMonth) -> Fraction | None:
    """Estimate USD per stored TB (10^12 bytes): the month's spend, including bandwidth, divided by its mean storage."""
    return Fraction(month.spend) * 10**12 / month.mean_storage_bytes if month.mean_storage_bytes else None


def _month(
    account: AccountFacts,
    month: str,
    days: Sequence[SpendDay],
    deposits: Sequence[Deposit],
    snapshot: MonthSnapshot | None,
) -> SpendMonth:
    return SpendMonth(
        month=month,
        spend=exact_sum(*(day.usd for day in days if day.usd is not None)),
        storage=None if snapshot is None else snapshot.storage_usd,
        bandwidth=None if snapshot is None else snapshot.bandwidth_usd,
        deposits=exact_sum(*(row.usd for row in deposits if row.is_credited and row.usd is not None)),
        uncredited=sum(not row.is_credited for row in deposits),
        days=len(days),
        mean_storage_bytes=Fraction(sum(day.storage_bytes for day in days), max(len(days), 1)),
        is_closed=is_closed(account, month),
    )


def _combined(
    month: str, accounts: Sequence[AccountFacts], months: Sequence[SpendMonth], days: int, as_of: dt.datetime
) -> SpendMonth:
    is_due = _is_settled(month, as_of)
    open_ = [account.account for account in accounts if not is_closed(account, month)]
    return SpendMonth(
        month=month,
        spend=exact_sum(*(part.spend for part in months)),
        storage=_known_sum(part.storage for part in months),
        bandwidth=_known_sum(part.bandwidth for part in months),
        deposits=exact_sum(*(part.deposits for part in months)),
        uncredited=sum(part.uncredited for part in months),
        days=days,
        mean_storage_bytes=sum((part.mean_storage_bytes for part in months), Fraction(0)),
        is_closed=len(open_) < len(accounts) if is_due else not open_,
        not_read=tuple(open_) if is_due else (),
    )


def _is_settled(month: str, at: dt.datetime) -> bool:
    return month_of((at.astimezone(dt.UTC) - SETTLES_IN).date()) > month


def _known_sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return exact_sum(*known) if known else None
