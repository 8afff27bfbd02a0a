"""Starts and controls the server."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


class Server:
    """A running server."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def set(self, rows: int, *, latency_ms: int = 0, rate: int = 0) -> None:
        """Change the settings, and reset the counts."""
        self._control(f"?rows={rows}&latency_ms={latency_ms}&rate={rate}")

    def counts(self) -> dict[str, int]:
        """Return the number of requests since `set`, and the number of 429 replies."""
        return self._control("")

    def _control(self, query: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/control{query}") as reply:
            return json.load(reply)


@contextmanager
def serving(rows: int) -> Iterator[Server]:
    """Serve at most `rows` rows from a new process."""
    command = [sys.executable, "-m", "benchmarks.server", str(rows)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(int(process.stdout.readline()))
        finally:
            process.kill()
