"""A simulator in its own thread, and command lines that use it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from aiozbilling.cli import main
from aiozbilling.simulator import Simulator
from tests.terminal import on_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS = ("AIOZ", "B3OS", "METERED", "NO_COLOR", "COLUMNS", "TERM", "PYTHONIOENCODING")


@attrs.frozen
class Result:
    code: int
    out: bytes
    err: str


def credentials_of(simulator: Simulator) -> dict[str, str]:
    """Return the environment variables of a user who has an account at the simulator."""
    return {
        "AIOZ_PIN_BASE_URL": simulator.url,
        "AIOZ_PIN_API_KEY": simulator.api_key,
        "AIOZ_PIN_SECRET_KEY": simulator.secret_key,
        "B3OS_SERVER_URL": simulator.url,
        "B3OS_API_KEY": simulator.b3os_token,
        "METERED_BILLING_URL": simulator.url,
        "METERED_BILLING_TOKEN": simulator.metered_token,
    }


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Run a simulator during the test."""
    loop = asyncio.new_event_loop()
    simulator = Simulator(seed=3, top_ups=120, days=70)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(simulator.start(), loop).result(60)
    try:
        yield simulator
    finally:
        asyncio.run_coroutine_threadsafe(simulator.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class CommandLine:
    """Runs command lines in this process or in a new one."""

    def __init__(self, simulator: Simulator, monkeypatch: Any, capture: Any) -> None:
        self._capture = capture
        self.environment = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
        self.environment |= credentials_of(simulator)
        for name, text in credentials_of(simulator).items():
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
    """Return the command line of a user who has an account at the simulator."""
    return CommandLine(simulator, monkeypatch, capfdbinary)
