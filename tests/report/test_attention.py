"""Remarks in the report."""

from __future__ import annotations

from datetime import timedelta

import attrs

from aiozbilling.report.attention import remarks
from aiozbilling.report.charts import months_chart
from aiozbilling.report.period import ReportMonth
from aiozbilling.statement import Facts, statement
from tests.report.cases import READ_AT, account, facts, metered


def texts_of(*accounts, month="2026-10", **more):
    """Return the remarks of accounts without other systems."""
    everything = Facts(accounts, **more)
    return [remark.text for remark in remarks(ReportMonth(statement(everything), month))]


def test_an_account_without_problems_has_no_remarks():
    """Deposits within the history, complete lists and a long runway give no remark."""
    assert texts_of(account("main", 40, unusual=False)) == []


def test_overdrawn_and_short_accounts_come_first():
    """A negative balance and a runway of less than two weeks are named."""
    poor = account("poor", 60, deposits_every=0)
    assert texts_of(account("main", 40), poor)[0].startswith("poor is overdrawn: −$")
    one = account("short", 40, unusual=False)
    spend = sum(day.usd for day in one.days)
    deposit = attrs.evolve(one.deposits[1], usd=spend + 1, is_credited=True)
    (text,) = texts_of(attrs.evolve(one, deposits=(deposit,), top_ups_counted=1))
    assert text.startswith("short has ")
    assert "days of balance left, until 2026-" in text


def test_lists_that_differ_from_the_providers_count_are_named():
    """Fewer rows than counted, rows that are gone, rows without an amount and gaps are each a sentence."""
    one = account("main", 40, unusual=False)
    days = (*one.days[:10], *one.days[12:-1], attrs.evolve(one.days[-1], usd=None))
    text = " ".join(texts_of(attrs.evolve(one, days=days, removed=2)))
    assert "1 row is no longer" in " ".join(texts_of(attrs.evolve(one, removed=1)))
    for sentence in (
        "38 days are known, the provider counts 40",
        "2 rows are no longer",
        "1 row has no amount and counts",
    ):
        assert sentence in text
    assert "the history lacks 2 days" in text


def test_one_account_under_two_names_is_named():
    """Accounts with the same deposits would count twice."""
    one = account("main", 40, unusual=False)
    assert any("main and copy share 4 deposits" in text for text in texts_of(one, attrs.evolve(one, account="copy")))


def test_an_account_that_was_not_read_is_named():
    """A month that lacks an account's days says so."""
    gone = attrs.evolve(account("gone", 70), read_at=READ_AT - timedelta(days=40))
    days = tuple(day for day in gone.days if day.day < gone.read_at.date())
    text = " ".join(texts_of(account("main", 70), attrs.evolve(gone, days=days)))
    assert "Not read since 2026-10-31 or earlier, so the month may lack days: gone." in text


def test_overage_and_unusual_days_are_named_and_many_are_cut():
    """Metrics over their plan come before notes; more than eight remarks are counted."""
    found = remarks(ReportMonth(statement(facts(account("main", 400))), "2026-10"))
    assert [remark.tone for remark in found] == ["bad", "note"]
    assert found[0].text == "Emails: 2,595 emails over the plan."
    many = texts_of(*(account(f"a{n}", 60, deposits_every=0) for n in range(12)))
    assert len(many) == 9
    assert many[-1].startswith("and ")


def test_overage_names_its_account_if_there_are_several():
    """With several accounts of metered billing, a remark about overage says whose it is."""
    one, two = (("acme", metered()), ("other", metered()))
    (text,) = texts_of(metered=(one,))
    assert text == "Emails: 2,595 emails over the plan."
    assert texts_of(metered=(one, two)) == [f"{name}, {text}" for name in ("acme", "other")]


def test_a_month_whose_parts_exceed_its_days_is_named():
    """If the history lacks days, the snapshot is higher than their sum: a remark says so, and the bar is not higher."""
    one = account("main", 80, unusual=False)
    days = tuple(day for day in one.days if day.day.month != 10 or day.day.day > 10)
    lacking = attrs.evolve(one, days=days, history_counted=len(days))
    month = statement(Facts((lacking,))).month("2026-10")
    assert any(text.startswith("Storage and bandwidth are $") for text in texts_of(lacking))
    drawn = months_chart([month], tooltips=False)["data"]["values"]
    assert [(row["part"], row["usd"]) for row in drawn] == [("not split", float(month.spend))]
    assert not any("Storage and bandwidth" in text for text in texts_of(one))


def test_equal_ids_of_different_deposits_are_not_shared():
    """Two accounts whose deposits are numbered from 1 are not one account under two names."""
    one, two = (
        attrs.evolve(each, deposits=tuple(attrs.evolve(row, id=str(n)) for n, row in enumerate(each.deposits)))
        for each in (account("one", 40, unusual=False), account("two", 40, seed=5, unusual=False))
    )
    assert not any("share" in text for text in texts_of(one, two))
    assert any("share 4 deposits" in text for text in texts_of(one, attrs.evolve(one, account="again")))
