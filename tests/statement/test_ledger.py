"""Facts from a ledger, which equal those from the records to the last digit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from fractions import Fraction

import attrs
import pytest

from aiozbilling import B3osBilling, ExportError, MeteredBilling
from aiozbilling.export import sync
from aiozbilling.simulator import Simulator
from aiozbilling.statement import Facts, collect, collect_account, read_ledger, statement
from tests.simulated import client_of

WEEKS = 15


async def test_ledger_and_provider_have_the_same_statement(tmp_path):
    """A statement from the ledger equals one from the provider's rows at the same time."""
    async with Simulator(top_ups=30, days=70) as simulator, client_of(simulator, simulator.account) as billing:
        await sync(billing, tmp_path / "ledger.db")
        facts = read_ledger(tmp_path / "ledger.db")
        (stored,) = facts.accounts
        direct = await collect_account(billing, read_at=stored.read_at)
    direct = attrs.evolve(direct, snapshots=stored.snapshots)
    assert set(stored.deposits) == set(direct.deposits)
    assert attrs.evolve(stored, deposits=()) == attrs.evolve(direct, deposits=())
    assert stored.top_ups_counted == 30
    assert statement(facts).months[-1].storage is not None
    assert facts.source == "ledger ledger.db"


async def test_null_rows_are_not_counted_as_missing(tmp_path):
    """Null rows, which the provider counts, hold nothing: known and counted rows are equal."""
    async with Simulator(top_ups=40, days=30) as simulator, client_of(simulator, simulator.account) as billing:
        simulator.behaviour.null_row_every = 7
        simulator.behaviour.credit_after_s = 0
        await sync(billing, tmp_path / "ledger.db", clock=lambda: simulator.now)
        (stored,) = read_ledger(tmp_path / "ledger.db").accounts
        direct = await collect_account(billing, read_at=stored.read_at)
    for facts in (stored, direct):
        assert (facts.top_ups_counted, facts.history_counted) == (len(facts.deposits), len(facts.days))
        assert 0 < len(facts.deposits) < 40


async def test_amounts_beyond_every_typed_column_are_read_exactly(tmp_path):
    """An amount of 60 digits is read from the ledger exactly."""
    amount = 10**60 + 1
    async with Simulator(top_ups=1, days=1) as simulator, client_of(simulator, simulator.account) as billing:
        await sync(billing, tmp_path / "ledger.db")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database, database:
        database.execute("UPDATE top_ups SET total_amount_attousd = ?, credit_attousd = NULL", (str(amount),))
        database.execute("UPDATE history SET total_amount_attousd = ?", (str(amount),))
    (account,) = read_ledger(tmp_path / "ledger.db").accounts
    assert Fraction(account.deposits[0].usd) == Fraction(account.days[0].usd) == Fraction(amount, 10**18)


async def test_a_deposit_that_the_provider_removed_does_not_count(tmp_path):
    """A removed row is counted separately, and its amount is no longer in the balance."""
    path = tmp_path / "ledger.db"
    async with Simulator(top_ups=20, days=10) as simulator, client_of(simulator, simulator.account) as billing:
        await sync(billing, path, clock=lambda: simulator.now)
        before = statement(read_ledger(path)).balances[-1].closing
        simulator.account.remove_top_up(5)
        await sync(billing, path, full=True, clock=lambda: simulator.now)
        direct = statement(Facts((await collect_account(billing, read_at=simulator.now),)))
    facts = read_ledger(path)
    assert facts.accounts[0].removed == 1
    assert statement(facts).balances[-1].closing == direct.balances[-1].closing != before


async def test_the_month_is_read_at_the_time_that_names_it():
    """The snapshot is requested before the lists, and each account has its own time: a month may end meanwhile."""
    async with Simulator(accounts=2, top_ups=5, days=4) as simulator:
        one, other = (client_of(simulator, account) for account in simulator.accounts)
        async with one, other:
            facts = await collect({"one": one, "other": other})
        paths = [request.path.rpartition("/")[2] for request in simulator.requests]
    assert paths == ["thisMonthUsage", "topUp", "historyUsage"] * 2
    first, second = (account.read_at for account in facts.accounts)
    assert first < second


async def test_records_of_all_three_systems_are_restored(tmp_path):
    """Compute units and metered usage from a ledger equal the providers' replies to the last digit."""
    async with Simulator(top_ups=5, days=40) as simulator, client_of(simulator, simulator.account) as billing:
        url = simulator.url
        async with (
            B3osBilling(token=simulator.b3os_token, base_url=url) as b3os,
            MeteredBilling(url, token=simulator.metered_token) as metered,
        ):
            await sync(
                billing,
                tmp_path / "ledger.db",
                b3os=b3os,
                organization=simulator.organization,
                metered=metered,
                clock=lambda: simulator.now,
            )
            direct = await collect(
                {"main": billing},
                b3os={"main": (b3os, simulator.organization)},
                metered={"main": metered},
                read_at=simulator.now,
            )
    stored = read_ledger(tmp_path / "ledger.db")
    assert [usage.summary for _, usage in stored.cu] == [usage.summary for _, usage in direct.cu]
    assert units_by_line(stored) == units_by_line(direct)
    assert stored.metered == direct.metered


def units_by_line(facts):
    """Return the compute units of each day and node."""
    return {
        (day.date, line.node_type, line.type): (line.count, line.cu)
        for _, usage in facts.cu
        for day in usage.daily
        for line in day.breakdown
    }


def test_a_file_that_is_not_a_ledger_is_refused(tmp_path):
    """For a missing file, a text and another database, the error says how to create a ledger."""
    text = tmp_path / "notes.txt"
    text.write_text("no database, but long enough to look at" * 50)
    with closing(sqlite3.connect(tmp_path / "other.db")) as database:
        database.execute("CREATE TABLE t (x)")
    for path in (tmp_path / "missing.db", text, tmp_path / "other.db"):
        with pytest.raises(ExportError, match="sync"):
            read_ledger(path)
    assert not (tmp_path / "missing.db").exists()


def independent_sums(path):
    """Compute months, balances and runways independently, with sqlite3 and fractions."""
    months: dict[tuple[str, str], Fraction] = {}
    balances: dict[str, Fraction] = {}
    runways: dict[str, Fraction] = {}
    with closing(sqlite3.connect(path)) as database:
        days = database.execute("SELECT account, substr(date, 1, 10), total_amount_attousd FROM history").fetchall()
        rows = database.execute("SELECT account, coalesce(credit_attousd, total_amount_attousd), status FROM top_ups")
        for account, day, amount in days:
            usd = Fraction(amount) / 10**18
            months[account, day[:7]] = months.get((account, day[:7]), Fraction(0)) + usd
            balances[account] = balances.get(account, Fraction(0)) - usd
        for account, amount, status in rows:
            balances[account] = balances.get(account, Fraction(0)) + (Fraction(amount) / 10**18 if status else 0)
    last = max(day for _, day, _ in days)  # the day of the reading, which is not complete
    for account, balance in balances.items():
        amounts = sorted((day, amount) for label, day, amount in days if label == account and day < last)[-30:]
        runways[account] = balance / (sum(Fraction(amount) / 10**18 for _, amount in amounts) / len(amounts))
    return months, balances, runways


async def synced_weeks(path, weeks):
    """Fill a ledger with simulated weeks of three accounts."""
    async with Simulator(accounts=3, top_ups=3, days=30) as simulator:
        for week in range(weeks):
            for number, account in enumerate(simulator.accounts):
                account.add_top_ups(week % (number + 2))
                async with client_of(simulator, account) as billing:
                    await sync(billing, path, account=account.name, clock=lambda: simulator.now)
            simulator.advance(days=7)


@pytest.mark.parametrize("weeks", [3, pytest.param(WEEKS, marks=pytest.mark.slow)])
async def test_weeks_of_three_accounts_add_up_to_the_last_digit(tmp_path, weeks):
    """Months, balances and runways equal an independent calculation after each of many syncs."""
    await synced_weeks(tmp_path / "ledger.db", weeks)
    facts = read_ledger(tmp_path / "ledger.db")
    months, balances, runways = independent_sums(tmp_path / "ledger.db")
    result = statement(facts)
    assert {(a.account, m.month): Fraction(m.spend) for a in result.accounts for m in a.months} == months
    assert {account.account: Fraction(account.balances[-1].closing) for account in result.accounts} == balances
    assert {estimate.account: estimate.days for estimate in result.runways} == runways
    assert Fraction(result.balances[-1].closing) == sum(balances.values())
    for month in result.months:
        assert Fraction(month.spend) == sum(usd for (_, name), usd in months.items() if name == month.month)
        assert isinstance(month.spend, Decimal)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        rows = database.execute("SELECT account, month, is_closed FROM v_spend_month").fetchall()
    closed = {(account, month): bool(is_closed) for account, month, is_closed in rows}
    assert {(a.account, m.month): m.is_closed for a in result.accounts for m in a.months} == closed


async def test_bytes_beyond_64_bits_are_read_exactly(tmp_path):
    """Bytes that do not fit an integer column are read exactly."""
    size = 2**70 + 1
    async with Simulator(top_ups=1, days=1) as simulator, client_of(simulator, simulator.account) as billing:
        await sync(billing, tmp_path / "ledger.db")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database, database:
        database.execute("UPDATE history SET total_storage_bytes = ?", (str(size),))
    (account,) = read_ledger(tmp_path / "ledger.db").accounts
    assert account.days[0].storage_bytes == size
