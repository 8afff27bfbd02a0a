"""A local database that is kept up to date with an account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

import attrs

from aiozbilling.clients.aioz import AiozBilling
from aiozbilling.errors import ConfigurationError
from aiozbilling.export.checkpoint import Names
from aiozbilling.export.disk import Disk, failures_named
from aiozbilling.export.in_thread import in_thread
from aiozbilling.sync.incremental import CatchingUp
from aiozbilling.sync.store import Ledger
from aiozbilling.tables.table import HISTORY, TOP_UPS

__all__ = ["SyncProgress", "SyncReport", "sync"]


@attrs.frozen(kw_only=True)
class SyncProgress:
    """How far a sync is.

    Attributes:
        table: that is brought up to date, ``"top_ups"`` or ``"history"``.
        read: rows of it read in this run.
        new: rows of it that were not stored before.
        total: rows of the list by the server's count.
    """

    table: str
    read: int
    new: int
    total: int


@attrs.frozen(kw_only=True)
class SyncReport:
    """What a sync found.

    Attributes:
        path: of the database.
        account: the label.
        top_ups_new: top-ups that were not stored before.
        top_ups_changed: stored ones that were updated in place.
        history_new: days that were not stored before.
        history_changed: stored ones that were updated in place, such as today's.
        top_ups: stored of this account, in all.
        history: days stored of this account, in all.
        requests: to both lists.
        finished_at: when all was stored.
    """

    path: Path
    account: str
    top_ups_new: int
    top_ups_changed: int
    history_new: int
    history_changed: int
    top_ups: int
    history: int
    requests: int
    finished_at: datetime


async def sync(
    billing: AiozBilling,
    path: str | PathLike[str],
    *,
    account: str = "main",
    full: bool = False,
    on_progress: Callable[[SyncProgress], object] | None = None,
) -> SyncReport:
    """Bring a local SQLite database up to date with an account: top-ups, daily history, and the current month.

    The first run takes all, and goes on where it was interrupted; later ones ask only for what is new, one request a
    list where that is nothing. Rows that are read again are updated in place: the first page of a list that is newest
    first, which holds today's history. Rows that the provider removed stay. The tables say in their schema what each
    column is; views beginning with ``v_`` give human units.

    Args:
        billing: the account's client.
        path: of the database, in a folder that exists; it is made when it is not there.
        account: a label of yours; several accounts live in one database under theirs.
        full: read both lists to their ends again, for changes in old rows.
        on_progress: called with a `SyncProgress` after each page.

    Raises:
        ConfigurationError: the label can't be right.
        ExportError: the database can't be written, is of a newer release, or is something else; or the server's
            top-ups are those of another account than the label's.
        ExportLockedError: another sync is writing it.
        AiozBillingError: an answer could not be had; what came before is stored.
    """
    if not isinstance(account, str) or not account.strip():
        raise ConfigurationError("account must be a label, such as 'main'")
    database = Path(path)
    report = on_progress or _ignore
    async with _ledger(database, account) as ledger:
        top_ups = CatchingUp(ledger, TOP_UPS, billing.top_ups, lambda *at: report(_progress(TOP_UPS.name, *at)))
        await top_ups.run(full=full)
        history = CatchingUp(ledger, HISTORY, billing.history_usage, lambda *at: report(_progress(HISTORY.name, *at)))
        await history.run(full=full)
        month = await billing.this_month_usage()
        await in_thread(ledger.store_month, month, datetime.now(UTC))
        finished_at = datetime.now(UTC)
        counts = await in_thread(ledger.finish, finished_at)
    return SyncReport(
        path=database,
        account=account,
        top_ups_new=top_ups.new,
        top_ups_changed=top_ups.changed,
        history_new=history.new,
        history_changed=history.changed,
        requests=top_ups.requests + history.requests,
        finished_at=finished_at,
        **counts,
    )


@asynccontextmanager
async def _ledger(path: Path, account: str) -> AsyncIterator[Ledger]:
    disk, held = Disk(), ExitStack()

    def acquire() -> Ledger:
        with failures_named(path):
            held.enter_context(disk.locked(Names(path).lock))
            ledger = Ledger(disk, path, account)
            held.callback(ledger.close)
            return ledger

    async with AsyncExitStack() as stack:
        stack.push_async_callback(in_thread, held.close)
        yield await in_thread(acquire)


def _progress(table: str, read: int, new: int, total: int) -> SyncProgress:
    return SyncProgress(table=table, read=read, new=new, total=total)


def _ignore(progress: SyncProgress) -> None: ...
