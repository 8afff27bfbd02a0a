"""A function that returns a key only where SIGINT is blocked, for an accounts file."""

from __future__ import annotations

import multiprocessing
import os
import signal


def api_key(_label: str) -> str:
    """Return the key; in a process of a pool, only if SIGINT is blocked there."""
    if multiprocessing.parent_process() is not None and signal.SIGINT not in signal.pthread_sigmask(
        signal.SIG_BLOCK, ()
    ):
        raise RuntimeError
    return os.environ["API_KEY"]
