"""Runs a command in an event loop, and ends it on a signal."""

from __future__ import annotations

import signal
from collections.abc import Coroutine
from typing import Any

__all__ = ["run"]


def run(command: Coroutine[Any, Any, None]) -> None:
    """Run a command to its end; Ctrl-C and SIGTERM cancel it, close its connections, and exit with 130 or 143."""
    import asyncio

    terminated = False

    async def until_terminated() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def on_sigterm(_number: int, _frame: object) -> None:
            nonlocal terminated
            terminated = True
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)

        signal.signal(signal.SIGTERM, on_sigterm)
        await command

    previous = signal.getsignal(signal.SIGTERM)
    try:
        asyncio.run(until_terminated())
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise SystemExit(143 if terminated else 130) from None
    finally:
        signal.signal(signal.SIGTERM, previous)
        command.close()  # Ctrl-C may come before it begins
    if terminated:
        raise SystemExit(143)
