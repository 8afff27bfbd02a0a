"""Formatting of numbers for people, bars and sparklines."""

from __future__ import annotations

from decimal import Decimal

import pytest

from aiozbilling.cli.figures import aligned, exact, money, plain_money, rounded, shortened, size, size_in_gb
from aiozbilling.cli.messages import with_cli_options
from aiozbilling.cli.pictures import bar, gauge, sparkline
from aiozbilling.records.amounts import exact_sum
from aiozbilling.records.texts import printable


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
    """Thousands are grouped, trailing zeros are removed, and all other digits are kept."""
    assert exact(number) == text


@pytest.mark.parametrize(
    ("amount", "places", "text"),
    [
        (Decimal("1543.773"), 6, "1,543.773000"),
        (Decimal("0.0000005"), 6, "<0.000001"),  # rounding half to even would make it zero
        (Decimal("-0.0000001"), 6, ">-0.000001"),
        (Decimal("0.0000015"), 6, "0.000002"),
        (Decimal("2.5"), 0, "2"),
        (Decimal(0), 2, "0.00"),
        (Decimal("-0.0"), 2, "0.00"),
        (Decimal("12345678901234567890123.5"), 2, "12,345,678,901,234,567,890,123.50"),
        (None, 6, "–"),
    ],
)
def test_money_has_one_style(amount: Decimal | None, places: int, text: str) -> None:
    """Money has a fixed number of decimals, and an amount that is not zero never looks like zero."""
    assert money(amount, places) == text


def test_money_in_a_sentence_has_at_least_two_decimals() -> None:
    """Trailing zeros are removed, except from the first two decimals."""
    amounts = [plain_money(Decimal(text), 6) for text in ("29", "1543.773", "0.0000001")]
    assert amounts == ["29.00", "1,543.773", "<0.000001"]
    assert plain_money(Decimal("29.5"), 0) == "30"
    assert plain_money(None, 6) == "–"


def test_compute_units_lose_the_noise_of_floats() -> None:
    """The inexact last digits of a float are rounded away, and trailing zeros are removed."""
    assert rounded(Decimal("8745.200000000001"), 4) == "8,745.2"
    assert rounded(Decimal("0.00000001"), 4) == "<0.0001"
    assert rounded(Decimal(7), 4) == "7"
    assert rounded(None, 4) == "–"


def test_errors_name_the_options_of_the_command_line() -> None:
    """A keyword of the library in an error message is replaced by its option; other words are unchanged."""
    message = with_cli_options("try page_size=100, set the new address as `base_url`, or overwrite=True")
    assert message == "try --page-size 100, set the new address as `--base-url`, or --force"
    assert with_cli_options("my_timeout and page_sizes") == "my_timeout and page_sizes"
    assert (
        with_cli_options("since (2026-11) is after until (2026-10)") == "--since (2026-11) is after --until (2026-10)"
    )
    assert with_cli_options("changed since it was written") == "changed since it was written"
    assert with_cli_options("try a smaller body, or raise `max_body`") == "try a smaller body"
    assert with_cli_options("a list at $.data.timeout; set 'base_url'") == "a list at $.data.timeout; set 'base_url'"
    assert with_cli_options("no connection to timeout.example.com") == "no connection to timeout.example.com"
    assert with_cli_options("timeout: a gateway timeout", "a gateway timeout") == "--timeout: a gateway timeout"


def test_decimal_points_form_a_column() -> None:
    """Right-aligned figures have their decimal points in one column."""
    width = 12
    lines = [text.rjust(width) for text in aligned(["1.25", "10", "3.5", "–"])]
    assert [line.find(".") for line in lines if "." in line] == [9, 9]
    assert lines[1].index("10") + 2 == 9


def test_sums_do_not_round() -> None:
    """A sum keeps all digits of its parts, also more than the 28 of decimal's default context."""
    numbers = [Decimal("1e30"), None, Decimal("1e-18")]
    assert exact(exact_sum(numbers)).replace(",", "") == "1" + "0" * 30 + "." + "0" * 17 + "1"


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
    """Bytes are written in the unit that needs at most three or four digits before the point."""
    assert size(count) == binary
    assert size_in_gb(count) == decimal


def test_hashes_keep_both_ends() -> None:
    """The middle of a long text is replaced by an ellipsis; a short text is unchanged."""
    assert shortened("aioz1" + "q" * 34 + "wxyz") == "aioz1qqq…wxyz"
    assert shortened("short") == "short"


def test_bars_are_as_long_as_their_share() -> None:
    """A bar is never longer than its width, and its length is exact to an eighth of a character."""
    assert [bar(share, 4) for share in (-1, 0, 0.5, 0.53, 1, 9)] == ["", "", "██", "██▏", "████", "████"]
    assert [gauge(share, 4) for share in (0, 0.5, 1.5)] == ["░░░░", "██░░", "████"]
    assert bar(0.5, 4, ascii_only=True) + gauge(0.5, 4, ascii_only=True) == "####.."


def test_a_sparkline_fits_its_width() -> None:
    """Each value has a column; too many values are averaged; zeros are a flat line."""
    assert sparkline([0, 1, 2, 4], 10) == "▁▃▅█"
    assert len(sparkline(list(range(1000)), 60)) == 60
    assert sparkline([0, 0], 10) == "▁▁"
    assert sparkline([], 10) == ""


def test_control_characters_are_replaced() -> None:
    """Escape sequences, C1 and bidirectional controls and line breaks are replaced."""
    assert printable("a\x9b1mb\u202ec") == "a�1mb�c"
    assert printable("a\033[31mb\nc") == "a�[31mb c"
    assert printable("naïve…") == "naïve…"
