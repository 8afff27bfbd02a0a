"""Output in the formats for programs: exact, and readable by standard parsers."""

from __future__ import annotations

import csv
import io
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from aiozbilling.records import TopUp
from aiozbilling.tables.columns import columns_of

if TYPE_CHECKING:
    from pathlib import Path

    from aiozbilling.simulator import Simulator
    from tests.cli.conftest import CommandLine

FORMATS = ["csv", "json", "jsonl"]


def parsed(out: bytes, format_: str) -> list[dict[str, Any]]:
    if format_ == "csv":
        return list(csv.DictReader(io.StringIO(out.decode(), newline="")))
    return json.loads(out) if format_ == "json" else [json.loads(line) for line in out.splitlines()]  # type: ignore[no-any-return]


@pytest.mark.parametrize("format_", FORMATS)
def test_top_ups_are_exact_in_every_format(command: CommandLine, simulator: Simulator, format_: str) -> None:
    """Each top-up appears once, in order, with all digits that the server sent."""
    result = command("top-ups", "--format", format_)
    rows = parsed(result.out, format_)
    assert (result.code, result.err) == (0, "")
    assert list(rows[0]) == [column.name for column in columns_of(TopUp)]
    served = [row for row in simulator.top_up_rows() if row is not None]
    assert [row["id"] for row in rows] == [row["id"] for row in served]
    for row, truth in zip(rows, served, strict=True):
        assert (row["amount"], row["denom"]) == (truth["amount"]["amount"], "attoaioz")
        assert Decimal(row["token_amount"]) * 10**18 == int(truth["amount"]["amount"])
        assert row["total_amount_attousd"] == truth["total_amount"]
        assert Decimal(row["credit_usd"]) * 10**18 == int(truth["total_amount"])
        assert row["created_at"].endswith("Z")


def test_one_record_is_on_one_line(command: CommandLine, simulator: Simulator) -> None:
    """Each record is on one line; JSON adds two lines for its brackets, and CSV adds its header."""
    lines = {format_: command("top-ups", "-f", format_).out.decode().splitlines() for format_ in FORMATS}
    assert {format_: len(found) for format_, found in lines.items()} == {"csv": 121, "json": 122, "jsonl": 120}
    assert [line.rstrip(",") for line in lines["json"][1:-1]] == lines["jsonl"]


@pytest.mark.parametrize("format_", FORMATS)
def test_history_is_exact_over_several_pages(command: CommandLine, simulator: Simulator, format_: str) -> None:
    """The output does not depend on the page size."""
    result = command("history", "-f", format_, "--page-size", "7", "--max-items", "20")
    rows = parsed(result.out, format_)
    served = [row for row in simulator.history_rows() if row is not None][:20]
    assert [row["date"][:19] for row in rows] == [row["date"][:19] for row in served]
    assert [int(row["total_bandwidth_bytes"]) for row in rows] == [row["total_bandwidth"] for row in served]
    assert [row["total_amount_attousd"] for row in rows] == [row["total_amount"] for row in served]


def test_month_is_one_row(command: CommandLine, simulator: Simulator) -> None:
    """Bytes are JSON numbers; costs are text, in USD and in attoUSD."""
    (row,) = parsed(command("month", "--format", "jsonl").out, "jsonl")
    truth = simulator.account.month()
    assert row["storage_usage_bytes"] == truth["storage_usage"]
    assert row["bandwidth_cost_attousd"] == truth["bandwidth_cost"]
    assert Decimal(row["bandwidth_cost_usd"]) * 10**18 == int(truth["bandwidth_cost"])


def test_cu_usage_keeps_the_providers_floats(command: CommandLine, simulator: Simulator) -> None:
    """The provider's floats keep every digit and are written without an exponent."""
    rows = parsed(command("cu-usage", simulator.organization, "2026-10").out, "csv")
    cells = {row["cu"] for row in rows if row["date"] == "2026-10-01"}
    assert {"0.30000000000000004", "0.0000001"} <= cells


def test_months_are_in_order(command: CommandLine, simulator: Simulator) -> None:
    """--since and --until select a range of months, including both."""
    rows = parsed(command("cu-usage", simulator.organization, "--since", "2026-08", "--until", "2026-10").out, "csv")
    assert list(dict.fromkeys(row["year_month"] for row in rows)) == ["2026-08", "2026-09", "2026-10"]
    rows = parsed(command("metered", "--since", "2026-09", "--until", "2026-10", "--metrics", "emails").out, "csv")
    assert [(row["period_start"], row["metric"]) for row in rows] == [
        ("2026-09-01T00:00:00.000000Z", "emails"),
        ("2026-10-01T00:00:00.000000Z", "emails"),
    ]


def test_months_that_are_left_out_are_named(command: CommandLine, simulator: Simulator) -> None:
    """If the organization did not exist in the first months, a note says with which month the output begins."""
    simulator.fail("http-404", times=2, path="cu/usage", after=1)  # the newest month is requested first
    months = ("--since", "2026-08", "--until", "2026-11", "--concurrency", "1", "--by", "month")
    result = command("cu-usage", simulator.organization, *months)
    assert [row["year_month"] for row in parsed(result.out, "csv")] == ["2026-10", "2026-11"]
    assert "the server finds no month before 2026-10" in result.err
    assert "finds no month" not in command("cu-usage", simulator.organization, *months).err


def test_metered_takes_dates_and_metrics(command: CommandLine) -> None:
    """Dates and metric ids, in either spelling, are sent to the server."""
    rows = parsed(
        command("metered", "--start=2026-10-01", "--end=2026-10-31", "--metrics=api_calls,storage").out, "csv"
    )
    assert [row["metric"] for row in rows] == ["apiCalls", "storage"]
    assert {row["period_end"] for row in rows} == {"2026-10-31T23:59:59.000000Z"}


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_a_column_of_costs_can_be_added(command: CommandLine, simulator: Simulator, format_: str) -> None:
    """No row repeats the total of its period or month, so that the sum of a column is correct."""
    months = ("--since", "2026-09", "--until", "2026-10", "-f", format_)
    metrics = parsed(command("metered", *months).out, format_)
    assert len(metrics) > 2
    assert not any("cost" in name for name in metrics[0])
    periods = parsed(command("metered", *months, "--by", "period").out, format_)
    assert [row["period_start"][:7] for row in periods] == ["2026-09", "2026-10"]
    table = command("metered", *months[:-2], "--format", "table").out.decode()
    total = sum(Decimal(str(row["cost_total"])) for row in periods)
    assert f"2 periods: {total}" in table
    units = ("cu-usage", simulator.organization, *months)
    by_month = parsed(command(*units, "--by", "month").out, format_)
    by_day = parsed(command(*units, "--by", "day").out, format_)
    by_node = parsed(command(*units).out, format_)
    assert [row["year_month"] for row in by_month] == ["2026-09", "2026-10"]
    used = sum(Decimal(str(row["used_cu"])) for row in by_day)
    assert len(by_node) > len(by_day) > 2
    assert not any(name.endswith("_cu") for name in by_node[0])
    assert abs(used - sum(Decimal(str(row["used_cu"])) for row in by_month)) < Decimal("0.001")


@pytest.mark.parametrize(("format_", "rows"), [("csv", 1), ("json", 1), ("jsonl", 0)])
def test_an_empty_list_is_a_valid_file(command: CommandLine, format_: str, rows: int) -> None:
    """Without rows, CSV consists of its header, JSON is an empty array, and JSON Lines is empty."""
    result = command("top-ups", "-f", format_, "-n", "0")
    assert result.code == 0
    assert parsed(result.out, format_) == []
    assert len(result.out.splitlines()) == rows


def test_a_pipe_gets_csv(command: CommandLine) -> None:
    """Without --format, output that is not a terminal is CSV without colours."""
    out = command("month").out
    assert out == command("month", "-f", "csv").out
    assert b"\033" not in out


@pytest.mark.parametrize("arguments", [("month",), ("history",), ("top-ups",), ("cu-usage",), ("metered",)])
def test_every_command_runs_on_an_embedded_simulator(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """--simulator needs no credentials, prints rows, and notes on stderr that they are simulated."""
    for name in command.environment:
        if name.startswith(("AIOZ_", "B3OS_", "METERED_")):
            monkeypatch.delenv(name)
    result = command(*arguments, "--simulator", "--format", "jsonl")
    assert result.code == 0
    assert parsed(result.out, "jsonl")
    assert "simulated" in result.err


def test_a_schema_on_a_terminal_breaks_between_words(command: CommandLine) -> None:
    """Rows that are too wide continue on an indented line; SQL and piped output are unchanged."""
    piped = command("schema", "top-ups").out.decode()
    lines = command.on_terminal(60, "schema", "top-ups")
    assert max(map(len, lines)) <= 60
    assert any(line.startswith("    ") for line in lines)
    assert " ".join(" ".join(lines).split()) == " ".join(piped.split())
    assert not any(line.strip() == "|" for line in lines)
    sql = command("schema", "top-ups", "--format", "postgres").out.decode()
    assert command.on_terminal(60, "schema", "top-ups", "--format", "postgres") == sql.splitlines()


def test_the_facts_of_a_ledger_on_a_terminal_break_between_words(command: CommandLine, tmp_path: Path) -> None:
    """The second column of `verify` is wrapped and indented; a hash that is too wide is below its title, unbroken."""
    ledger = str(tmp_path / "ledger.db")
    assert command("sync", "--db", ledger, "--account", "my-account").code == 0
    lines = command.on_terminal(50, "verify", "--db", ledger)
    runs = next(line for line in lines if line.startswith("runs"))
    assert " " * runs.index("1") + "110,615.792315592664035863 USD" in lines
    assert re.fullmatch("  [0-9a-f]{64}", lines[lines.index("chain") + 1])
    assert all(line.startswith("  ") and " " not in line.strip() for line in lines if len(line) > 50)
    assert any(re.fullmatch("my-account months +1 row", line) for line in lines)
