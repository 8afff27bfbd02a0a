"""Divides accounts among several processes, if one processor is not enough."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from aiozbilling.errors import ExportError
from aiozbilling.export.in_thread import in_thread
from aiozbilling.fleet.accounts import Account
from aiozbilling.fleet.clients import resolved_secrets
from aiozbilling.fleet.outcome import Outcome
from aiozbilling.fleet.workers import Plan, export_accounts

__all__ = ["export_in_processes", "groups_of"]

_GROUP = 16  # accounts of one task, at most; with more, processes would be idle at the end
_LOOK_EVERY_S = 0.2
_ended: Any = None  # in a process of the pool: a function that returns whether it must end


async def export_in_processes(
    accounts: Sequence[Account],
    processes: int,
    plan: Plan,
    on_outcome: Callable[[Outcome], object],
) -> None:
    """Export accounts in several processes. `on_outcome` is called for a group of accounts at a time.

    If a process dies, its unfinished accounts fail, and the next run resumes them. When this call is cancelled, every
    process writes its checkpoints and ends.
    """
    context = multiprocessing.get_context("spawn")  # a fork would copy a running event loop
    ended = context.Event()
    groups = groups_of(accounts, processes)
    pool = ProcessPoolExecutor(processes, context, _begin, (ended, os.getpid()))
    with _without_ctrl_c():
        tasks = [asyncio.create_task(_outcomes(pool.submit(_export, group, plan), group)) for group in groups]
    try:
        for coming in asyncio.as_completed(tasks):
            for outcome in await coming:
                on_outcome(outcome)
    finally:
        ended.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await in_thread(pool.shutdown, cancel_futures=True)


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Block SIGINT while processes are started. They inherit this, so Ctrl-C can't end them while they import."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def groups_of(accounts: Sequence[Account], processes: int) -> list[Sequence[Account]]:
    """Divide accounts into groups of nearly one size, as many for each process, so that all end at the same time."""
    count = min(len(accounts), processes * -(-len(accounts) // (processes * _GROUP)))
    ends = [len(accounts) * number // count for number in range(count + 1)]
    return [accounts[begin:end] for begin, end in pairwise(ends)]


async def _outcomes(future: Future[list[Outcome]], group: Sequence[Account]) -> list[Outcome]:
    try:
        return await asyncio.wrap_future(future)
    except BrokenProcessPool:
        error = ExportError("a process of the fleet died", hint="Run the same fleet again to resume these accounts")
        return [Outcome(account=one.label, status="failed", error=error, tags=one.tags) for one in group]


# The following functions run in the processes of the pool.


def _begin(ended: Any, parent: int) -> None:
    global _ended  # noqa: PLW0603 - the pool passes nothing else to its tasks
    _ended = lambda: ended.is_set() or os.getppid() != parent  # noqa: E731
    # Ctrl-C is sent to every process of the terminal, but the parent decides when the others end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _export(accounts: Sequence[Account], plan: Plan) -> list[Outcome]:
    return asyncio.run(_until_ended(accounts, plan))


async def _until_ended(accounts: Sequence[Account], plan: Plan) -> list[Outcome]:
    outcomes: list[Outcome] = []
    secrets = await resolved_secrets(accounts)
    work = asyncio.create_task(export_accounts(accounts, secrets, plan, outcomes.append, lambda _label, _rows: None))
    while not work.done():
        if _ended():
            work.cancel()
        await asyncio.wait((work,), timeout=_LOOK_EVERY_S)
    await work
    return outcomes
