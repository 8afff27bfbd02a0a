"""Exports many accounts to one dataset, with one outcome per account."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from os import PathLike
from pathlib import Path

import attrs

from aiozbilling.clients.aioz import AIOZ_RATE_LIMIT
from aiozbilling.errors import ConfigurationError, ExportError, ExportLockedError
from aiozbilling.exchange.checks import refuse_bad_count
from aiozbilling.exchange.rate import Limiter
from aiozbilling.export.disk import Disk, failures_named, write_whole
from aiozbilling.export.formats import FileFormat
from aiozbilling.export.in_thread import in_thread
from aiozbilling.fleet.account_files import explained
from aiozbilling.fleet.accounts import Account, Accounts, accounts_of, selected
from aiozbilling.fleet.clients import resolved_secrets
from aiozbilling.fleet.layout import FleetList, Layout
from aiozbilling.fleet.manifest import AccountManifest, ListState
from aiozbilling.fleet.outcome import Count, FleetProgress, Outcome
from aiozbilling.fleet.processes import export_in_processes
from aiozbilling.fleet.summary import Summary
from aiozbilling.fleet.workers import Plan, export_accounts

__all__ = ["fleet"]


def fleet(
    accounts: Accounts,
    what: FleetList,
    out: str | PathLike[str],
    *,
    format: FileFormat = "parquet",  # noqa: A002 - the word that users know
    workers: int = 8,
    processes: int = 1,
    only: Sequence[str] = (),
    rate_limit: Limiter | None = AIOZ_RATE_LIMIT,
    incremental: bool = False,
    on_progress: Callable[[FleetProgress], object] | None = None,
) -> AsyncGenerator[Outcome, None]:
    """Export one list of many accounts to one dataset, and iterate the outcomes as accounts end.

    The dataset is ``out/top_ups/account=LABEL/part-00001.parquet``, with totals in ``out/_fleet.json``. A failed
    account does not stop the others. After a run that ended in any way, call it again with the same arguments: complete
    accounts are skipped, partial ones are resumed, and failed ones are retried.

    Args:
        accounts: path of the accounts file, or accounts. Accounts of other systems than AIOZ are ignored, because they
            have no such list.
        what: ``"top_ups"`` or ``"history"``.
        out: folder of the dataset, which is created if it does not exist. Both lists may share it.
        format: format of the parts.
        workers: accounts that one process reads at a time.
        processes: number of processes that share the accounts, including this one. Each account is read by one process
            only, so that its rate limit holds. The other processes import the main module of your program, so
            what it runs must be below ``if __name__ == "__main__":``.
        only: patterns of labels, such as ``["eu-*"]``. Default: all accounts.
        rate_limit: rate limit of each account, or None. A `SharedRateLimit` also counts the requests of other programs
            and of earlier runs.
        incremental: also read complete accounts, and add their new top-ups as an additional part. If rows were removed,
            or a row on the first page was corrected, the whole account is exported again. A history is always exported
            again, because its latest day changes.
        on_progress: called with a `FleetProgress` after each page and each account.

    Raises:
        ConfigurationError: an argument or the accounts file is invalid, two accounts have the same key, or the folder
            has parts in another format.
        ExportError: the folder can't be written.
        ExportLockedError: another fleet is writing to the folder.
    """
    refuse_bad_count("workers", workers)
    refuse_bad_count("processes", processes)
    chosen = [one for one in selected(accounts_of(accounts), only) if one.system == "aioz"]
    if not chosen:
        raise ConfigurationError("no account of AIOZ is selected")
    plan = Plan(Layout(Path(out).absolute(), what, format), min(workers, len(chosen)), rate_limit, incremental)
    return _outcomes(chosen, plan, min(processes, len(chosen)), on_progress or (lambda _progress: None))


async def _outcomes(
    accounts: Sequence[Account], plan: Plan, processes: int, on_progress: Callable[[FleetProgress], object]
) -> AsyncGenerator[Outcome, None]:
    secrets = await resolved_secrets(accounts)
    count = Count(len(accounts), on_progress)
    async with _dataset(plan.layout) as dataset:
        queue: asyncio.Queue[Outcome] = asyncio.Queue()
        if processes > 1:
            work = export_in_processes(accounts, secrets, processes, plan, queue.put_nowait, count.read)
        else:
            work = export_accounts(accounts, secrets, plan, queue.put_nowait, count.read)
        driver = asyncio.create_task(work)
        try:
            for _ in accounts:
                outcome = await dataset.checked(await _next(queue, driver))
                count.ended(outcome)
                yield outcome
        finally:
            driver.cancel()
            await asyncio.gather(driver, return_exceptions=True)
            await in_thread(dataset.summary.save, dataset.disk, [account.label for account in accounts])


async def _next(queue: asyncio.Queue[Outcome], driver: asyncio.Task[None]) -> Outcome:
    """Wait for an outcome, or raise the error that ended the workers."""
    coming = asyncio.ensure_future(queue.get())
    try:
        await asyncio.wait((coming, driver), return_when=asyncio.FIRST_COMPLETED)
        if not coming.done() and queue.empty():
            driver.result()
        return await coming
    finally:
        coming.cancel()


@attrs.define(eq=False)
class _Dataset:
    """The folder while its lock is held."""

    layout: Layout
    disk: Disk
    summary: Summary

    async def checked(self, outcome: Outcome) -> Outcome:
        """Fail the account if its manifest is damaged, or if another label has the same rows."""
        label = outcome.account
        try:
            owner = await in_thread(self.summary.refresh, label)
        except ExportError as damage:
            return attrs.evolve(outcome, status="failed", error=outcome.error or damage)
        if owner is None:
            return outcome
        error = ExportError(
            f"account {label!r} has the same rows as account {owner!r}",
            path=str(self.layout.parts(label)),
            hint="Two labels mean the same account: remove one of them from the accounts file",
        )
        await in_thread(self._withdraw, outcome, error)
        return Outcome(account=label, status="failed", error=error, tags=outcome.tags)

    def _withdraw(self, outcome: Outcome, error: ExportError) -> None:
        path = self.layout.manifest(outcome.account)
        state = ListState(status="failed", format=self.layout.format, error=explained(error))
        with failures_named(path):
            AccountManifest.load(path, outcome.account).with_list(self.layout.list, state, dict(outcome.tags)).save(
                self.disk, path
            )
            shutil.rmtree(self.layout.parts(outcome.account))
        self.summary.refresh(outcome.account)


@asynccontextmanager
async def _dataset(layout: Layout) -> AsyncIterator[_Dataset]:
    held, dataset = ExitStack(), _Dataset(layout, Disk(), Summary(layout))

    def begin() -> None:
        with failures_named(layout.root):
            layout.root.mkdir(parents=True, exist_ok=True)
            try:
                held.enter_context(dataset.disk.locked(layout.lock))
            except ExportLockedError as error:
                reason = error.reason.replace("this file", "to this folder")
                raise ExportLockedError(reason, path=str(layout.root), hint=error.hint) from None
            for left in (*layout.root.glob("_fleet.json.*.tmp"), *layout.manifests.glob("*.tmp")):
                left.unlink(missing_ok=True)  # half-written by a run that was killed
            if not layout.salt.exists():
                layout.manifests.mkdir(exist_ok=True)
                write_whole(dataset.disk, layout.salt, os.urandom(32))
            dataset.summary.load()
            dataset.summary.refuse_other_format()

    try:
        await in_thread(begin)
        yield dataset
    finally:
        await in_thread(held.close)
