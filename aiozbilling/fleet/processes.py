"""Divides accounts among several processes, if one processor is not enough."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from aiozbilling.errors import ConfigurationError, ExportError
from aiozbilling.export.in_thread import in_thread
from aiozbilling.fleet.accounts import Account
from aiozbilling.fleet.clients import Secrets, resolved_secrets
from aiozbilling.fleet.outcome import Outcome
from aiozbilling.fleet.workers import Plan, export_accounts

__all__ = ["export_in_processes", "next_group"]

_LOOK_EVERY_S = 0.2
_busy = threading.Lock()  # in a process of the pool: held while it exports
_ended: Any = None  # in a process of the pool: a function that returns whether it must end


async def export_in_processes(
    accounts: Sequence[Account],
    secrets: Mapping[str, Secrets | ConfigurationError],
    processes: int,
    plan: Plan,
    on_outcome: Callable[[Outcome], object],
    on_rows: Callable[[str, int], object],
) -> None:
    """Export accounts in this process and in `processes` - 1 others.

    This process exports one account after another and calls `on_rows` after each page. The others export a group of
    accounts at a time, and `on_outcome` is called at the end of the group. If one of them dies, its unfinished accounts
    fail, and the next run resumes them. When this call is cancelled, every process writes its checkpoints and ends.
    """
    context = multiprocessing.get_context("spawn")  # a fork would copy a running event loop
    ended = context.Event()
    # One pool for each process, because the death of a process ends all work of its pool.
    pools = [ProcessPoolExecutor(1, context, _begin, (ended, os.getpid())) for _ in range(processes - 1)]
    waiting = deque(accounts)

    async def feed(pool: ProcessPoolExecutor) -> None:
        while group := next_group(waiting, processes, plan.workers):
            outcomes, is_alive = await _exported(pool, group, plan)
            for outcome in outcomes:
                on_outcome(outcome)
            if not is_alive:
                return

    here = export_accounts(_taken(waiting), secrets, plan, on_outcome, on_rows)
    tasks = [asyncio.create_task(work) for work in (*map(feed, pools), here)]
    try:
        await asyncio.gather(*tasks)
    finally:
        ended.set()
        for task in tasks:
            task.cancel()
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await in_thread(_shut_down, pools)  # in one call, since a cancellation is raised at the end of each


def _shut_down(pools: Sequence[ProcessPoolExecutor]) -> None:
    for pool in pools:
        pool.shutdown(cancel_futures=True)


def next_group(waiting: deque[Account], processes: int, workers: int) -> list[Account]:
    """Take the next accounts for one process.

    At first it takes many, because a process is not fully busy at the end of a group; at last few, so that all
    processes end at the same time.
    """
    fair = -(-len(waiting) // processes)
    size = max(min(workers, fair), fair // 2)
    return [waiting.popleft() for _ in range(size)]


def _taken(waiting: deque[Account]) -> Iterator[Account]:
    while waiting:
        yield waiting.popleft()


async def _exported(pool: ProcessPoolExecutor, group: Sequence[Account], plan: Plan) -> tuple[list[Outcome], bool]:
    """Export accounts in another process. Return their outcomes, and whether the process can export more."""
    try:
        with _without_ctrl_c():
            future = pool.submit(_export, group, plan)
        return await asyncio.wrap_future(future), True
    except BrokenProcessPool:
        error = ExportError("a process of the fleet died", hint="Run the same fleet again to resume these accounts")
        return [Outcome(account=one.label, status="failed", error=error, tags=one.tags) for one in group], False


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


# The following functions run in the processes of the pool.


def _begin(ended: Any, parent: int) -> None:
    global _ended  # noqa: PLW0603 - the pool passes nothing else to its tasks
    _ended = lambda: ended.is_set() or os.getppid() != parent  # noqa: E731
    # Ctrl-C is sent to every process of the terminal, but the parent decides when the others end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process after its parent was killed. An idle process of a pool would wait for its next task forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        with _busy:
            os._exit(1)


def _export(accounts: Sequence[Account], plan: Plan) -> list[Outcome]:
    with _busy:
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
