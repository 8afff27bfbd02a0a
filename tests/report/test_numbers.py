"""Numbers as the report writes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from aiozbilling.report.numbers import (
    axis_format,
    decimal,
    money,
    money_in,
    money_short,
    percent,
    quantity,
    runway_text,
    tokens_text,
)
from aiozbilling.statement import Runway


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal("1234.5"), "$1,234.50"),
        (Decimal("0.125"), "$0.12"),
        (Decimal(-3), "−$3.00"),
        (Decimal("0.004"), "<$0.01"),
        (Fraction(-1, 1000), "−<$0.01"),
        (Decimal(0), "$0.00"),
        (None, "–"),
        (Decimal("999999999.994"), "$999,999,999.99"),
        (Decimal("1234567890.6"), "$1,234,567,891"),
        (Decimal("8.66384e40"), "$8.664e+40"),
    ],
)
def test_money_has_cents(amount, text):
    """Money is rounded half to even and grouped, and an amount that is not zero never looks like zero."""
    assert money(amount) == text


def test_tokens_never_look_like_none():
    """Tokens have four decimals; fewer than that are not ``0.0000``."""
    assert [tokens_text(n) for n in (Decimal(35), Decimal("-1e-9"), 0, None)] == ["35.0000", "−<0.0001", "0.0000", "–"]


def test_quantities_have_no_noise():
    """A quantity has at most two decimals and no trailing zeros, and one that is not zero never looks like zero."""
    numbers = (
        Decimal("8745.2000497"),
        Decimal(5000),
        Decimal("0.0000497"),
        Decimal("-0.001"),
        0,
        None,
        Decimal("1e30"),
    )
    assert [quantity(number) for number in numbers] == [
        "8,745.2", "5,000", "<0.01", "−<0.01", "0", "–", "1.000e+30",
    ]  # fmt: skip


def test_tiles_shorten_large_amounts():
    """From ten million on an amount is written with its scale; below, with its cents."""
    assert money_short(Decimal("9999999.99")) == "$9,999,999.99"
    assert money_short(12_345_678) == "$12.35 m"
    assert money_short(Decimal(-12) * 10**9) == "−$12.00 bn"


def test_other_currencies_are_named():
    """Dollars get their sign, another currency its code."""
    assert money_in(Decimal(29), "usd") == "$29.00"
    assert money_in(Decimal(29), "eur") == "29.00 EUR"


def test_shares_and_lengths():
    """Percentages have a sign where asked, and a runway counts whole days."""
    assert percent(Fraction(87, 1000), signed=True) == "+8.7 %"
    assert percent(Fraction(-1, 8)) == "−12.5 %"
    today = date(2026, 10, 20)
    runways = [
        Runway(account="a", balance=Decimal(1), day=today, per_day=Fraction(0), basis_days=basis, days=days)
        for basis, days in ((9, None), (9, Fraction(3, 2)), (9, Fraction(40_000)), (0, None))
    ]
    assert [runway_text(runway, today) for runway in runways] == ["no end", "1 day", "over 100 years", "–"]
    assert runway_text(runways[1], None) == runway_text(None, today) == "–"
    assert decimal(Decimal("2.5"), 0) == "2"


def test_an_axis_has_as_many_places_as_it_needs():
    """Small amounts get more places, large ones a suffix."""
    assert [axis_format(highest) for highest in (1e20, 2e4, 50, 2, 0.5, 0.05, 1e-9, 0)] == [
        "$.1~e", "$.3~s", "$,.0f", "$,.2f", "$,.2f", "$,.3f", "$.1~e", "$,.2f",
    ]  # fmt: skip
