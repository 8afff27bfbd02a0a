"""Runs a command in an event loop, and ends it on a signal."""

from __future__ import annotations

import os
import signal
from collections.abc import Coroutine
from typing import Any

__all__ = ["run"]


def run(command: Coroutine[Any, Any, None]) -> None:
    """Run a command to its end; Ctrl-C and SIGTERM cancel it, close its connections, and exit with 130 or 143.

    However often Ctrl-C is pressed, it never raises KeyboardInterrupt inside the event loop, which could lose the end
    of a thread and wait for it forever. After the end of a cancelled command, only threads that look up names may
    still run, for many seconds if no name server answers: another signal ends the process without them.
    """
    import asyncio

    stopped = terminated = ended = False

    async def until_ended() -> None:
        nonlocal ended
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def on_signal(number: int, _frame: object) -> None:
            nonlocal stopped, terminated
            terminated = terminated or number == signal.SIGTERM
            if stopped and ended:
                os._exit(143 if terminated else 130)
            stopped = True
            if task is not None and not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)

        signal.signal(signal.SIGTERM, on_signal)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # a shell ignores it for a background job
            signal.signal(signal.SIGINT, on_signal)
        try:
            await command
        finally:
            ended = True

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        asyncio.run(until_ended())
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise SystemExit(143 if terminated else 130) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        command.close()  # Ctrl-C may come before it begins
    if terminated:
        raise SystemExit(143)
