"""One event loop for one command, and signals that end it."""

from __future__ import annotations

import signal
from collections.abc import Coroutine
from typing import Any

__all__ = ["run"]


def run(command: Coroutine[Any, Any, None]) -> None:
    """Run a command to its end; Ctrl-C and SIGTERM cancel it, close its connections, and exit with 130 or 143."""
    import asyncio

    terminated = False

    def on_sigterm(_number: int, _frame: object) -> None:
        nonlocal terminated
        terminated = True
        signal.raise_signal(signal.SIGINT)  # which asyncio turns into the cancellation of the command

    previous = signal.signal(signal.SIGTERM, on_sigterm)
    try:
        asyncio.run(command)
    except KeyboardInterrupt:
        raise SystemExit(143 if terminated else 130) from None
    finally:
        signal.signal(signal.SIGTERM, previous)
    if terminated:
        raise SystemExit(143)
