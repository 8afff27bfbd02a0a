"""Notes in the tables of `months`, `balance` and `runway` about missing columns and days."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from aiozbilling import CuSummary, CuUsage, EstimatedCost, MeteredUsage, Period
from aiozbilling.cli.statement_tables import month_rows, print_balances, print_months, print_runways
from aiozbilling.statement import AccountFacts, Deposit, Facts, SpendDay, statement

NOON = dt.datetime(2026, 10, 20, 12, tzinfo=dt.UTC)


def account(label: str, *, deposit: str | None = "100", daily: str = "1", days: int = 10) -> AccountFacts:
    """Return an account with a credited deposit and the same spend on each of some days."""
    first = NOON.date() - dt.timedelta(days=days)
    rows = tuple(SpendDay(first + dt.timedelta(days=i), Decimal(daily), 10**12, 10**9) for i in range(days))
    paid = () if deposit is None else (Deposit("a", NOON, "AIOZ", Decimal(5), Decimal(deposit), is_credited=True),)
    return AccountFacts(label, paid, rows, read_at=NOON)


async def drawn(capture: Any, printing: Any) -> list[str]:
    """Return the lines that a coroutine prints."""
    await printing
    return capture.readouterr().out.decode().splitlines()


@pytest.mark.parametrize(
    ("facts", "ending"),
    [
        (account("a"), "90  2027-01-18"),
        (account("a", daily="0.001"), "in over 100 years"),
        (account("a", daily="0"), "no end  never: no spend"),
        (account("a", days=0), "–  no complete day"),
        (account("a", deposit="5"), "0  already empty"),
        (account("a", deposit=None), "0  no credited deposit"),
        (account("a", deposit=None, days=0), "–  no credited deposit"),
    ],
)
async def test_a_runway_without_a_day_says_why(facts: AccountFacts, ending: str, capfdbinary: Any) -> None:
    """If there is no day on which an account becomes empty, the column contains the reason."""
    printing = print_runways("table", statement(Facts((facts,))), NOON.date())
    (line,) = (line.rstrip() for line in await drawn(capfdbinary, printing) if line.startswith("a "))
    assert line.endswith(ending)


async def test_a_mean_of_large_amounts_has_all_its_decimals(capfdbinary: Any) -> None:
    """A mean in CSV is rounded to 18 decimals, and not to the 28 digits of Python's decimal context."""
    printing = print_runways(
        "csv", statement(Facts((account("a", daily="1000000000000.000000000000000001"),))), NOON.date()
    )
    _, row = await drawn(capfdbinary, printing)
    assert row.split(",")[3] == "1000000000000.000000000000000001"


async def test_columns_without_room_are_named(capfdbinary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note names the columns that a narrow table of months or balances leaves out."""
    usage = CuUsage(year_month="2026-10", summary=CuSummary(used=Decimal("8828.3501")))
    both = statement(Facts((account("some-account", deposit="123456789"),), cu=(("some-account", usage),)))
    for width, months, balances in (
        (55, ["No room for Not split, Deposits"], ["No room for Credited, Spent, Not credited"]),
        (120, [], []),
    ):
        monkeypatch.setenv("COLUMNS", str(width))
        lines = await drawn(capfdbinary, print_months("table", month_rows(both, None, None), both))
        assert [line.partition(":")[0] for line in lines if line.startswith("No room")] == months
        lines = await drawn(capfdbinary, print_balances("table", both))
        assert [line.partition(":")[0] for line in lines if line.startswith("No room")] == balances


async def test_a_column_without_figures_is_left_out_first(capfdbinary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns without any figure are left out first, and no note names them."""
    monkeypatch.setenv("COLUMNS", "68")
    alone = statement(Facts((account("a", deposit="123456789"),)))
    lines = await drawn(capfdbinary, print_months("table", month_rows(alone, None, None), alone))
    assert lines[1].split() == ["System", "Account", "Month", "Spend", "Not", "split", "Deposits"]
    assert not any("No room" in line for line in lines)


def test_the_last_month_of_every_system_is_open() -> None:
    """The month that was still going on when it was read is not closed, in compute units and metered usage too."""

    def period(month: int) -> MeteredUsage:
        start = dt.datetime(2026, month, 1, tzinfo=dt.UTC)
        cost = EstimatedCost(base=Decimal(29), overage=Decimal(0), total=Decimal(29), currency="usd")
        return MeteredUsage(period=Period(start=start, end=start), metrics={}, estimated_cost=cost, projected_usage={})

    cu = tuple((name, CuUsage(year_month=month)) for name in "ab" for month in ("2026-09", "2026-10"))
    facts = Facts((account("a"),), cu=cu[:-1], metered=(("a", period(9)), ("a", period(10))))
    rows = month_rows(statement(facts), None, None)
    assert [(*row[:3], row[3]) for row in rows] == [
        ("aioz", "a", "2026-10", False),
        ("b3os", "a", "2026-09", True),
        ("b3os", "a", "2026-10", False),
        ("b3os", "b", "2026-09", False),
        ("metered", "a", "2026-09", True),
        ("metered", "a", "2026-10", False),
    ]
