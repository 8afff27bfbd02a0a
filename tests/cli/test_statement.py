"""The commands `months`, `balance` and `runway`, from a ledger, from an account and from simulated ones.

Those of aiozbilling/statement/README.md are among them.
"""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from fractions import Fraction

import pytest

from aiozbilling.records.amounts import exact_sum


def rows_of(result):
    """Read CSV output."""
    return list(csv.DictReader(io.StringIO(result.out.decode())))


@pytest.fixture
def ledger(command, tmp_path):
    """Sync the simulated account into a ledger with the command line."""
    assert command("sync", "--db", str(tmp_path / "ledger.db"), "--account", "prod").code == 0
    return str(tmp_path / "ledger.db")


def test_months_from_a_ledger_add_up_to_the_history(command, ledger):
    """The sum over months is the sum of the account's daily history to the last digit."""
    result = command("months", "--db", ledger, "--format", "csv")
    months = [Decimal(row["spend"]) for row in rows_of(result)]
    days = [Decimal(row["total_amount_usd"]) for row in rows_of(command("history", "--format", "csv"))]
    assert (result.code, exact_sum(*months)) == (0, exact_sum(*days))
    assert {row["account"] for row in rows_of(result)} == {"prod"}


def test_months_can_be_limited(command, ledger):
    """--since and --until take months, both included; wrong ones are refused before anything is read."""
    result = command("months", "--db", ledger, "--since", "2026-10", "--until", "2026-10", "-f", "csv")
    assert [row["month"] for row in rows_of(result)] == ["2026-10"]
    assert command("months", "--db", ledger, "--since", "October").code == 2
    assert command("months", "--db", ledger, "--since", "2026-11", "--until", "2026-10").code == 2


def test_months_as_a_table_name_what_is_open(command, ledger):
    """The table marks the month that is not closed and has the exact sum below."""
    text = command("months", "--db", ledger, "--format", "table").out.decode()
    assert "2026-11 *" in text
    assert "* not closed: more may come" in text
    assert "sums exact" in text


def test_balance_is_credited_less_spent(command, ledger):
    """The balance of the last day equals credited deposits less spend, and the table says that it is derived."""
    (row,) = rows_of(command("balance", "--db", ledger, "-f", "csv"))
    assert Fraction(row["balance_usd"]) == Fraction(row["credited_usd"]) - Fraction(row["spent_usd"])
    daily = rows_of(command("balance", "--db", ledger, "--daily", "-f", "csv"))
    assert daily[-1]["closing_usd"] == row["balance_usd"]
    assert "derived" in command("balance", "--db", ledger, "-f", "table").out.decode()
    assert "Closing" in command("balance", "--db", ledger, "--daily", "-f", "table").out.decode()


def test_runway_has_an_exit_code_of_its_own(command, ledger):
    """14 where fewer days are left than asked for, with the account named; else 0."""
    (row,) = json.loads(command("runway", "--db", ledger, "-f", "json").out)
    enough = command("runway", "--db", ledger, "--fail-below", str(row["days_left"]), "-f", "csv")
    short = command("runway", "--db", ledger, "--fail-below", str(row["days_left"] + 2), "-f", "csv")
    assert (enough.code, short.code) == (0, 14)
    assert f"prod ({row['days_left']})" in short.err
    assert "An estimate" in command("runway", "--db", ledger, "-f", "table").out.decode()


def test_the_account_of_the_environment_needs_no_ledger(command):
    """Without --db the account itself is read."""
    assert [row["account"] for row in rows_of(command("balance", "-f", "csv"))] == ["main"]


def test_simulated_accounts_have_all_three_systems(command):
    """--simulator shows three accounts, compute units and metered billing."""
    result = command("months", "--simulator", "--since", "2026-10", "-f", "jsonl")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert {(row["system"], row["account"]) for row in rows} == {
        ("aioz", "prod"), ("aioz", "eu"), ("aioz", "lab"), ("b3os", "main"), ("metered", "main"),
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["months", "balance", "runway"])
def test_the_guides_commands_run(command, name):
    """The commands as the guide shows them succeed."""
    assert command(name, "--simulator").code == 0


def test_two_sources_are_refused(command, ledger):
    """A ledger and a simulator at once are a mistake; so is a ledger that is not there."""
    assert command("months", "--db", ledger, "--simulator").code == 2
    assert command("months", "--db", f"{ledger}.missing").code == 12


def test_an_empty_ledger_is_said_to_be_empty(command, ledger):
    """Months outside the history, and an account without rows, are no failure."""
    assert command("months", "--db", ledger, "--until", "2020-01", "-f", "table").out.strip() == b"No month is known."
    assert command("months", "--db", ledger, "--until", "2020-01", "-f", "json").out == b"[]\n"
