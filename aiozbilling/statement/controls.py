"""Control totals: counts and exact sums of each list, to compare with the provider and with other copies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

import attrs

from aiozbilling.records.amounts import exact_sum
from aiozbilling.statement.facts import AccountFacts, Deposit

__all__ = ["ControlTotal", "control_totals"]


@attrs.frozen(kw_only=True)
class ControlTotal:
    """Count and exact sum of a list of an account.

    Attributes:
        list: ``"top-ups, credited"``, ``"top-ups, not credited"`` or ``"history"``.
        account: label of the account.
        rows: number of rows.
        counted: the provider's count of the whole list, or None.
        listed: number of known rows of the whole list, to compare with `counted`.
        first: day of the first row, or None.
        last: day of the last row, or None.
        usd: sum of the rows in USD, exact.
        unpriced: rows without an amount; they add nothing to the sum.
        read_at: end of the latest complete reading, UTC, or None.
    """

    list: str
    account: str
    rows: int
    counted: int | None
    listed: int
    first: dt.date | None
    last: dt.date | None
    usd: Decimal
    unpriced: int
    read_at: dt.datetime | None


def control_totals(account: AccountFacts) -> tuple[ControlTotal, ...]:
    """Compute the control totals of an account."""
    credited = [row for row in account.deposits if row.is_credited]
    uncredited = [row for row in account.deposits if not row.is_credited]
    days = [(day.day, day.usd) for day in account.days]
    return (
        _total("top-ups, credited", account, account.top_ups_counted, len(account.deposits), _rows(credited)),
        _total("top-ups, not credited", account, account.top_ups_counted, len(account.deposits), _rows(uncredited)),
        _total("history", account, account.history_counted, len(days), days),
    )


def _rows(deposits: Iterable[Deposit]) -> list[tuple[dt.date | None, Decimal | None]]:
    return [(row.day, row.usd) for row in deposits]


def _total(
    name: str,
    account: AccountFacts,
    counted: int | None,
    listed: int,
    rows: list[tuple[dt.date | None, Decimal | None]] | list[tuple[dt.date, Decimal | None]],
) -> ControlTotal:
    days = [day for day, _ in rows if day is not None]
    amounts = [usd for _, usd in rows if usd is not None]
    return ControlTotal(
        list=name,
        account=account.account,
        rows=len(rows),
        counted=counted,
        listed=listed,
        first=min(days, default=None),
        last=max(days, default=None),
        usd=exact_sum(*amounts),
        unpriced=len(rows) - len(amounts),
        read_at=account.read_at,
    )
