"""Exports one list of one account to its folder in the dataset."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import attrs

from aiozbilling.clients.aioz import AiozBilling
from aiozbilling.errors import ExportError, ExportLockedError
from aiozbilling.export.in_thread import in_thread
from aiozbilling.export.job import export
from aiozbilling.fleet.account_files import AccountFiles, Start
from aiozbilling.fleet.changes import Changes, Place
from aiozbilling.fleet.latest_rows import LatestRows
from aiozbilling.fleet.manifest import ListState
from aiozbilling.fleet.outcome import Outcome
from aiozbilling.listing.listing import Listing
from aiozbilling.listing.page import Page
from aiozbilling.records import TopUp

__all__ = ["AccountExport"]

_ENDING_S = 5.0
_MOST_LOST = 10  # so many rows may be missing at once, even from a short list


@attrs.define(eq=False)
class AccountExport:
    """Exports one list of one account.

    Rows are first exported to a file in the work folder; the export of a whole list can be resumed after any
    interruption. Then the complete file is renamed to a part, and the account's manifest lists the part. A run that
    finds a complete file in the work folder, or a part that the manifest doesn't list yet, does the remaining steps.
    """

    files: AccountFiles
    opened: Callable[[], AiozBilling]
    concurrency: int
    incremental: bool

    async def run(self, on_rows: Callable[[int], object]) -> Outcome:
        """Export the account and return its outcome, which contains the error if the account failed."""
        try:
            billing = self.opened()
            start = await in_thread(self.files.begin, billing, incremental=self.incremental)
            state = await self._up_to_date(billing, start, on_rows)
            return self._outcome(state, start.before)
        except Exception as error:
            return await self._failed(error)

    async def _up_to_date(self, billing: AiozBilling, start: Start, on_rows: Callable[[int], object]) -> ListState:
        """Export what is missing, and return the state of the list."""
        before = start.before
        if before is not None and start.is_done:
            return before
        # The history, one or two pages, is read again as a whole: days have no id, and the latest one changes.
        if before is not None and before.parts and before.place is not None and self._is_top_ups:
            state = await self._with_new(billing, start.key, before, before.place, on_rows)
            if state is not None:
                return state
        latest = LatestRows(billing.top_ups if self._is_top_ups else billing.history_usage)
        staged = self.files.staged("all")
        # A history from an earlier version has no checksums to compare.
        if not self._is_top_ups and before is not None and before.latest and before.key != start.key:
            latest = LatestRows(billing.history_usage, before.latest)
            await self._export(latest.begin(concurrency=self.concurrency), staged, on_rows, is_resumed=False)
            await self._refuse_other_account(latest)
        elif not start.is_exported:
            await self._export(latest.begin(concurrency=self.concurrency), staged, on_rows)
        return await in_thread(self.files.publish_all, staged, start.key, latest.checksums)

    async def _with_new(
        self, billing: AiozBilling, key: str, before: ListState, place: Place, on_rows: Callable[[int], object]
    ) -> ListState | None:
        """Add a part with the new rows, or return None if other rows changed too and the whole list must be read."""
        is_comparable = bool(before.latest) or not before.rows
        if not is_comparable and key == before.key:
            return None
        staged = self.files.staged("new")
        latest = LatestRows(billing.top_ups, before.latest)
        changes = Changes(latest.begin, TopUp, place, corrected=False)
        await self._export(NewRows(billing.top_ups(), changes), staged, on_rows, is_resumed=False)
        if before.latest and key != before.key:
            await self._refuse_other_account(latest)
        self._refuse_loss(before, place.rows + changes.new, changes.place.rows)
        if not is_comparable or latest.corrected or changes.place.rows != place.rows + changes.new:
            return None
        return await in_thread(self.files.publish_new, staged, key, before, changes.place, latest.checksums)

    async def _refuse_other_account(self, latest: LatestRows) -> None:
        """Raise an error unless a row is the same as before: with a new key, the rows may be another account's."""
        if not latest.same:
            await in_thread(self.files.clear)
            rows = "top-ups" if self._is_top_ups else "days with a cost"
            raise ExportError(
                f"with this new key, none of the latest {rows} is the same as in the dataset",
                path=str(self.files.layout.parts(self.files.account.label)),
                hint="If this is another account, use another label for it. If it is the same one, remove this folder"
                " and run again to export it anew",
            )

    def _refuse_loss(self, before: ListState, expected: int, found: int) -> None:
        """Raise an error if most rows are missing at once, because this may be a failure of the server."""
        if expected - found > max(_MOST_LOST, found):
            raise ExportError(
                f"the list has {found:,} rows, but the dataset has {before.rows:,}",
                path=str(self.files.layout.parts(self.files.account.label)),
                hint="If the provider removed them, remove this folder and run again to export the whole account",
            )

    async def _export(
        self, listing: Listing[Any], staged: Path, on_rows: Callable[[int], object], *, is_resumed: bool = True
    ) -> None:
        until = time.monotonic() + _ENDING_S
        while True:
            try:
                if not is_resumed:
                    await in_thread(self.files.discard, staged)
                await export(listing, staged, on_progress=lambda progress: on_rows(progress.rows))
            except ExportLockedError:  # a process of a killed run may not have ended yet
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(_ENDING_S / 20)
            except Exception as error:
                if not is_resumed:  # the note says that the rows are kept
                    error.__dict__.pop("__notes__", None)
                raise
            else:
                return

    @property
    def _is_top_ups(self) -> bool:
        return self.files.layout.list == "top_ups"

    def _outcome(self, state: ListState, before: ListState | None) -> Outcome:
        return Outcome(
            account=self.files.account.label,
            status=state.status,
            rows=state.rows,
            new_rows=max(0, state.rows - (0 if before is None else before.rows)),
            usd=state.usd,
            amounts=state.amounts,
            tags=self.files.account.tags,
            is_rewritten=self._is_top_ups and _is_rewritten(state, before),
        )

    async def _failed(self, error: Exception) -> Outcome:
        try:
            state = await in_thread(self.files.note_failure, error)
        except Exception:  # the disk may fail again; the first error is the one to report
            state = ListState(status="failed", format=self.files.layout.format)
        return attrs.evolve(self._outcome(state, state), error=error)


def _is_rewritten(state: ListState, before: ListState | None) -> bool:
    return before is not None and bool(before.parts and state.parts) and state.parts[0] != before.parts[0]


class NewRows(Listing[Any]):
    """The rows of a list that are new since a place, for `export`.

    An interrupted export of them is not resumed, because `changes` must read the list.
    """

    def __init__(self, listing: Listing[Any], changes: Changes) -> None:
        self._changes = changes
        self.__dict__.update(listing.__dict__)

    async def pages(self) -> AsyncGenerator[Page[Any], None]:
        """Iterate the new rows."""
        async with aclosing(self._changes.rows()) as batches:
            async for rows in batches:
                yield Page(rows, 0, self._changes.place.rows)
