"""Opens the ledger for one writer: locks the file, and refuses names of other kinds of files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

from aiozbilling.errors import ExportError, ExportLockedError
from aiozbilling.export.checkpoint import Names
from aiozbilling.export.disk import Disk, failures_named
from aiozbilling.export.in_thread import in_thread
from aiozbilling.sync.store import Ledger

__all__ = ["opened_ledger"]

_POLL_S = 0.2  # between attempts to get the lock
# The ledger is a SQLite database. With these suffixes, other programs would not open it as one.
_FOREIGN_NAMES = frozenset(
    {".arrow", ".csv", ".duckdb", ".feather", ".html", ".json", ".jsonl", ".lock", ".parquet", ".toml", ".txt", ".xlsx"}
)


@asynccontextmanager
async def opened_ledger(
    path: Path, account: str, clock: Callable[[], datetime], wait_s: float
) -> AsyncIterator[Ledger]:
    """Open the ledger and hold its lock.

    Raises:
        ExportError: the file is not a ledger, or its lock file belongs to something else.
        ExportLockedError: another process was writing it for `wait_s` seconds.
    """
    disk, held = Disk(), ExitStack()
    _refuse_foreign_name(path)

    def acquire() -> Ledger:
        with failures_named(path, "Fix this and sync again"):
            target = path.resolve()  # so that a link to the file uses the same lock
            _refuse_foreign_name(target)
            if not target.parent.is_dir():
                raise ExportError(
                    "the folder does not exist", path=str(path), hint="Create it, or choose another folder"
                )
            if target.exists() and not target.is_file():  # opening a pipe would wait forever
                reason, hint = "this is a folder, a device or a pipe, not a file", "Use a name such as billing.sqlite"
                raise ExportError(reason, path=str(path), hint=hint)
            held.enter_context(disk.locked(Names(target).lock))
            ledger = Ledger(disk, target, account, clock)
            held.callback(ledger.close)
            return ledger

    async with AsyncExitStack() as stack:
        stack.push_async_callback(in_thread, held.close)
        yield await _after_waiting(acquire, path, wait_s)


async def _after_waiting(acquire: Callable[[], Ledger], path: Path, wait_s: float) -> Ledger:
    until = time.monotonic() + wait_s
    while True:
        try:
            return await in_thread(acquire)
        except ExportLockedError as error:
            if time.monotonic() >= until:
                hint = "To wait for it, use wait_s=60"
                raise ExportLockedError(error.reason, path=str(path), hint=hint) from None
        await asyncio.sleep(min(_POLL_S, max(0.0, until - time.monotonic())))


def _refuse_foreign_name(path: Path) -> None:
    if path.suffix.lower() in _FOREIGN_NAMES:
        raise ExportError(
            f"the ledger is a SQLite database, but {path.suffix} is the suffix of another kind of file",
            path=str(path),
            hint="Use a name such as billing.sqlite",
        )
