"""Exports one list to one file, which is complete or absent after any interruption."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

import attrs

from aiozbilling.errors import ConfigurationError, DriftError, ExportError, IncompleteError, ListingError
from aiozbilling.exchange.checks import refuse_bad_label
from aiozbilling.exchange.observer import watched
from aiozbilling.export.checkpoint import Checkpoint, Names
from aiozbilling.export.disk import Disk, failures_named
from aiozbilling.export.facts import Facts
from aiozbilling.export.formats import Format, encoding, format_of
from aiozbilling.export.in_thread import in_thread
from aiozbilling.export.manifest import ExportReport
from aiozbilling.export.part import PartFile, digest
from aiozbilling.export.publish import left_unnamed, publish, refuse_foreign, refuse_taken
from aiozbilling.export.saver import Saver
from aiozbilling.export.span import Moment, Span
from aiozbilling.export.totals import Progress, Totals, change_since
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.listing import Listing
from aiozbilling.listing.misuse import refuse_no_listing
from aiozbilling.listing.window import Consistency
from aiozbilling.tables.focus import focus_table
from aiozbilling.tables.table import table_of

__all__ = ["export"]

_SHORT = "Try again later. To start again with the rows that are left, remove"
_LOST = "Is this the account and the list that the export was begun with? To start again, remove"


async def export(
    listing: Listing[Any],
    path: str | PathLike[str],
    *,
    format: Format | None = None,  # noqa: A002 - the usual name
    since: Moment | None = None,
    until: Moment | None = None,
    stop_early: bool = False,
    account: str | None = None,
    overwrite: bool = False,
    on_progress: Callable[[Progress], object] | None = None,
) -> ExportReport:
    """Write a whole list to a file: CSV, JSON Lines, Parquet or SQLite.

    The file gets its name when it is complete. After any interruption, call this again with the same arguments: it
    resumes, and writes the same file as without the interruption. Until then the files ``.part`` and ``.checkpoint``
    are next to it. Afterwards ``_NAME.manifest.json`` has the facts of the report.

    Args:
        listing: ``billing.top_ups()`` or ``billing.history_usage()``, with any options.
        path: path of the file; its folder must exist.
        format: format of the file; by default the suffix of the path decides. ``"focus"`` writes daily costs in the
            columns of FOCUS 1.2, as CSV or Parquet by the suffix.
        since: keep rows from this time on: a datetime with a time zone or its ISO text, the first instant of a day, or
            of a month such as ``"2026-10"``. With `since` or `until`, rows without a time are left out.
        until: keep rows before this time, or to the end of this day or month.
        stop_early: with `since`, stop reading once a whole page is before `since`, if all rows so far came newest
            first. A list in another order is read to its end. The report and the manifest say whether it stopped.
        account: label of the account, for the manifest and for FOCUS.
        overwrite: replace a file of that name once the new one is complete.
        on_progress: called with a `Progress` after each page.

    Raises:
        ConfigurationError: an argument is invalid, or an extra is missing.
        ExportError: the file exists, its folder does not, a file next to it is not ours, or the disk fails.
        ExportLockedError: another export is writing this file.
        CheckpointError: the files next to it belong to another export or account, or were damaged.
        AiozBillingError: the list could not be read. The rows so far are kept, and the next call resumes after them.
    """
    refuse_no_listing(listing)
    span = Span.between(since, until)
    if stop_early and span.since is None:
        raise ConfigurationError("stop_early needs since")
    _check_folder(Path(path))
    job = Job(listing, Path(path), format, span, stop_early=stop_early, account=account, overwrite=overwrite)
    return await watched("export", listing.endpoint, job.run(on_progress or (lambda _progress: None)), _figures)


def _figures(report: ExportReport) -> dict[str, str | int]:
    return {"rows": report.rows, "consistency": report.consistency}


class Job:
    """One export, from taking the lock to writing the manifest."""

    def __init__(
        self,
        listing: Listing[Any],
        path: Path,
        format: str | None,  # noqa: A002
        span: Span,
        *,
        stop_early: bool = False,
        account: str | None = None,
        overwrite: bool,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        _check_name(path)
        if account:
            refuse_bad_label(account)
        self._listing = listing
        self._names = Names(Path(os.path.realpath(path)))  # a file and a link to it have the same lock
        self._span = span
        self._stop_before = span.since if stop_early else None
        self._overwrite = overwrite
        self._disk = disk or Disk()
        self._table = focus_table(listing.endpoint, account) if format == "focus" else table_of(listing.endpoint)
        name = format_of(path, format)
        parameters = {
            **listing.parameters,
            "format": name,
            "account": account,
            "columns": [column.name for column in self._table.columns],
            "since": _iso(span.since),
            "until": _iso(span.until),
            "stop_early": stop_early,
        }
        self._part = PartFile(self._disk, self._names, encoding(name, self._table))
        facts = Facts(started_at=datetime.now(UTC), key_salt=secrets.token_hex(16))
        new = Checkpoint(parameters=parameters, totals=Totals(facts=facts))
        self._saver = Saver(self._part, new, clock)

    async def run(self, on_progress: Callable[[Progress], object]) -> ExportReport:
        """Run the export to its end, or resume it."""
        async with self._begun():
            if self._saver.checkpoint.stage == "reading":
                await self._read(on_progress)
            return await in_thread(self._finish)

    @asynccontextmanager
    async def _begun(self) -> AsyncIterator[None]:
        stack = ExitStack()
        try:
            await in_thread(self._begin, stack)
            yield
        finally:
            await in_thread(self._release, stack)

    async def _read(self, on_progress: Callable[[Progress], object]) -> None:
        saver, before = self._saver, self._saver.checkpoint.totals
        left = None if self._saver.checkpoint.cursor is None else Cursor.parse(self._saver.checkpoint.cursor)
        listing = self._listing if left is None else self._listing.resumed(left, handed_out=before.read)
        totals = before.of_next_run(listing.host, self._fingerprint(before.facts))
        try:
            async with aclosing(listing.pages()) as pages:
                async for page in pages:
                    saver.counted = saver.counted or page.total
                    if left is not None:
                        nulls = listing.report.null_rows_skipped
                        before = self._compared(before, change_since(left, page.offset, page.total, nulls))
                        left = None
                    totals = self._take(page.items, totals.with_walk(before, listing.report))
                    if saver.is_due:
                        await saver.write(totals, listing.cursor)
                    on_progress(_progress(totals, before, page.total))
                    if totals.facts.stopped_early:
                        break
            if left is not None and listing.report.total_last is not None:
                before = self._compared(before, change_since(left, left.position + 1, listing.report.total_last, 0))
            totals = totals.with_walk(before, listing.report)
            await saver.finish(totals, listing.cursor)
        except ExportError:
            raise
        except BaseException as error:
            if saver.has_waiting:
                await saver.write(totals, listing.cursor)
            if isinstance(error, ListingError) and left is not None:
                error.hint = self._hint(_SHORT if isinstance(error, IncompleteError) else _LOST)
            await self._keep(error)
            raise

    def _fingerprint(self, facts: Facts) -> str:
        return self._listing.fingerprint(bytes.fromhex(facts.key_salt))

    def _hint(self, text: str) -> str:
        return f"{text} {self._names.part} and {self._names.checkpoint}"

    def _compared(self, before: Totals, seen: tuple[Consistency, bool]) -> Totals:
        """Return the totals with how the list changed between the two runs."""
        consistency, is_append = seen
        if not is_append and self._listing.on_drift == "raise":
            raise DriftError("the list changed between two runs of this export", hint=self._hint(_LOST))
        return before.with_change(consistency)

    def _take(self, rows: Sequence[Any], totals: Totals) -> Totals:
        """Count the rows of a page, and encode those in the span."""
        try:
            times = list(map(self._table.time, rows))
            totals = totals.with_page(times, self._stop_before)
            if self._span:
                rows, times = self._span.kept(rows, times)
            totals = totals.with_rows(rows, times)
            if rows:
                self._saver.add(self._table.cells(rows))
        except BaseException:
            self._saver.discard()  # the cursor is after a page that is not written
            raise
        return totals

    async def _keep(self, error: BaseException) -> None:
        """Make the rows that were read durable. If there are none, remove the files."""
        await self._saver.commit()
        read = self._saver.checkpoint.totals.read
        if not read:
            await in_thread(self._forget)
        elif isinstance(error, Exception) and getattr(error, "hint", None) != self._hint(_LOST):
            error.add_note(f"{read} rows were read and are kept: run the same export again to resume after them")

    # The methods from here on block, so they run in a thread.

    def _begin(self, stack: ExitStack) -> None:
        with failures_named(self._names.final):
            stack.enter_context(self._disk.locked(self._names.lock))
            self._sweep()
            is_resumed = self._disk.exists(self._names.checkpoint)
            refuse_foreign(self._disk, self._names, is_resumed=is_resumed)
            checkpoint, found = self._saver.checkpoint, Checkpoint.load(self._disk, self._names)
            if found is not None:
                found.check(checkpoint.parameters, self._names.final)
                found.check_key(self._fingerprint(found.totals.facts), self._names.final)
                self._saver.checkpoint = checkpoint = found
            if checkpoint.stage != "sealed":
                refuse_taken(self._disk, self._names, overwrite=self._overwrite)
                if found is None:
                    checkpoint.save(self._disk, self._names)
                self._saver.open(checkpoint)

    def _release(self, stack: ExitStack) -> None:
        with stack:
            self._part.close()

    def _sweep(self) -> None:
        """Remove the temporary files of runs that were killed. No other run uses them, since we hold the lock."""
        begun = (f"{self._names.checkpoint.name}.", f"{self._names.manifest.name}.")
        for name in self._disk.names(self._names.final.parent):
            if name.startswith(begun) and name.endswith(".tmp"):
                self._disk.remove(self._names.final.with_name(name))

    def _forget(self) -> None:
        """Remove the files of an export that read no row."""
        self._part.close()
        with failures_named(self._names.final):
            for path in (self._names.part, self._names.checkpoint):
                if self._disk.exists(path):
                    self._disk.remove(path)
                    self._disk.sync_folder(path.parent)

    def _finish(self) -> ExportReport:
        sealed = self._saver.checkpoint
        with failures_named(self._names.part):
            if sealed.stage == "sealed":
                unnamed = left_unnamed(self._disk, self._names, sealed)
            else:
                unnamed = self._part.seal()
                if unnamed != self._names.part:  # the checkpoint has the digest of the part file
                    size, sha256 = digest(self._disk, unnamed)
                    sealed = attrs.evolve(sealed, size=size, sha256=sha256)
                sealed = attrs.evolve(sealed, stage="sealed")
                sealed.save(self._disk, self._names)
        with failures_named(self._names.final):
            return publish(self._disk, self._names, sealed, unnamed, overwrite=self._overwrite)


def _check_name(path: Path) -> None:
    with failures_named(path):
        if path.is_dir():
            raise ConfigurationError(f"{path} is a folder: pass the path of a file")
        if path.exists() and not path.is_file():  # replaced by root, /dev/null would be lost for every program
            raise ConfigurationError(f"{path} is a device, a pipe or a socket: pass the path of a file")
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"the file name {os.fsencode(path)!r} is not UTF-8: choose another one") from None


def _check_folder(path: Path) -> None:
    with failures_named(path):
        if not path.absolute().parent.is_dir():
            raise ExportError("the folder does not exist", path=str(path), hint="Create it, or choose another folder")


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _progress(totals: Totals, before: Totals, total: int) -> Progress:
    return Progress(rows=totals.facts.rows, read=totals.read, resumed=before.read, total=total, pages=totals.pages)
