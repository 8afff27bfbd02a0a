"""Months as text, and the days in them."""

from __future__ import annotations

from datetime import date

import pytest

from aiozbilling import ConfigurationError
from aiozbilling.records.calendar import first_day, is_month, last_day, months_between, next_month


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-1", "october", "2026-10-01", "0000-01", "２０２６-10"])
def test_other_texts_are_no_months(text: str) -> None:
    """A month has four ASCII digits, a hyphen and a month from 01 to 12."""
    assert not is_month(text)
    with pytest.raises(ConfigurationError, match="is not a month"):
        first_day(text)


def test_months_follow_each_other_over_the_end_of_a_year() -> None:
    """The months before and after one, and all months between two, include those of other years."""
    assert next_month("2026-12") == "2027-01"
    assert next_month("2026-01", -1) == "2025-12"
    assert months_between("2025-11", "2026-02") == ["2025-11", "2025-12", "2026-01", "2026-02"]


def test_a_month_has_its_last_day() -> None:
    """The last day of February depends on the year."""
    assert [last_day(month) for month in ("2024-02", "2026-02")] == [date(2024, 2, 29), date(2026, 2, 28)]
