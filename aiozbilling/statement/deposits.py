"""Deposits by month and token, with the rate at which they were credited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

import attrs

from aiozbilling.records.amounts import exact_sum
from aiozbilling.records.calendar import month_of
from aiozbilling.statement.facts import Deposit

__all__ = ["DepositMonth", "deposit_months"]


@attrs.frozen(kw_only=True)
class DepositMonth:
    """The deposits of one token in one month.

    Attributes:
        month: ``"2026-10"``, or None for deposits without a time.
        token: symbol of the token.
        credited: number of credited deposits.
        tokens: sum of the credited deposits in whole tokens, exact.
        usd: sum of the credited deposits in USD, exact; a deposit without a value in USD adds nothing.
        rate_tokens: sum of the credited deposits that have a value in USD, in whole tokens, exact.
        uncredited: number of deposits that are not credited.
        uncredited_tokens: sum of the deposits that are not credited, in whole tokens, exact.
    """

    month: str | None
    token: str
    credited: int
    tokens: Decimal
    usd: Decimal
    rate_tokens: Decimal
    uncredited: int
    uncredited_tokens: Decimal

    @property
    def rate(self) -> Fraction | None:
        """USD per token of the credited deposits, or None."""
        return Fraction(self.usd) / Fraction(self.rate_tokens) if self.rate_tokens else None


def deposit_months(deposits: Iterable[Deposit]) -> tuple[DepositMonth, ...]:
    """Group deposits by month and token, sorted by both; deposits without a time come first."""
    groups = defaultdict(list)
    for row in deposits:
        groups["" if row.day is None else month_of(row.day), row.token].append(row)
    return tuple(_group(month or None, token, rows) for (month, token), rows in sorted(groups.items()))


def _group(month: str | None, token: str, rows: list[Deposit]) -> DepositMonth:
    credited = [row for row in rows if row.is_credited]
    uncredited = [row for row in rows if not row.is_credited]
    return DepositMonth(
        month=month,
        token=token,
        credited=len(credited),
        tokens=exact_sum(*(row.tokens for row in credited)),
        usd=exact_sum(*(row.usd for row in credited if row.usd is not None)),
        rate_tokens=exact_sum(*(row.tokens for row in credited if row.usd is not None)),
        uncredited=len(uncredited),
        uncredited_tokens=exact_sum(*(row.tokens for row in uncredited)),
    )
