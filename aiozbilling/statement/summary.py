"""The statement: all figures that are computed from the facts."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.records.amounts import exact_sum
from aiozbilling.statement.balance import BalanceDay, balance_days, combined_balance
from aiozbilling.statement.deposits import DepositMonth, deposit_months
from aiozbilling.statement.estimates import Runway, complete_days, projection, runway, shortest
from aiozbilling.statement.facts import AccountFacts, Facts, SpendDay
from aiozbilling.statement.months import SpendMonth, account_months, combined_months
from aiozbilling.statement.unusual import UnusualDay, unusual_days

__all__ = ["AccountStatement", "Statement", "statement"]


@attrs.frozen
class AccountStatement:
    """One account's months, daily balances and runway, from its facts."""

    facts: AccountFacts
    months: tuple[SpendMonth, ...]
    balances: tuple[BalanceDay, ...]
    runway: Runway | None

    @property
    def account(self) -> str:
        """Label of the account."""
        return self.facts.account


@attrs.frozen(kw_only=True)
class Statement:
    """The figures of all accounts.

    Attributes:
        facts: the input.
        as_of: the time that the statement describes, UTC, or None without any facts of AIOZ.
        accounts: the figures of each account, in the order of the facts.
        months: months of all accounts together, oldest first.
        balances: daily balances of all accounts together, oldest first, until `as_of`.
        days: daily spend of all accounts together, oldest first.
        deposits: deposits of all accounts together, by month and token.
        unusual: days on which the spend of all accounts together was unusual, oldest first.
    """

    facts: Facts
    as_of: dt.datetime | None
    accounts: tuple[AccountStatement, ...]
    months: tuple[SpendMonth, ...]
    balances: tuple[BalanceDay, ...]
    days: tuple[SpendDay, ...]
    deposits: tuple[DepositMonth, ...]
    unusual: tuple[UnusualDay, ...]

    @property
    def runways(self) -> tuple[Runway, ...]:
        """The runways of the accounts, in the order of the accounts."""
        return tuple(account.runway for account in self.accounts if account.runway is not None)

    @property
    def runway(self) -> Runway | None:
        """The runway that ends first, or None if none ends."""
        return None if self.as_of is None else shortest(self.runways, self.as_of.date())

    def month(self, month: str) -> SpendMonth | None:
        """Return the month of all accounts together, or None."""
        return next((row for row in self.months if row.month == month), None)

    def projection(self, month: str) -> Fraction | None:
        """Estimate the spend in a whole month: the sum over the accounts that have an estimate, or None if none has."""
        parts = [projection(account.facts, month) for account in self.accounts]
        known = [part for part in parts if part is not None]
        return sum(known, Fraction(0)) if known else None


def statement(facts: Facts, *, as_of: dt.datetime | None = None) -> Statement:
    """Compute a statement from facts. Without facts, the statement is empty.

    Args:
        facts: facts of any number of accounts.
        as_of: the time that the statement describes, UTC. Default: the latest reading or row, whichever is later. A row
            that was dated in the future when it was read is not used.

    Raises:
        ConfigurationError: two accounts have the same label.
    """
    labels = [account.account for account in facts.accounts]
    if len(set(labels)) < len(labels):
        raise ConfigurationError("two accounts have the same label")
    moment = as_of or max((time for account in facts.accounts for time in account.times), default=None)
    accounts = tuple(_account(account) for account in facts.accounts)
    days = _combined_days(facts.accounts)
    return Statement(
        facts=facts,
        as_of=moment,
        accounts=accounts,
        months=() if moment is None else combined_months(facts.accounts, moment),
        balances=combined_balance([account.balances for account in accounts]),
        days=days,
        deposits=deposit_months(row for account in facts.accounts for row in account.deposits),
        unusual=unusual_days(days[: _complete(days, facts.accounts)]),
    )


def _account(facts: AccountFacts) -> AccountStatement:
    until = None if facts.read_at is None else facts.read_at.date()
    return AccountStatement(facts, account_months(facts), balance_days(facts, until), runway(facts))


def _combined_days(accounts: Sequence[AccountFacts]) -> tuple[SpendDay, ...]:
    days: defaultdict[dt.date, list[SpendDay]] = defaultdict(list)
    for account in accounts:
        for day in account.days:
            days[day.day].append(day)
    return tuple(_sum_of_days(day, rows) for day, rows in sorted(days.items()))


def _sum_of_days(day: dt.date, rows: Sequence[SpendDay]) -> SpendDay:
    amounts: list[Decimal] = [row.usd for row in rows if row.usd is not None]
    return SpendDay(
        day,
        exact_sum(*amounts) if amounts else None,
        sum(row.storage_bytes for row in rows),
        sum(row.bandwidth_bytes for row in rows),
    )


def _complete(days: Sequence[SpendDay], accounts: Sequence[AccountFacts]) -> int:
    """Count the days whose rows no longer change in any account."""
    changing = [account.days[-1].day for account in accounts if account.days and not _is_complete(account)]
    end = min(changing, default=dt.date.max)
    return sum(day.day < end for day in days)


def _is_complete(account: AccountFacts) -> bool:
    return len(complete_days(account)) == len(account.days)
