"""Keeps a local database up to date with accounts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import attrs

from aiozbilling.clients.aioz import AiozBilling
from aiozbilling.clients.b3os import B3osBilling
from aiozbilling.clients.metered import MeteredBilling
from aiozbilling.errors import ConfigurationError, ExportError
from aiozbilling.exchange.checks import is_number, refuse_bad_label
from aiozbilling.exchange.observer import watched
from aiozbilling.export.in_thread import in_thread
from aiozbilling.records import MonthUsage
from aiozbilling.records.texts import time_text
from aiozbilling.sync.access import opened_ledger
from aiozbilling.sync.identity import confirm_aioz
from aiozbilling.sync.incremental import ListSync
from aiozbilling.sync.layout import HISTORY, MONTHS, TOP_UPS, LedgerTable, Row, rows_of
from aiozbilling.sync.periods import confirm_b3os, confirm_metered, sync_b3os, sync_metered
from aiozbilling.sync.runs import ListCounts
from aiozbilling.sync.store import Ledger
from aiozbilling.sync.uncredited import recheck_uncredited

__all__ = ["SyncProgress", "SyncReport", "sync"]


@attrs.frozen(kw_only=True)
class SyncProgress:
    """Progress of a sync.

    Attributes:
        table: table that is being updated, ``"top_ups"`` or ``"history"``.
        read: rows of the table read in this run.
        new: rows of these that were not stored before.
        total: the server's count of the list.
    """

    table: str
    read: int
    new: int
    total: int


@attrs.frozen(kw_only=True)
class SyncReport:
    """Result of a sync.

    Attributes:
        path: path of the database.
        account: label of the account.
        lists: counts of each table that was read, by its name, such as ``"top_ups"`` or ``"cu_days"``.
        requests: number of requests for lists and months, including those for uncredited top-ups.
        finished_at: when everything was stored, UTC.
    """

    path: Path
    account: str
    lists: dict[str, ListCounts]
    requests: int
    finished_at: datetime

    @property
    def top_ups_new(self) -> int:
        """Top-ups that were not stored before."""
        return self._of("top_ups").new

    @property
    def top_ups_changed(self) -> int:
        """Stored top-ups that were updated in place."""
        return self._of("top_ups").changed

    @property
    def top_ups_missing(self) -> int:
        """Stored top-ups that this run found removed by the provider."""
        return self._of("top_ups").missing

    @property
    def top_ups(self) -> int:
        """Stored top-ups of this account, including removed ones."""
        return self._of("top_ups").stored

    @property
    def history_new(self) -> int:
        """Days that were not stored before."""
        return self._of("history").new

    @property
    def history_changed(self) -> int:
        """Stored days that were updated in place, such as today's."""
        return self._of("history").changed

    @property
    def history(self) -> int:
        """Stored days of this account, including removed ones."""
        return self._of("history").stored

    def _of(self, name: str) -> ListCounts:
        return self.lists.get(name, ListCounts())


async def sync(
    billing: AiozBilling | None,
    path: str | PathLike[str],
    *,
    account: str = "main",
    b3os: B3osBilling | None = None,
    organization: str | None = None,
    metered: MeteredBilling | None = None,
    full: bool = False,
    wait_s: float = 0.0,
    clock: Callable[[], datetime] | None = None,
    on_progress: Callable[[SyncProgress], object] | None = None,
) -> SyncReport:
    """Update a local SQLite database, the ledger, with the rows of an account.

    The first run reads everything; after an interruption, the next run resumes. Later runs read only new rows and
    top-ups that were not credited yet; a list without new rows takes one request. Changed rows are updated in place,
    with entries in the table `changes`. Rows that the provider removed stay in the ledger, with `missing_since`. Views
    whose names begin with ``v_`` have typed columns.

    Args:
        billing: AIOZ client of the account, or None to sync only the other systems.
        path: path of the database. It is created if it does not exist, but its folder is not.
        account: your label for the account. One database can contain several accounts with different labels.
        b3os: B3OS client whose compute units are stored; needs `organization`.
        organization: id of the B3OS organization, ``"org_…"``.
        metered: client of the metered billing whose usage is stored.
        full: read both AIOZ lists completely again, to find changes in old rows.
        wait_s: seconds to wait for another sync that is writing the database.
        clock: returns the current time, an aware datetime of any zone, for simulated time. Default: the system's clock.
        on_progress: called with a `SyncProgress` after each page.

    Raises:
        ConfigurationError: an argument is invalid.
        ExportError: the database can't be written, was written by a newer release, or is not a ledger; or the
            credentials belong to another account than the label.
        ExportLockedError: another sync was writing the database for `wait_s` seconds.
        IncompleteError: a list is much shorter than the stored one, for the first time.
        AiozBillingError: a request failed. The pages before it are stored.
    """
    _check_arguments(billing, account, b3os, organization, metered, wait_s)
    database = Path(path)
    host = " ".join(client.base_url for client in (billing, b3os, metered) if client is not None)
    async with opened_ledger(database, account, _in_utc(clock or partial(datetime.now, UTC)), wait_s) as ledger:
        await in_thread(ledger.begin, host)
        run = _Run(ledger, on_progress or (lambda _progress: None), full)
        lists = await run.recorded(run.all(billing, b3os, organization, metered), has_aioz=billing is not None)
        finished_at = ledger.clock()
    return SyncReport(path=database, account=account, lists=lists, requests=run.requests, finished_at=finished_at)


@attrs.define(eq=False)
class _Run:
    """One run: the counts of each list so far, and the number of requests."""

    ledger: Ledger
    report: Callable[[SyncProgress], object]
    full: bool
    counts: dict[str, ListCounts] = attrs.field(factory=dict)
    requests: int = 0

    async def recorded(self, work: Coroutine[Any, Any, None], *, has_aioz: bool) -> dict[str, ListCounts]:
        """Await `work`, and record in the ledger how the run ended."""
        try:
            await watched("sync", "ledger", work, lambda _: {"requests": self.requests})
            return await in_thread(partial(self.ledger.finish, self.counts, has_aioz=has_aioz))
        except BaseException as error:
            with suppress(ExportError):  # if the ledger can't be written, the next run records that this one ended
                await in_thread(self.ledger.fail, error, self.counts)
            raise

    async def all(
        self,
        billing: AiozBilling | None,
        b3os: B3osBilling | None,
        organization: str | None,
        metered: MeteredBilling | None,
    ) -> None:
        """Read from each client that is not None."""
        if billing is not None:
            await self.aioz(billing)
        if b3os is not None and organization is not None:
            await self.b3os(b3os, organization)
        if metered is not None:
            await self.metered(metered)

    async def aioz(self, billing: AiozBilling) -> None:
        ledger = self.ledger
        fingerprint = billing.fingerprint(ledger.salt)
        await confirm_aioz(ledger, billing, fingerprint)
        await in_thread(ledger.accept_identity, "aioz", fingerprint, billing.base_url)
        top_ups = ListSync(ledger, TOP_UPS, billing.top_ups, self._progress(TOP_UPS))
        await self._list(top_ups, TOP_UPS)
        self.counts[TOP_UPS.name], requests = await recheck_uncredited(
            ledger, billing.top_ups, top_ups.state, self.counts[TOP_UPS.name], top_ups.seen
        )
        self.requests += requests
        await self._list(ListSync(ledger, HISTORY, billing.history_usage, self._progress(HISTORY)), HISTORY)
        month = _month_row(await billing.this_month_usage(), ledger.clock())
        self.counts[MONTHS.name] = ListCounts().plus(await in_thread(ledger.store, MONTHS, [month]), read=1)

    async def b3os(self, b3os: B3osBilling, organization: str) -> None:
        fingerprint = b3os.fingerprint(self.ledger.salt)
        await in_thread(confirm_b3os, self.ledger, organization)
        host = f"{b3os.base_url} {organization}"
        await in_thread(self.ledger.accept_identity, "b3os", fingerprint, host)
        self.requests += await sync_b3os(self.ledger, b3os, organization, self.counts)

    async def metered(self, metered: MeteredBilling) -> None:
        fingerprint = metered.fingerprint(self.ledger.salt)
        await confirm_metered(self.ledger, metered, fingerprint)
        await in_thread(self.ledger.accept_identity, "metered", fingerprint, metered.base_url)
        self.requests += await sync_metered(self.ledger, metered, self.counts)

    async def _list(self, reading: ListSync, table: LedgerTable) -> None:
        try:
            await reading.run(full=self.full)
        finally:
            self.counts[table.name] = attrs.evolve(reading.counts, counted=reading.state.total)
            self.requests += reading.requests

    def _progress(self, table: LedgerTable) -> Callable[[int, int, int], object]:
        return lambda read, new, total: self.report(SyncProgress(table=table.name, read=read, new=new, total=total))


def _check_arguments(
    billing: AiozBilling | None,
    account: object,
    b3os: B3osBilling | None,
    organization: str | None,
    metered: MeteredBilling | None,
    wait_s: object,
) -> None:
    refuse_bad_label(account)
    clients = (("billing", billing, AiozBilling), ("b3os", b3os, B3osBilling), ("metered", metered, MeteredBilling))
    for name, client, kind in clients:
        if client is not None and not isinstance(client, kind):
            raise ConfigurationError(f"{name} must be a client of class {kind.__name__}, not {type(client).__name__}")
    if billing is None and b3os is None and metered is None:
        raise ConfigurationError("pass at least one client: billing, b3os or metered")
    if (b3os is None) != (organization is None):
        raise ConfigurationError("b3os and organization must be passed together")
    if not is_number(wait_s) or not wait_s >= 0:
        raise ConfigurationError(f"wait_s must be a number of seconds of at least 0, not {wait_s!r}")


def _month_row(month: MonthUsage, read_at: datetime) -> Row:
    """Return the row of the current month; there is one row per day."""
    usage = attrs.evolve(MONTHS, columns=MONTHS.columns[2:])
    return (read_at.date().isoformat(), time_text(read_at), *rows_of(usage, [month])[0])


def _in_utc(clock: Callable[[], datetime]) -> Callable[[], datetime]:
    def now() -> datetime:
        time = clock()
        if time.tzinfo is None:
            raise ConfigurationError(f"clock returned {time}, which has no time zone: return an aware datetime")
        return time.astimezone(UTC)

    return now
