"""The applications of the guide, taken out of it and run as real servers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tests.simulated import reserved_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiozbilling.simulator import Simulator

GUIDE = Path(__file__).parents[2] / "aiozbilling" / "web" / "README.md"


def recipe_files() -> dict[str, str]:
    """Return the blocks of README.md that begin with a file's name, by that name."""
    blocks = re.findall(
        r"^```python\n(# (\w+\.py)\n.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return {name: source for source, name in blocks}


@attrs.define
class Server:
    """A recipe that runs."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def terminate(self) -> int:
        """Send SIGTERM, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def serving(recipe: str, simulator: Simulator, folder: Path, **environment: str) -> Iterator[Server]:
    """Run a recipe for the simulator's second and third account, ``acme`` and ``globex``."""
    for name, source in recipe_files().items():
        (folder / name).write_text(source, encoding="utf-8")
    log = folder / "server.log"
    with reserved_port() as port:
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-W", "error::DeprecationWarning:aiozbilling", recipe],
                cwd=folder,
                env=os.environ | _environment(simulator) | {"PORT": str(port)} | environment,
                stdout=output,
                stderr=output,
            )
        try:
            server = Server(f"http://127.0.0.1:{port}", process, log)
            _wait_until_ready(server)
            yield server
        finally:
            process.kill()
            process.wait()


def _environment(simulator: Simulator) -> dict[str, str]:
    pairs = [{"api_key": one.api_key, "secret_key": one.secret_key} for one in simulator.accounts]
    return {
        "AIOZ_PIN_API_KEY": simulator.api_key,
        "AIOZ_PIN_SECRET_KEY": simulator.secret_key,
        "AIOZ_PIN_BASE_URL": simulator.url,
        "TENANTS": json.dumps(dict(zip(("acme", "globex"), pairs[1:], strict=True))),
        "POLL_S": "0.1",
        "PYTHONWARNINGS": "default",
    }


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            with urllib.request.urlopen(f"{server.url}/ready", timeout=60):
                return
        except OSError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"it never became ready: {server.log.read_text()}") from None
            time.sleep(0.05)
