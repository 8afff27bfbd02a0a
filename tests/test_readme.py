"""The README's examples run as they stand, against the simulator."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser

from aiozbilling.simulator import Simulator

README = Path(__file__).parents[1] / "README.md"


def examples(language: str) -> list[tuple[int, str]]:
    """Give the code blocks of a language with the lines where they stand."""
    document = Sybil(parsers=[CodeBlockParser(language=language, evaluator=lambda _: None)]).parse(README)
    return [(example.line, str(example.parsed)) for example in document.examples()]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """Serve the simulator from a thread of its own, and name it in the environment as a user would."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    simulator = Simulator(top_ups=120, days=40)
    asyncio.run_coroutine_threadsafe(simulator.start(), loop).result(10)
    for name, value in {
        "AIOZ_PIN_API_KEY": simulator.api_key,
        "AIOZ_PIN_SECRET_KEY": simulator.secret_key,
        "AIOZ_PIN_BASE_URL": simulator.url,
        "B3OS_API_KEY": simulator.b3os_token,
        "B3OS_SERVER_URL": simulator.url,
        "B3OS_ORGANIZATION": simulator.organization,
        "METERED_BILLING_URL": simulator.url,
        "METERED_BILLING_TOKEN": simulator.metered_token,
    }.items():
        monkeypatch.setenv(name, value)
    yield simulator
    asyncio.run_coroutine_threadsafe(simulator.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize(("line", "source"), examples("python"), ids=lambda value: str(value)[:4])
def test_an_example_runs(line: int, source: str, environment: Simulator) -> None:
    """A Python block of the README runs by itself with credentials in the environment, and makes the calls it shows."""
    exec(compile("\n" * line + source, str(README), "exec"), {"__name__": "readme"})
    assert bool(environment.requests) == ("asyncio.run(" in source)


def test_the_test_example_passes(tmp_path: Path) -> None:
    """The block on testing is a test file that passes with pytest-asyncio's auto mode."""
    (source,) = (source for _, source in examples("python") if "def test_my_service" in source)
    (tmp_path / "test_it.py").write_text(source)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize(
    "command",
    [line[2:] for _, source in examples("console") for line in source.splitlines() if line.startswith("$ aiozbilling")],
)
def test_a_command_runs(command: str, tmp_path: Path) -> None:
    """Each command line shown runs and prints something."""
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_two_commands_stand_first() -> None:
    """The README begins with the two commands that set all up, and the second one is what runs these tests."""
    (_, first), (_, second) = examples("sh")
    assert "--simulator" in first
    assert "pytest" in second
