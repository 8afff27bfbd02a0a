"""Numbers and pictures as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from aiozbilling.cli.figures import aligned, cut, exact, shortened, size, size_in_gb, sum_of
from aiozbilling.cli.messages import printable
from aiozbilling.cli.pictures import bar, gauge, sparkline


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Decimal("1234.500"), "1,234.5"),
        (Decimal("1E+6"), "1,000,000"),
        (Decimal("-0.000000000000000001"), "-0.000000000000000001"),
        (Decimal("12345678901234567890.123456789012345678"), "12,345,678,901,234,567,890.123456789012345678"),
        (Decimal("0E-18"), "0"),
        (1_000_000, "1,000,000"),
        (None, "–"),
    ],
)
def test_exact_figures_keep_every_digit(number: Decimal | int | None, text: str) -> None:
    """Thousands are grouped, zeros at the end go, digits stay."""
    assert exact(number) == text


def test_a_cut_figure_says_so() -> None:
    """A fraction that is shortened ends with a mark; one that fits is left alone."""
    assert cut("1.1234567", 6) == "1.123456…"
    assert cut("1.123456", 6) == "1.123456"
    assert cut("1,234", 6) == "1,234"


def test_points_stand_below_each_other() -> None:
    """Set to the right, the points of the figures are in one column."""
    width = 12
    lines = [text.rjust(width) for text in aligned(["1.25", "10", "3.5", "–"])]
    assert [line.find(".") for line in lines if "." in line] == [9, 9]
    assert lines[1].index("10") + 2 == 9


def test_sums_do_not_round() -> None:
    """A sum has all digits of its parts, more than the 28 of an ordinary context."""
    numbers = [Decimal("1e30"), None, Decimal("1e-18")]
    assert exact(sum_of(numbers)).replace(",", "") == "1" + "0" * 30 + "." + "0" * 17 + "1"


@pytest.mark.parametrize(
    ("count", "binary", "decimal"),
    [
        (0, "0 B", "0 B"),
        (999, "999 B", "999 B"),
        (1024, "1.000 KiB", "1.024 kB"),
        (566_184_123_456, "527.3 GiB", "566.2 GB"),
        (10**18, "888.2 PiB", "1.000 EB"),
        (10**24, "867362 EiB", "1000000 EB"),
    ],
)
def test_sizes_have_four_digits(count: int, binary: str, decimal: str) -> None:
    """Bytes are written in the unit that leaves up to three digits before the point."""
    assert size(count) == binary
    assert size_in_gb(count) == decimal


def test_hashes_keep_both_ends() -> None:
    """A long text keeps its beginning and end around a mark; a short one stays."""
    assert shortened("aioz1" + "q" * 34 + "wxyz") == "aioz1qqq…wxyz"
    assert shortened("short") == "short"


def test_bars_are_as_long_as_their_share() -> None:
    """A bar is never longer than its width, and shows eighths."""
    assert [bar(share, 4) for share in (-1, 0, 0.5, 0.53, 1, 9)] == ["", "", "██", "██▏", "████", "████"]
    assert [gauge(share, 4) for share in (0, 0.5, 1.5)] == ["░░░░", "██░░", "████"]
    assert bar(0.5, 4, ascii_only=True) + gauge(0.5, 4, ascii_only=True) == "####.."


def test_a_sparkline_fits_its_width() -> None:
    """There is a column a value, or averages where they are too many; nothing is a flat line."""
    assert sparkline([0, 1, 2, 4], 10) == "▁▃▅█"
    assert len(sparkline(list(range(1000)), 60)) == 60
    assert sparkline([0, 0], 10) == "▁▁"
    assert sparkline([], 10) == ""


def test_what_a_terminal_would_obey_is_replaced() -> None:
    """Escape sequences and line breaks of a server become harmless."""
    assert printable("a\033[31mb\nc") == "a�[31mb c"
    assert printable("naïve…") == "naïve…"
