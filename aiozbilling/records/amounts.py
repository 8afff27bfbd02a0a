"""Amounts as in the provider's replies, and their exact scaled values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, localcontext
from typing import Any

import attrs

from aiozbilling.records.record import Record

__all__ = [
    "EXACT",
    "TokenAmount",
    "amount_if_any",
    "exact_sum",
    "refuse_bad_amount",
    "scaled",
    "scaled_amounts",
    "token_of",
]

# Decimal arithmetic rounds to the context's digits, 28 by default; billing must not.
EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
# A larger exponent in a reply is an attack or an accident: 1e1000000 has a million digits.
_MAX_EXPONENT = 100
_USD_DECIMALS = 18
_ZERO = Decimal(0)
_DENOMS = {"attoaioz": ("AIOZ", 18), "aioz": ("AIOZ", 0)}


def amount_if_any(record: object, attribute: attrs.Attribute[Any], amount: object) -> None:
    """Check an attrs field that contains an amount, or None if that is its default.

    Rows from the API are not checked again: they were checked as text (exchange/compiled.py).

    Raises:
        TypeError: it is not a Decimal.
        ValueError: `refuse_bad_amount` refuses it.
    """
    if amount is None and attribute.default is None:
        return
    if not isinstance(amount, Decimal):
        raise TypeError(f"{type(record).__name__}.{attribute.name} must be a Decimal, not {type(amount).__name__}")
    refuse_bad_amount(amount)


def refuse_bad_amount(amount: Decimal) -> None:
    """Raise an error for NaN, infinities and exponents that no amount has.

    Raises:
        ValueError: the number is not finite or its exponent is beyond ±100.
    """
    if not (amount.is_finite() and -_MAX_EXPONENT <= amount.adjusted() <= _MAX_EXPONENT):
        raise ValueError("not a finite number of a sensible size")


@attrs.frozen(repr=False)
class TokenAmount(Record):
    """An amount of tokens."""

    denom: str
    """The provider's unit, such as ``"attoaioz"`` (10^-18 AIOZ)."""
    amount: Decimal = attrs.field(validator=amount_if_any)
    """The number in units of `denom`, exact."""

    @property
    def value(self) -> Decimal:
        """The amount in whole tokens (`symbol`), not rounded. For an unknown denom, it is `amount`."""
        return scaled(self.amount, token_of(self.denom)[1])

    @property
    def symbol(self) -> str:
        """The symbol of the token, ``"AIOZ"``. For an unknown denom, it is `denom`."""
        return token_of(self.denom)[0]


def token_of(denom: str) -> tuple[str, int]:
    """Return the symbol of a denom's token, and how many decimals it has. An unknown denom is a token itself."""
    return _DENOMS.get(denom, (denom, 0))


def scaled(amount: Decimal, decimals: int = _USD_DECIMALS) -> Decimal:
    """Divide by 10^decimals without rounding."""
    return amount.scaleb(-decimals, EXACT) if amount else _ZERO  # a scaled 0 would be printed as 0E-18


def scaled_amounts(amounts: Sequence[Decimal | None], decimals: int = _USD_DECIMALS) -> list[Decimal | None]:
    """Divide each amount by 10^decimals without rounding. None stays None."""
    factor = Decimal((0, (1,), -decimals))  # a product takes less than half of the time of scaleb, with the same result
    with localcontext(EXACT):
        return [amount * factor if amount else None if amount is None else _ZERO for amount in amounts]


def scaled_or_none(amount: Decimal | None) -> Decimal | None:
    """Convert USD × 10^18 to USD without rounding. None stays None."""
    return None if amount is None else scaled(amount)


def exact_sum(*amounts: Decimal | Iterable[Decimal | None] | None) -> Decimal:
    """Add amounts without rounding: ``exact_sum(a, b)`` or, as `sum`, ``exact_sum(day.amount_usd for day in days)``.

    None adds nothing, and the sum of no amounts is 0. `sum()` and ``+`` round to the 28 digits of the decimal context,
    which are too few for sums of attodollars.

    Args:
        *amounts: numbers, or iterables of numbers.
    """
    total = _ZERO
    for amount in amounts:
        if isinstance(amount, Decimal):
            total = EXACT.add(total, amount)
        elif amount is not None:
            for one in amount:
                total = total if one is None else EXACT.add(total, one)
    return total
