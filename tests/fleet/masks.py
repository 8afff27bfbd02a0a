"""Functions of accounts files that behave differently in other processes of a fleet."""

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


def key_that_kills(label: str) -> str:
    """Return the API key; in a process of a fleet, kill the process, as the system does when memory is full."""
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.environ[f"KEY_{label}"]


def key_that_kills_with_a0(label: str) -> str:
    """Return the API key; of the account a0 in a process of a fleet, kill the process."""
    return key_that_kills(label) if label == "a0" else os.environ[f"KEY_{label}"]
