"""How commands start and end: imports, signals and closed pipes."""

from __future__ import annotations

import asyncio
import inspect
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from aiozbilling.cli.running import run
from aiozbilling.export.in_thread import in_thread
from aiozbilling.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import CommandLine


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition stayed false"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)]
)
def test_a_signal_ends_a_hanging_request_quietly(
    command: CommandLine, simulator: Simulator, number: signal.Signals, code: int
) -> None:
    """Ctrl-C and SIGTERM end a command at once and without output, even while it waits for a reply."""
    simulator.fail("hang", times=9)
    with command.start("top-ups") as process:
        wait_for(lambda: simulator.in_flight)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (code, b"", b"")


@pytest.mark.slow
def test_a_second_signal_does_not_wait_for_a_name_server() -> None:
    """When a cancelled command has ended, another Ctrl-C ends the process, although a thread still looks up a name."""
    script = """
import asyncio, time
from aiozbilling.cli.running import run

async def command():
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)
    print("ready", flush=True)
    try:
        await asyncio.sleep(600)
    finally:
        print("ended", flush=True)

run(command())
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == b"ended\n"
        until = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < until:
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        code = process.poll()
        process.kill()
    assert code == 130


@pytest.mark.slow  # the test above has SIGTERM by default
def test_sigterm_ends_a_background_job(command: CommandLine) -> None:
    """A shell starts background jobs with SIGINT ignored: Ctrl-C does not end them, SIGTERM does."""
    ignoring = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)  # noqa: E731
    with command.start("simulate", "--port", "0", preexec_fn=ignoring) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (143, b"")


@pytest.mark.parametrize(
    "format_", ["csv", *(pytest.param(name, marks=pytest.mark.slow) for name in ("json", "table"))]
)
def test_a_closed_pipe_ends_quietly(command: CommandLine, simulator: Simulator, format_: str) -> None:
    """When the reader closes the pipe, as `| head` does, the command ends without a message."""
    simulator.add_top_ups(3000)  # more than fits into the pipe: the command can't end before the reader closes it
    with command.start("top-ups", "-f", format_, "--all") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_rows_are_printed_as_they_are_read(command: CommandLine, simulator: Simulator) -> None:
    """A pipe gets the first page before the command has read later ones."""
    simulator.fail("hang", times=9, path="topUp", after=1)
    with command.start("top-ups", "--page-size", "20", "--concurrency", "1", "-f", "jsonl") as process:
        assert process.stdout is not None
        assert simulator.top_up_ids()[0].encode() in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130


def test_simulate_serves_until_ctrl_c(command: CommandLine) -> None:
    """The printed curl lines and --fail and --set work, each request is logged, and Ctrl-C exits with 0."""
    arguments = ("--port", "0", "--top-ups", "7", "--fail", "http-503:1", "--set", "extra_keys=true")
    with command.start("simulate", *arguments) as process:
        assert process.stdout is not None
        greeting = ""
        while "metrics=" not in greeting:
            greeting += process.stdout.readline().decode()
        line = next(line for line in greeting.splitlines() if "/topUp?" in line)
        url, *headers = re.findall(r"'([^']*)'", line)
        request = urllib.request.Request(url, headers=dict(header.split(": ", 1) for header in headers))
        with pytest.raises(urllib.error.HTTPError, match="503") as refused:
            urllib.request.urlopen(request)
        refused.value.close()
        with urllib.request.urlopen(request) as reply:
            body = reply.read()
        assert b'"totals": 7' in body or b'"totals":7' in body
        assert b"memo" in body
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            urllib.request.urlopen(url.partition("/api")[0] + "/%1b[31mred")
        refused.value.close()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"")
    logged = [line.split()[1:5] for line in err.decode().splitlines()]
    path = "/api/billing/topUp?offset=0&limit=10"
    assert logged == [
        ["account-1", "GET", path, "503"],
        ["account-1", "GET", path, "200"],
        ["unknown", "GET", "/\\x1b[31mred", "404"],  # no control character reaches the terminal
    ]


@pytest.mark.slow
def test_simulate_prints_what_a_shell_can_source(command: CommandLine, tmp_path: Path) -> None:
    """Sourcing the output sets the variables of the first account, and numbered variables of the others."""
    with command.start("simulate", "--port", "0", "--accounts", "3", "--quiet") as process:
        assert process.stdout is not None
        greeting = ""
        while "metrics=" not in greeting:
            greeting += process.stdout.readline().decode()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    script = tmp_path / "simulator.env"
    script.write_text(greeting)
    shell = subprocess.run(
        ["sh", "-c", f". {script} && env"], capture_output=True, check=True, text=True, env={"PATH": os.environ["PATH"]}
    )
    variables = dict(line.split("=", 1) for line in shell.stdout.splitlines())
    expected = Simulator(accounts=3)
    for number, account in enumerate(expected.accounts, 1):
        suffix = "" if number == 1 else f"_{number}"
        assert variables[f"AIOZ_PIN_SECRET_KEY{suffix}"] == account.secret_key
        assert variables[f"METERED_BILLING_TOKEN{suffix}"] == account.metered_token
    assert variables["AIOZ_PIN_BASE_URL"].startswith("http://127.0.0.1:")
    assert (shell.stderr, err) == ("", b"")


@pytest.mark.slow
def test_bash_continues_after_it_sourced_simulate(command: CommandLine) -> None:
    """`source <(aiozbilling simulate)` sets the variables, and the shell's next command reads from the simulator."""
    python = shlex.quote(sys.executable) + " -m aiozbilling"
    script = f"source <({python} simulate --port 0 --quiet); {python} top-ups -n 2; kill $!"
    environment = {name: text for name, text in command.environment.items() if not name.startswith("AIOZ")}
    shell = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env=environment, timeout=60)
    assert (shell.stdout.count(b"\n"), shell.stderr) == (3, b"")


def test_simulate_on_a_taken_port_suggests_another(command: CommandLine, simulator: Simulator) -> None:
    """A port that is in use is a wrong argument, and the message names the option for a free one."""
    result = command("simulate", "--port", str(simulator.port))
    assert result.code == 2
    assert "--port 0" in result.err


def test_simulate_lists_settings_and_faults(command: CommandLine) -> None:
    """--list prints the names of settings and faults."""
    text = command("simulate", "--list").out.decode()
    assert "max_limit=none" in text
    assert "gzip-bomb" in text


def test_help_loads_nothing_heavy() -> None:
    """--help imports no HTTP library, no decoder, no table and no simulator."""
    heavy = ("aiohttp", "cattrs", "msgspec", "pyarrow", "tenacity", "rich", "asyncio", "attrs")
    script = (
        "import sys; from aiozbilling.cli import main; code = main(['--help']);"
        f"found = [name for name in {heavy!r} if name in sys.modules];"
        "found += [name for name in sys.modules if name.startswith(('aiozbilling.simulator', 'aiozbilling.clients'))];"
        "sys.exit(code or ' '.join(found) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("missing", ["typer", pytest.param("rich", marks=pytest.mark.slow)])
def test_without_the_extra_one_line_says_how_to_get_it(missing: str) -> None:
    """If the extra is not installed, the message says how to install it, and the exit code is 2."""
    script = (
        f"import sys; sys.modules[{missing!r}] = None; from aiozbilling.cli import main;"
        "sys.exit(main(['month', '--simulator', '--format', 'table']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "aiozbilling: the command line needs an extra: pip install 'aiozbilling[cli]'"
    )


def test_the_version_is_the_packages(command: CommandLine) -> None:
    """--version names the command and its version."""
    assert re.fullmatch(rb"aiozbilling \d+\.\d+\S*\n", command("--version").out)


def test_ctrl_c_before_a_command_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that Ctrl-C ends before its first step is closed, so that Python doesn't warn of it."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    async def command() -> None:
        """Never begins."""

    begun = command()
    monkeypatch.setattr("asyncio.get_running_loop", interrupted)
    with pytest.raises(SystemExit) as end:
        run(begun)
    assert end.value.code == 130
    assert inspect.getcoroutinestate(begun) == inspect.CORO_CLOSED


def test_more_ctrl_c_do_not_break_the_end_of_a_command() -> None:
    """Ctrl-C that is pressed again while a command writes its last bytes interrupts neither them nor the event loop."""
    ended: list[str] = []

    async def command() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            for _ in range(3):
                signal.raise_signal(signal.SIGINT)
            await in_thread(ended.append, "in a thread")
            ended.append("whole")

    with pytest.raises(SystemExit) as end:
        run(command())
    assert (end.value.code, ended) == (130, ["in a thread"])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_follow_says_on_a_terminal_that_it_waits(command: CommandLine) -> None:
    """A terminal shows that the command waits for rows, how often it asks for them, and how to end it."""
    terminal, ours = pty.openpty()
    result = command.process("top-ups", "--follow", "--every", "30", "-n", "0", stderr=ours)
    os.write(ours, b"end")
    shown = b""
    while not shown.endswith(b"end"):  # a terminal may give it in parts
        shown += os.read(terminal, 4096)
    os.close(ours)
    os.close(terminal)
    assert result.code == 0
    assert b"Waiting for new rows, with a request every 30 s. Ctrl-C ends it." in shown
