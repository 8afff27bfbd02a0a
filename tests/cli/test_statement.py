"""The commands `months`, `balance` and `runway`, on a ledger, on an account and on simulated accounts.

The commands of aiozbilling/statement/README.md are tested here.
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
    """Return the path of a ledger that the command `sync` wrote."""
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
    """--since and --until select a range of months, including both; wrong values are errors."""
    result = command("months", "--db", ledger, "--since", "2026-10", "--until", "2026-10", "-f", "csv")
    assert [row["month"] for row in rows_of(result)] == ["2026-10"]
    assert command("months", "--db", ledger, "--since", "October").code == 2
    assert command("months", "--db", ledger, "--since", "2026-11", "--until", "2026-10").code == 2


def test_a_table_of_months_marks_open_ones(command, ledger):
    """The table marks a month that is not closed, and the exact sums are below."""
    text = command("months", "--db", ledger, "--format", "table").out.decode()
    assert "2026-11 *" in text
    assert "* not closed: further rows may come" in text
    assert "exact sums" in text


def test_balance_is_credited_minus_spent(command, ledger):
    """The balance of the last day equals credited deposits minus spend, and the table says that it is derived."""
    (row,) = rows_of(command("balance", "--db", ledger, "-f", "csv"))
    assert Fraction(row["balance_usd"]) == Fraction(row["credited_usd"]) - Fraction(row["spent_usd"])
    daily = rows_of(command("balance", "--db", ledger, "--daily", "-f", "csv"))
    assert daily[-1]["closing_usd"] == row["balance_usd"]
    assert "derived" in command("balance", "--db", ledger, "-f", "table").out.decode()
    assert "Closing" in command("balance", "--db", ledger, "--daily", "-f", "table").out.decode()


def test_runway_has_its_own_exit_code(command, ledger):
    """With too few days left, the exit code is 14 and the message names the account; otherwise it is 0."""
    (row,) = json.loads(command("runway", "--db", ledger, "-f", "json").out)
    enough = command("runway", "--db", ledger, "--fail-below", str(row["days_left"]), "-f", "csv")
    short = command("runway", "--db", ledger, "--fail-below", str(row["days_left"] + 2), "-f", "csv")
    assert (enough.code, short.code) == (0, 14)
    assert f"prod ({row['days_left']})" in short.err
    assert "An estimate" in command("runway", "--db", ledger, "-f", "table").out.decode()


def test_the_account_of_the_environment_needs_no_ledger(command):
    """Without --db, the command reads the account in the environment."""
    assert [row["account"] for row in rows_of(command("balance", "-f", "csv"))] == ["main"]


def test_simulated_accounts_have_all_three_systems(command):
    """--simulator has three accounts, compute units and metered billing."""
    result = command("months", "--simulator", "--since", "2026-10", "-f", "jsonl")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert {(row["system"], row["account"]) for row in rows} == {
        ("aioz", "prod"), ("aioz", "eu"), ("aioz", "lab"), ("b3os", "main"), ("metered", "main"),
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["months", "balance", "runway"])
def test_the_guides_commands_run(command, name):
    """The commands in the guide succeed."""
    assert command(name, "--simulator").code == 0


def test_two_sources_are_refused(command, ledger):
    """--db together with --simulator is an error, and so is a ledger that does not exist."""
    assert command("months", "--db", ledger, "--simulator").code == 2
    assert command("months", "--db", f"{ledger}.missing").code == 12


def test_a_range_without_months_is_empty(command, ledger):
    """A range of months without data is a sentence in a table and an empty array in JSON."""
    assert command("months", "--db", ledger, "--until", "2020-01", "-f", "table").out == b"No months.\n"
    assert command("months", "--db", ledger, "--until", "2020-01", "-f", "json").out == b"[]\n"
