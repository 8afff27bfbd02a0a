"""A simulator in its own thread, and command lines that use it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from aiozbilling.cli import main
from tests.simulated import environment_of, simulator_in_thread
from tests.terminal import on_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiozbilling.simulator import Simulator

_OURS = ("AIOZ", "B3OS", "METERED", "NO_COLOR", "COLUMNS", "TERM", "PYTHONIOENCODING")


@attrs.frozen
class Result:
    code: int
    out: bytes
    err: str


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Run a simulator during the test."""
    with simulator_in_thread(seed=3, top_ups=120, days=70) as simulator:
        yield simulator


class CommandLine:
    """Runs command lines in this process or in a new one."""

    def __init__(self, simulator: Simulator, monkeypatch: Any, capture: Any) -> None:
        self._capture = capture
        self.environment = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
        self.environment |= environment_of(simulator)
        for name, text in environment_of(simulator).items():
            monkeypatch.setenv(name, text)

    def __call__(self, *arguments: str) -> Result:
        self._capture.readouterr()
        code = main(arguments)
        out, err = self._capture.readouterr()
        return Result(code, out, err.decode())

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        environment = self.environment | options.pop("environment", {})
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.Popen([sys.executable, "-m", "aiozbilling", *arguments], env=environment, **options)

    def on_terminal(self, width: int, *arguments: str) -> list[str]:
        """Run a command line that succeeds with stdout on a terminal, and return the lines that it shows."""
        code, lines = on_terminal(width, *arguments)
        assert code == 0
        return lines

    def process(self, *arguments: str, **options: Any) -> Result:
        with self.start(*arguments, **options) as process:
            out, err = process.communicate(timeout=60)
        return Result(process.returncode, out or b"", (err or b"").decode())


@pytest.fixture
def command(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any, short_pauses: None) -> CommandLine:
    """Return the command line of a user who has an account at the simulator, at the simulated time."""
    monkeypatch.setattr(import_module("aiozbilling.sync.sync"), "_in_utc", lambda _clock: simulator._clock.now)
    return CommandLine(simulator, monkeypatch, capfdbinary)
