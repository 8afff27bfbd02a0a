"""Run a command line in this process with its stdout on a terminal; a new process would take most of a second."""

from __future__ import annotations

import os
import pty
import sys
import threading
from contextlib import suppress
from unittest.mock import patch

from aiozbilling.cli import main


def on_terminal(width: int, *arguments: str) -> tuple[int, list[str]]:
    """Return the exit code of a command line and the lines that a terminal of that width shows."""
    terminal, side = pty.openpty()
    shown: list[bytes] = []
    reader = threading.Thread(target=_read, args=(terminal, shown))
    reader.start()
    try:
        with (
            os.fdopen(side, "w", encoding="utf-8") as stdout,
            patch.object(sys, "stdout", stdout),
            patch.dict(os.environ, {"COLUMNS": str(width), "TERM": "dumb"}),
        ):
            code = main(arguments)
    finally:
        reader.join()
        os.close(terminal)
    text = b"".join(shown).decode().replace("\r\n", "\n")
    return code, [line.rstrip() for line in text.splitlines()]


def _read(terminal: int, shown: list[bytes]) -> None:
    with suppress(OSError):  # the other side was closed
        while chunk := os.read(terminal, 65536):
            shown.append(chunk)
