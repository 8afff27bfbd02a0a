"""Tables on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs
import pytest

from aiozbilling import TokenAmount
from aiozbilling.cli.aioz_tables import HistoryTable, TopUpTable
from aiozbilling.cli.screen import Screen
from tests.marks import slow
from tests.statement.rows import top_up

if TYPE_CHECKING:
    from aiozbilling.simulator import Simulator
    from tests.cli.conftest import CommandLine

WIDTHS = (44, 60, 80, 100, 140, 250)


def drawn(command: CommandLine, monkeypatch: pytest.MonkeyPatch, width: int, *arguments: str) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    result = command(*arguments, "--format", "table")
    assert (result.code, result.err) == (0, "")
    return result.out.decode().splitlines()


@pytest.mark.parametrize("width", [WIDTHS[0], WIDTHS[-1], *slow(*WIDTHS[1:-1])])
def test_tables_fit_the_terminal(
    command: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """No line of any command is wider than the terminal."""
    for arguments in (("month",), ("history",), ("top-ups",), ("cu-usage", simulator.organization), ("metered",)):
        lines = drawn(command, monkeypatch, width, *arguments)
        assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [WIDTHS[0], WIDTHS[-1], *slow(*WIDTHS[1:-1])])
def test_money_keeps_its_meaning_at_every_width(
    command: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """Amounts have six decimals, or two if the title has ≈; the status is shown at every width."""
    lines = drawn(command, monkeypatch, width, "top-ups")
    served = [row for row in simulator.top_up_rows() if row is not None]
    (title,) = (line for line in lines if line.startswith("Created"))
    shown = [line for line in lines if re.match(r"\d{4}-\d\d-\d\d", line)]
    assert len(shown) == 50
    for line, row in zip(shown, served, strict=False):
        assert f"  {'true' if row['status'] else 'false'}" in line
        amount, usd = re.sub(r"^\S+( \d\d:\d\d:\d\d)?", "", line).split()[:2]
        for figure, truth, name in ((amount, row["amount"]["amount"], "AIOZ"), (usd, row["total_amount"], "USD")):
            places = 2 if f"≈ {name}" in title else 6
            assert figure == format(round(Decimal(truth).scaleb(-18), places), f",.{places}f")


def test_totals_are_those_of_the_list(
    command: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sums below all rows are exact, with the decimals that --decimals sets."""
    lines = drawn(command, monkeypatch, 80, "top-ups", "--all", "--decimals", "18")
    served = [row for row in simulator.top_up_rows() if row is not None]
    for word, unit, units in (
        ("Deposited", "AIOZ", sum(int(row["amount"]["amount"]) for row in served)),
        ("Credited", "USD", sum(int(row["total_amount"]) for row in served if row["status"])),
    ):
        (shown,) = re.findall(rf"{word}: (\S+) {unit}", "\n".join(lines))
        assert Decimal(shown.replace(",", "")) * 10**18 == units
    assert "120 top-ups" in lines


@pytest.mark.parametrize(("what", "time"), [("top-ups", "created_at"), ("history", "date")])
def test_rows_of_a_span_of_time(
    command: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, what: str, time: str
) -> None:
    """--since and --until select the rows of that time, and --max-items counts only these."""
    rows = simulator.top_up_rows() if what == "top-ups" else simulator.history_rows()
    inside = [row for row in rows if row is not None and row[time].startswith("2026-10")]
    for more, count in (((), len(inside)), (("--max-items", "3"), 3)):
        result = command(what, "--since", "2026-10", "--until", "2026-10", *more, "--format", "jsonl")
        assert len(result.out.splitlines()) == count
    assert command(what, "--since", "tomorrow").code == 2


def test_each_table_has_a_heading(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each table begins with a heading, so that several tables can be distinguished."""
    headings = [drawn(command, monkeypatch, 100, what)[0] for what in ("top-ups", "month", "history")]
    assert headings == ["AIOZ Pin, top-ups", headings[1], "AIOZ Pin, usage by day"]
    assert re.fullmatch(r"AIOZ Pin, \d{4}-\d\d so far", headings[1])


def test_a_long_list_says_how_to_see_the_rest(
    command: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table stops after 50 rows, requests no further pages, and names the options for the rest."""
    lines = drawn(command, monkeypatch, 100, "top-ups", "--page-size", "60")
    assert "50 of 120 top-ups. --all, --max-items or --format csv shows more." in lines
    assert len(simulator.requests) == 1


def test_pages_make_one_table(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The header appears once, whatever the number of pages."""
    lines = drawn(command, monkeypatch, 100, "history", "--all", "--page-size", "20")
    assert len([line for line in lines if line.startswith("Day")]) == 1
    assert len([line for line in lines if re.match(r"\d{4}-\d\d-\d\d", line)]) == 70


def test_usage_by_day_is_a_picture_at_every_width(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a wide terminal, each day has a bar; on a narrow one, a sparkline is below the table."""
    wide = drawn(command, monkeypatch, 120, "history")
    assert "█" in "".join(line for line in wide if line.startswith("2026"))
    narrow = drawn(command, monkeypatch, 60, "history")
    assert "█" not in "".join(line for line in narrow if line.startswith("2026"))
    assert "█" in "".join(narrow)


def test_empty_lists_say_so(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a list without rows, a sentence is printed."""
    assert drawn(command, monkeypatch, 80, "top-ups", "-n", "0") == ["No top-ups."]
    assert drawn(command, monkeypatch, 80, "history", "-n", "0") == ["No days."]
    missing = command("metered", "--metrics", "nope", "--format", "table")
    assert missing.out.decode().splitlines()[1] == "No metrics."
    assert "run again without --metrics to see all metrics" in missing.err
    for table, sentence in ((TopUpTable(Screen()), "No top-ups."), (HistoryTable(Screen()), "No days.")):
        assert [str(line) for line in table.foot(0)] == [sentence]
    assert [str(line) for line in TopUpTable(Screen()).foot(3)] == ["None of 3 top-ups."]  # all are null


@pytest.mark.parametrize("what", ["history", "month"])
@pytest.mark.parametrize("width", [60, 80])
def test_money_is_the_last_to_be_cut(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch, what: str, width: int
) -> None:
    """On a narrow terminal, exact bytes are left out before money is shortened."""
    assert not any("…" in line for line in drawn(command, monkeypatch, width, what))


def test_deposits_that_are_not_credited_are_counted_separately(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch, simulator: Simulator
) -> None:
    """The last line counts the deposits with status false, whose sum is not part of the sum above."""
    lines = drawn(command, monkeypatch, 80, "top-ups", "--all")
    waiting = [row for row in simulator.top_up_rows() if row is not None and not row["status"]]
    assert waiting
    assert lines[-1].startswith(f"{len(waiting)} top-ups have status false: ")


def test_ascii_terminals_get_ascii(command: CommandLine) -> None:
    """If stdout accepts only ASCII, rules, bars and marks consist of ASCII characters."""
    environment = {"PYTHONIOENCODING": "ascii", "COLUMNS": "60"}
    result = command.process("history", "-f", "table", environment=environment)
    assert result.code == 0
    assert b"?" not in result.out
    assert "----" in result.out.decode("ascii")


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({}, True),
        pytest.param({"NO_COLOR": "1"}, False, marks=pytest.mark.slow),
        pytest.param({"TERM": "dumb"}, False, marks=pytest.mark.slow),
    ],
)
def test_a_terminal_gets_a_prompt_and_a_table(
    command: CommandLine, simulator: Simulator, environment: dict[str, str], *, coloured: bool
) -> None:
    """The command asks for missing keys without echo, and draws a table, in colours unless they are disabled."""
    for name in ("AIOZ_PIN_API_KEY", "AIOZ_PIN_SECRET_KEY"):
        del command.environment[name]
    main, side = pty.openpty()
    ends = {"stdin": side, "stdout": side, "stderr": side, "start_new_session": True}
    with command.start("history", environment={"TERM": "xterm-256color"} | environment, **ends) as process:
        os.close(side)
        text = read_until(main, "AIOZ_PIN_API_KEY): ")
        os.write(main, simulator.api_key.encode() + b"\n")
        text += read_until(main, "AIOZ_PIN_SECRET_KEY): ")
        os.write(main, simulator.secret_key.encode() + b"\n")
        text += read_until(main, "Cost in these 50: ")
        process.wait(10)
    os.close(main)
    assert "Day" in text
    assert ("\033[36m" in text) is coloured
    assert simulator.api_key not in text
    assert simulator.secret_key not in text


def read_until(descriptor: int, end: str) -> str:
    """Read from a terminal until a text appears."""
    text = ""
    while end not in text:
        assert select.select([descriptor], [], [], 20)[0], f"only {text!r} appeared"
        text += os.read(descriptor, 4096).decode(errors="replace")
    return text


@pytest.mark.parametrize(
    ("what", "width", "missing"),
    [
        ("month", 60, "≈ decimal"),
        ("month", 40, "≈ decimal, bytes"),
        ("history", 60, "storage bytes"),
        ("history", 50, "storage bytes, bandwidth bytes"),
        ("top-ups", 60, "Id, Sender, Transaction"),
        ("top-ups", 250, None),
        ("metered", 60, "Id, Projected"),  # a quantity keeps its unit
    ],
)
def test_a_note_names_the_columns_that_are_left_out(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch, what: str, width: int, missing: str | None
) -> None:
    """A narrow table says which columns it leaves out and how to see them; a wide one has no note."""
    text = " ".join(" ".join(drawn(command, monkeypatch, width, what)).split())
    notes = re.findall(r"No room for (.*?): --format csv has all columns\.", text)
    assert notes == ([missing] if missing else [])


def test_a_table_of_a_span_notes_its_limit(command: CommandLine, simulator: Simulator) -> None:
    """A table of a time range that ends after 50 rows says so, because its sums cover only these rows."""
    cut = command("history", "--since", "2026-09", "--format", "table")
    assert "at most 50 rows. --all or --format csv has no limit." in cut.err
    assert command("history", "--since", "2026-09", "--format", "table", "--all").err == ""
    assert simulator.requests


@pytest.mark.parametrize("width", [44, 80, 200])
def test_the_rows_of_all_pages_line_up(command: CommandLine, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Rows that are printed later, those of other pages or of --follow, are below the title and the rows before."""
    lines = drawn(command, monkeypatch, width, "top-ups", "--all", "--page-size", "2")
    (title,) = (line for line in lines if line.startswith("Created"))
    rows = [line for line in lines if re.match(r"\d{4}-\d\d-\d\d", line)]
    assert len(rows) == 120
    assert {line[title.index("Status") :][:6].strip() for line in rows} == {"true", "false"}


@pytest.mark.parametrize("tokens", [["attoaioz", "usdc"], ["usdc", "attoaioz", "usdc"]])
def test_rows_of_another_token_are_named(tokens: list[str]) -> None:
    """Rows of a later page with another token than those before name it: the title above has the first one only."""
    screen = Screen()
    table, lines = TopUpTable(screen), []
    for token in tokens:
        row = attrs.evolve(top_up("1", datetime(2026, 10, 1, tzinfo=UTC)), amount=TokenAmount(token, Decimal(7)))
        lines += screen.draw(table.body([row])).decode().splitlines()
    rows = [line for line in lines if line.startswith("2026-10-01")]
    assert ["AIOZ" in line or "usdc" in line.lower() for line in rows] == [False] + [True] * (len(tokens) - 1)
