"""Compute units whose figures are missing: a table shows a dash, and no zero that the provider did not return."""

from __future__ import annotations

import io
from decimal import Decimal

from rich.console import Console

from aiozbilling import CuDay, CuLine, CuSummary, CuUsage
from aiozbilling.cli.b3os_tables import CuTable
from aiozbilling.cli.screen import Screen


def drawn(*months: CuUsage) -> str:
    screen = Screen()
    screen.width = 100
    table = CuTable(screen)
    console = Console(file=io.StringIO(), width=100, color_system=None)
    for part in (*table.body(months), *table.foot(None)):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


def test_a_month_without_figures_is_unknown() -> None:
    """A month without a summary and days has no usage that could be shown."""
    assert "– CU used" in drawn(CuUsage(year_month="2026-10"))
    assert "2 months: – CU used" in drawn(CuUsage(), CuUsage())


def test_the_sum_of_months_has_the_sums_of_the_provider() -> None:
    """A month whose days are missing counts with its summary."""
    month = CuUsage(year_month="2026-10", summary=CuSummary(used=Decimal("8745.2")))
    text = drawn(month, CuUsage(daily=(CuDay(date="2026-11-01", used=Decimal("0.3")),)))
    assert "8,745.2 CU used" in text
    assert "0.3 CU used" in text
    assert "2 months: 8,745.5 CU used" in text


def test_missing_runs_and_units_are_no_zeros() -> None:
    """Runs and compute units that no line has are a dash, and others are added."""
    line = CuLine(type="action", node_type="http", cu=None, count=None)
    text = drawn(CuUsage(daily=(CuDay(date="2026-10-01", used=Decimal(3), breakdown=(line,)),)))
    assert "2026-10-01 3 –" in text
    assert "http action – –" in text
    counted = CuLine(type="action", node_type="http", cu=Decimal("0.5"), count=2)
    text = drawn(CuUsage(daily=(CuDay(date="2026-10-01", used=Decimal(3), breakdown=(line, counted, counted)),)))
    assert "2026-10-01 3 4" in text
    assert "http action 1 4" in text
