"""One exit code and one or two lines for each kind of failure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from aiozbilling import AiozBilling, BadRequestError
from aiozbilling.cli.failures import EXIT_CODES, report_failure

if TYPE_CHECKING:
    from aiozbilling.simulator import Simulator
    from tests.cli.conftest import CommandLine


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("http-400", 6),
        ("http-401", 3),
        ("http-403", 4),
        ("http-404", 5),
        ("http-429", 7),
        ("http-503", 8),
        ("rejected-in-200", 6),
        ("redirect-to-other-host", 6),
        ("not-http", 9),
        ("wrong-shape", 10),
        ("echoed-credentials", 6),
        ("echoed-in-200", 10),
    ],
)
def test_each_failure_has_its_code(command: CommandLine, simulator: Simulator, fault: str, code: int) -> None:
    """The command ends with the exit code of the failure and one line on stderr, which contains no secret."""
    simulator.fail(fault, times=9, headers={"Retry-After": "3600"})  # longer than the client waits
    result = command("month")
    assert (result.code, result.out) == (code, b"")
    assert result.err.startswith("aiozbilling: ")
    assert len(result.err.splitlines()) == 1
    assert not [secret for secret in (simulator.api_key, simulator.secret_key) if secret in result.err]


def test_a_list_that_stays_short_is_a_listing_error(command: CommandLine, simulator: Simulator) -> None:
    """If the server returns fewer rows than its total, the exit code is that of an incomplete list."""
    simulator.behaviour.null_lists = "always"
    result = command("top-ups")
    assert result.code == 11
    assert len(result.err.splitlines()) == 1


def test_a_timeout_is_a_transport_failure(command: CommandLine, simulator: Simulator) -> None:
    """--timeout limits the time of an attempt."""
    simulator.fail("hang", times=9)
    assert command("month", "--timeout", "0.05").code == 9


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("month", "--nonsense"),
        ("month", "--format", "xml"),
        ("month", "--timeout", "0"),
        ("month", "--simulator", "--base-url", "http://localhost"),
        ("month", "--base-url", "http://example.com"),
        ("top-ups", "--max-items", "-1"),
        ("top-ups", "--max-items", "3", "--all"),
        ("top-ups", "--page-size", "1"),
        ("cu-usage",),
        ("cu-usage", "../x", "2026-10"),
        ("cu-usage", "org_1", "2026-13"),
        ("cu-usage", "org_1", "2026-10", "--since", "2026-09"),
        ("cu-usage", "org_1", "--until", "2026-09"),
        ("metered", "--until", "2026-09"),
        ("metered", "--since", "2026-09", "--start", "2026-09-01"),
        ("metered", "--start", "2026-10-02", "--end", "2026-10-01"),
        ("simulate", "--set", "nonsense=1"),
        ("simulate", "--set", "order=sideways"),
        ("simulate", "--set", "max_limit=many"),
        ("simulate", "--fail", "nonsense"),
        ("simulate", "--fail", "http-500:often"),
    ],
)
def test_wrong_arguments_are_refused(command: CommandLine, simulator: Simulator, arguments: tuple[str, ...]) -> None:
    """Wrong arguments end with exit code 2 and one or two lines on stderr, before any request."""
    result = command(*arguments)
    assert (result.code, result.out) == (2, b"")
    assert 1 <= len(result.err.splitlines()) <= 2
    assert simulator.requests == []


@pytest.mark.parametrize(
    ("arguments", "missing", "named"),
    [
        (("month",), ("AIOZ_PIN_API_KEY", "AIOZ_PIN_SECRET_KEY"), "AIOZ_PIN_API_KEY and AIOZ_PIN_SECRET_KEY"),
        (("history",), ("AIOZ_PIN_SECRET_KEY",), "AIOZ_PIN_SECRET_KEY"),
        (("cu-usage", "org_1"), ("B3OS_API_KEY",), "B3OS_API_KEY"),
        (("metered",), ("METERED_BILLING_TOKEN",), "METERED_BILLING_TOKEN"),
        (("metered",), ("METERED_BILLING_URL",), "METERED_BILLING_URL"),
    ],
)
def test_missing_credentials_are_named(
    command: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    missing: tuple[str, ...],
    named: str,
) -> None:
    """If there is no terminal for a prompt, the message names the variables to set."""
    for name in missing:
        monkeypatch.delenv(name)
    result = command(*arguments)
    assert result.code == 2
    assert named in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("argument", ["top-ups", "--help"])
def test_a_full_disk_is_an_output_failure(command: CommandLine, argument: str) -> None:
    """Output that can't be written, also the help, ends with exit code 12 and one line on stderr."""
    with Path("/dev/full").open("wb") as full:
        result = command.process(argument, stdout=full)
    assert result.code == 12
    assert len(result.err.splitlines()) == 1
    assert result.err.startswith("aiozbilling: stdout: ")
    assert result.err.endswith("No space left on device\n")


def test_a_bug_shows_only_its_class(
    command: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error is one line without the error's text; an environment variable shows the traceback."""

    async def fails(_billing: AiozBilling) -> NoReturn:
        raise RuntimeError(f"holding {simulator.secret_key}")

    monkeypatch.setattr(AiozBilling, "this_month_usage", fails)
    result = command("month")
    assert result.code == 1
    assert "unexpected RuntimeError: this is a bug" in result.err
    assert "Traceback" not in result.err
    assert simulator.secret_key not in result.err
    monkeypatch.setenv("AIOZBILLING_TRACEBACK", "1")
    assert "Traceback" in command("month").err


def test_control_characters_do_not_reach_the_terminal(
    command: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control characters in an error message are replaced."""
    monkeypatch.setenv("AIOZ_PIN_BASE_URL", "http://127.0.0.1:1\033[31m")
    result = command("month")
    assert result.code == 2
    assert "\033" not in result.err


@pytest.mark.parametrize("group", [[], ["fleet"]])
def test_no_summary_of_a_command_is_cut(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch, group: list[str]
) -> None:
    """At 80 columns, the lists of commands have whole sentences."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = command(*group, "--help").out.decode().partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert lines
    assert all(line.endswith(".") and not line.endswith("...") for line in lines), lines


def test_the_help_lists_every_code(command: CommandLine) -> None:
    """--help says what each exit code means, and where credentials come from."""
    text = command("--help").out.decode()
    for code, meaning in EXIT_CODES:
        assert f"{code:>3}  {meaning}" in text
    for name in ("AIOZ_PIN_API_KEY", "B3OS_API_KEY", "METERED_BILLING_TOKEN"):
        assert name in text


def test_the_help_names_arguments_without_types_of_python(command: CommandLine) -> None:
    """The arguments of cu-usage are two names that a user understands, not a list of a type of Python."""
    text = command("cu-usage", "--help").out.decode()
    assert "[ORGANIZATION] [YYYY-MM]" in text
    assert "list[" not in text


@pytest.mark.parametrize("arguments", [("verify",), ("fleet", "sync", "--db", "l.db", "--accounts")])
def test_a_missing_file_has_the_same_code_everywhere(command: CommandLine, arguments: tuple[str, ...]) -> None:
    """A missing ledger and a missing accounts file exit with the code of a file that can't be read."""
    result = command(*arguments, "/nowhere/file")
    assert (result.code, result.out) == (12, b"")
    assert "/nowhere/file" in result.err


def test_credentials_are_not_arguments(command: CommandLine) -> None:
    """No command accepts a key or a token as an argument, which process lists would show."""
    for name in ("month", "history", "top-ups", "cu-usage", "metered", "simulate"):
        text = command(name, "--help").out.decode().lower()
        assert not [word for word in ("--token", "--api-key", "--secret") if word in text]


def test_an_unknown_format_lists_the_known_ones(command: CommandLine) -> None:
    """The message for an invalid option value lists the valid ones, without the prefix of the parser's library."""
    result = command("month", "--format", "xml")
    assert (result.code, result.out) == (2, b"")
    assert result.err.splitlines() == [
        "aiozbilling: Invalid value for '--format' / '-f': 'xml' is not one of 'table', 'json', 'jsonl', 'csv'.",
        "Try 'aiozbilling month --help'.",
    ]


def test_the_organization_may_come_from_the_environment(
    command: CommandLine, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the only argument is a month, the organization comes from the environment; without one, it is an error."""
    missing = command("cu-usage", "2026-10", "--format", "csv")
    assert (missing.code, "B3OS_ORGANIZATION" in missing.err) == (2, True)
    monkeypatch.setenv("B3OS_ORGANIZATION", simulator.organization)
    alone, both = (
        command("cu-usage", *words, "2026-10", "--format", "csv") for words in ((), (simulator.organization,))
    )
    assert (alone.code, alone.out) == (0, both.out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("metered", "--start", "2026-10-32"), "--start must be a date"),
        (("metered", "--start", "2026-10-05", "--end", "2026-10-01"), "--start (2026-10-05) is after --end"),
        (("top-ups", "--since", "2027"), "(2026-10-31T12:00Z), not '2027'\n"),
        (("top-ups", "--since", "2026-10-31T12:00"), "(2026-10-31T12:00Z): it has no time zone\n"),
        (("month", "--base-url", "http://example.com"), "unencrypted: use https\n"),
        (("export", "top-ups", "--out", "x.txt"), "the suffix of 'x.txt' names no known format: choose one of csv,"),
        (("export", "top-ups", "--out", "x.xlsx"), "parquet, sqlite, focus; `aiozbilling report` writes a workbook\n"),
        (("export", "top-ups", "--out", "x.csv", "--stop-early"), "--stop-early needs --since\n"),
        (("export", "top-ups", "--out", "x.csv", "--format", "focus"), "export the history, not /api/billing/topUp\n"),
        (("metered", "--since", "2026-10-01"), "--since must be a month such as '2026-10', not '2026-10-01'\n"),
        (("report", "--simulator", "--out", "x.xlsx", "--static"), "has no scripts: leave out --static\n"),
        (("verify", "ledger.db", "--chain", "xyz"), "--chain must be a hash of 64 digits (0-9, a-f), as"),
        (("fleet", "export"), "Missing argument 'what'. Choose from: top-ups, history\n"),
    ],
)
def test_a_mistake_is_explained_with_the_names_of_options(
    command: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    """A wrong argument exits with 2, and the message names options of the command line, not keywords of the library."""
    result = command(*arguments)
    assert result.code == 2
    assert message in result.err


def test_the_sum_of_a_single_row_is_named_so(command: CommandLine) -> None:
    """With --max-items 1, the sums are those of "this row", and a sparkline of a single day is left out."""
    out = command("history", "--max-items", "1", "--format", "table").out.decode()
    assert "Cost in this row: " in out
    assert "Bandwidth from " not in out


@pytest.mark.parametrize(
    ("arguments", "heading"),
    [
        (("months",), "Cost and deposits by month, AIOZ Pin in USD"),
        (("balance",), "AIOZ Pin, balance in USD"),
        (("balance", "--daily"), "AIOZ Pin, balance by day in USD"),
        (("runway",), "AIOZ Pin, runway, amounts in USD"),
    ],
)
def test_a_table_of_amounts_names_their_unit(command: CommandLine, arguments: tuple[str, ...], heading: str) -> None:
    """The first line of a table of months, balances or runways names the currency of its amounts."""
    assert command(*arguments, "--simulator", "--format", "table").out.decode().splitlines()[0] == heading


def test_two_months_are_a_range(command: CommandLine) -> None:
    """Two months as arguments are an error that says which options read several months."""
    result = command("cu-usage", "2026-09", "2026-10")
    assert (result.code, result.out) == (2, b"")
    assert "for several months, use --since 2026-09 --until 2026-10" in result.err


@pytest.mark.parametrize(
    ("variable", "arguments"),
    [
        ("AIOZ_PIN_BASE_URL", ("month",)),
        ("B3OS_SERVER_URL", ("cu-balance", "org_1")),
        ("METERED_BILLING_URL", ("metered",)),
    ],
)
def test_a_wrong_url_of_the_environment_is_named(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch, variable: str, arguments: tuple[str, ...]
) -> None:
    """If the URL in a variable is wrong, the message names the variable, not an option that the user did not pass."""
    monkeypatch.setenv(variable, "api.example.com")
    result = command(*arguments)
    assert (result.code, result.err) == (
        2,
        f"aiozbilling: {variable} must begin with https:// and a host, such as 'https://api.example.com'\n",
    )


@pytest.mark.parametrize(
    ("variable", "name"),
    [("AIOZ_PIN_BASE_URL", "month"), ("B3OS_SERVER_URL", "cu-balance"), ("METERED_BILLING_URL", "metered")],
)
def test_the_simulator_needs_no_url(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch, variable: str, name: str
) -> None:
    """With --simulator, a wrong URL in a variable does not matter."""
    monkeypatch.setenv(variable, "api.example.com")
    assert command(name, "--simulator", "--format", "json").code == 0


def test_words_of_the_server_are_no_options(capsys: pytest.CaptureFixture[str]) -> None:
    """A keyword of the library in a server's message stays as it is; in the hint it becomes an option."""
    error = BadRequestError("rate_limit: a timeout", status=400, hint="Try a smaller page_size")
    assert report_failure(error) == 6
    assert capsys.readouterr().err == "aiozbilling: HTTP 400: rate_limit: a timeout. Try a smaller --page-size\n"


@pytest.mark.parametrize("name", ["months", "balance", "runway", "verify"])
def test_a_folder_is_no_missing_ledger(command: CommandLine, tmp_path: Path, name: str) -> None:
    """If --db names a folder, the message says so; it does not say that there is no such file."""
    result = command(name, "--db", str(tmp_path))
    assert (result.code, "this is a folder" in result.err) == (12, True)


def test_a_ledger_in_a_missing_folder_is_explained(command: CommandLine, tmp_path: Path) -> None:
    """A sync into a folder that does not exist says what an export says."""
    result = command("sync", "--db", str(tmp_path / "none" / "ledger.db"))
    assert result.code == 12
    assert "the folder does not exist. Create it, or choose another folder\n" in result.err
