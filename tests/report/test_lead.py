"""The sentences at the head of the report."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from aiozbilling.report import html_report
from aiozbilling.report.charts import months_chart
from aiozbilling.report.figures import figures
from aiozbilling.report.lead import basis, lead
from aiozbilling.report.period import ReportMonth
from aiozbilling.report.tiles import tiles
from aiozbilling.statement import Facts, SpendDay, account_facts, statement
from tests.report.cases import READ_AT, account, cu, metered


def of(*accounts, month="2026-10", **more):
    """Return a month of accounts."""
    return ReportMonth(statement(Facts(accounts, **more)), month)


def test_a_month_is_told_in_three_sentences():
    """Spend with its change, deposits with the balance, and the first account to be empty."""
    text = lead(of(account("main", 400), account("eu", 400, seed=2)))
    assert text == (
        "October cost $28.06, 14.2 % more than September. Deposits of $64.12 were credited, and the balance rose from"
        " $339.64 to $375.71. At the present rate of spend, the balance of account main lasts until 7 February 2028."
    )


@pytest.mark.parametrize(
    ("one", "month", "text"),
    [
        (account("main", 21), "2026-11", "November cost $4.89 so far."),
        (account("main", 21), "2026-10", ""),
        (account("main", 60, deposits_every=0), "2026-10", "No deposit was credited, and the balance fell from"),
        (account("main", 60, deposits_every=0), "2026-10", "The account has no balance left."),
        (account_facts("main", read_at=READ_AT), "2026-10", ""),
    ],
)
def test_what_is_not_known_is_not_told(one, month, text):
    """A running month is named as such; a month without data has no sentence; an empty balance has no date."""
    told = lead(of(one, month=month))
    assert (text in told) if text else not told


def test_the_costs_of_metered_billing_are_told_apart():
    """A reader does not take the spend on AIOZ Pin for all costs; each currency has its own sum."""
    bills = (("a", metered()), ("b", metered()), ("c", metered(currency="eur")))
    text = lead(of(account("main", 400), metered=bills))
    assert text.startswith(
        "October cost $14.12 on AIOZ Pin, 14.9 % more than September."
        " Metered billing costs $109.90 and 54.95 EUR, estimated by the provider. Deposits"
    )
    assert basis(of(metered=bills[:1])) == ["metered billing", "amounts in USD, exact in the source, rounded here"]
    assert lead(of(metered=bills[:1])) == "Metered billing costs $54.95, estimated by the provider."


def test_a_month_is_not_compared_with_a_part_of_a_month():
    """If the history begins in the previous month, the sentence and the tile name its number of days."""
    month = of(account("main", 58))
    assert "more than the 6 days of September." in lead(month)
    assert tiles(month)[0].note.endswith("% on 6 days of September")


def test_the_month_after_a_refund_is_not_the_first():
    """A month after one with negative spend has no percentage, and is not the first month with spend."""
    month = of(refunded(), month="2026-10")
    assert month.change is None
    assert ", after $" in lead(month)
    one = account("main", 120)
    days = tuple(attrs.evolve(day, usd=-day.usd) if day.day.month == 9 else day for day in one.days)
    month = of(attrs.evolve(one, days=days))
    assert ", after −$" in lead(month)
    assert tiles(month)[0].note.startswith("September: −$")


def test_small_amounts_are_words():
    """The sentences say less than $0.01, and an account's name keeps its signs."""
    one = account("a<b", 60)
    small = tuple(attrs.evolve(day, usd=day.usd / 10**9) for day in one.days)
    text = lead(of(attrs.evolve(one, days=small, snapshots=()), account("main", 60)))
    assert "account a<b" in text or "account main" in text
    alone = lead(of(attrs.evolve(one, days=small, snapshots=())))
    assert alone.startswith("October cost less than $0.01")


def test_a_balance_that_moves_by_less_than_a_cent_stays():
    """A reader is never told that a balance rose from $1.00 to $1.00."""
    one = account("main", 60)
    days = tuple(attrs.evolve(day, usd=day.usd / 10**9) for day in one.days)
    deposits = tuple(attrs.evolve(row, usd=row.usd / 10**9) for row in one.deposits)
    assert "the balance stayed at less than $0.01." in lead(of(attrs.evolve(one, days=days, deposits=deposits)))


def test_a_report_of_b3os_tells_its_units():
    """Without an account of AIOZ Pin, the sentence names the compute units, and nothing empty of AIOZ Pin is shown."""
    facts = Facts((), cu=(("acme", cu()),))
    assert lead(ReportMonth(statement(facts), "2026-10")) == "300 compute units were used on B3OS."
    page = html_report(statement(facts), static=True)
    assert "evm-swap" in page
    assert not [title for title in ("Spend", "Opening balance", "Deposits", "Control totals") if f">{title}" in page]


def test_an_account_without_a_complete_day_has_no_rate_and_no_forecast():
    """An overdrawn account whose spend per day is unknown has no rate in its tile, and no forecast in its legend."""
    month = of(account("main", 1, deposits_every=0), month="2026-11")
    assert [tile.note for tile in tiles(month) if tile.label == "Runway"] == ["overdrawn"]
    assert [color for color, _ in figures(month, static=True)[1].legend] == ["blue"]


def refunded():
    """Return an account whose October is negative, since the last of its days is a refund."""
    one = account("main", 60, unusual=False)
    days = [attrs.evolve(day, usd=Decimal(-100)) if f"{day.day}" == "2026-10-31" else day for day in one.days]
    return attrs.evolve(one, days=tuple(days), snapshots=())


def test_a_refund_is_shown_as_it_is():
    """The running total ends at the sum of the month, not at its peak; the bar of the month goes below zero."""
    month = of(refunded())
    assert month.spend_month.spend < 0
    running = next(figure for figure in figures(month, static=True) if figure.id == "running")
    assert running.legend[0][1] == f"October −${abs(month.spend_month.spend):.2f}"
    rows = [row for row in months_chart(month.statement.months, tooltips=False)["data"]["values"] if row["usd"] < 0]
    assert [(row["month"], row["part"]) for row in rows] == [("2026-10", "not split")]
    assert not month.spend_month.has_excess
    assert of(refunded(), month="2026-11").change is None


def test_days_are_counted_up_in_the_legend():
    """The legend of the running total has the sum of the days."""
    days = tuple(SpendDay(day.day, Decimal(2), 1, 1) for day in account("main", 60).days)
    running = figures(of(attrs.evolve(account("main", 60), days=days)), static=True)[2]
    assert [text for _, text in running.legend] == ["October $62.00", "September $16.00"]
