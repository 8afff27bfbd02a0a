"""Deposits by month and token, with the rate they were credited at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

import attrs

from aiozbilling.records.amounts import exact_sum
from aiozbilling.statement.calendar import month_of
from aiozbilling.statement.facts import Deposit

__all__ = ["DepositMonth", "deposit_months"]


@attrs.frozen(kw_only=True)
class DepositMonth:
    """Deposits of a month in a token.

    Attributes:
        month: ``"2026-10"``, or None for deposits without a time.
        token: symbol of the token.
        credited: how many are credited.
        tokens: sum of the credited ones in whole tokens, exact.
        usd: sum of their worth in USD, exact; those without a worth add nothing.
        rate_tokens: tokens of those that have a worth.
        uncredited: how many are not credited.
        uncredited_tokens: sum of these in whole tokens, exact.
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
        """USD per token of what was credited, or None."""
        return Fraction(self.usd) / Fraction(self.rate_tokens) if self.rate_tokens else None


def deposit_months(deposits: Iterable[Deposit]) -> tuple[DepositMonth, ...]:
    """Group deposits by month and token, in this order; those without a time come first."""
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
