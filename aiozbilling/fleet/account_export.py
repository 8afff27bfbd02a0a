"""One list of one account, exported to its folder of the dataset. Every step can be repeated after a crash."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from aiozbilling.clients.aioz import AiozBilling
from aiozbilling.errors import AiozBillingError, ConfigurationError, ExportLockedError
from aiozbilling.export.checkpoint import Names
from aiozbilling.export.disk import Disk, failures_named
from aiozbilling.export.in_thread import in_thread
from aiozbilling.export.job import export
from aiozbilling.fleet.accounts import Account
from aiozbilling.fleet.layout import Layout
from aiozbilling.fleet.manifest import AccountManifest, ListState, Part
from aiozbilling.fleet.outcome import Outcome
from aiozbilling.listing.listing import Listing

__all__ = ["AccountExport", "explained"]

_ENDING_S = 5.0


@attrs.define(eq=False)
class AccountExport:
    """Brings one list of one account to the dataset.

    Rows are exported to a file in the work folder, which resumes after any interruption. The complete file becomes a
    part by a rename, and then the account's manifest lists it. A run that finds a complete file in the work folder, or
    a part that the manifest doesn't list yet, does the missing steps.
    """

    account: Account
    opened: Callable[[], AiozBilling]
    layout: Layout
    concurrency: int
    disk: Disk = attrs.field(factory=Disk)

    async def run(self, on_rows: Callable[[int], object]) -> Outcome:
        """Do it, and return what became of it: an error of this account is part of the outcome."""
        try:
            state = await in_thread(self._state)
            if state is not None and state.status == "complete":
                await in_thread(self._clear)
                return self._outcome(state, new_rows=0)
            await in_thread(self._prepare)
            if not await in_thread(self._is_exported):
                await self._export(on_rows)
            state = await in_thread(self._publish)
            return self._outcome(state, new_rows=state.rows)
        except Exception as error:
            return await self._failed(error)

    async def _export(self, on_rows: Callable[[int], object]) -> None:
        until = time.monotonic() + _ENDING_S
        while True:
            try:
                await export(
                    self._listing(),
                    self._staged,
                    format=self.layout.format,
                    on_progress=lambda progress: on_rows(progress.rows),
                )
            except ExportLockedError:  # a process of a run that was killed is still ending
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(_ENDING_S / 20)
            else:
                return

    @property
    def _staged(self) -> Path:
        return self.layout.staged(self.account.label)

    def _listing(self) -> Listing[Any]:
        billing = self.opened()
        begin = billing.top_ups if self.layout.list == "top_ups" else billing.history_usage
        return begin(concurrency=self.concurrency)

    def _outcome(self, state: ListState, *, new_rows: int, error: Exception | None = None) -> Outcome:
        return Outcome(
            account=self.account.label,
            status=state.status,
            rows=state.rows,
            new_rows=new_rows,
            usd=state.usd,
            amounts=state.amounts,
            error=error,
            tags=self.account.tags,
        )

    async def _failed(self, error: Exception) -> Outcome:
        before = ListState(status="failed", format=self.layout.format)
        try:
            state = await in_thread(self._note_failure, error)
        except Exception:  # the disk that failed may fail again; the first error says why
            state = before
        return self._outcome(state, new_rows=0, error=error)

    # What blocks, and so runs in a thread.

    def _manifest(self) -> AccountManifest:
        with failures_named(self.layout.manifest(self.account.label)):
            return AccountManifest.load(self.layout.manifest(self.account.label), self.account.label)

    def _state(self) -> ListState | None:
        """Return what the manifest says, as far as its parts are there."""
        state = self._manifest().lists.get(self.layout.list)
        if state is None or not state.parts:
            return state
        if state.format != self.layout.format:
            raise ConfigurationError(
                f"account {self.account.label!r} was exported as {state.format}: give another folder for"
                f" {self.layout.format}"
            )
        folder = self.layout.parts(self.account.label)
        missing = [part.file for part in state.parts if self.disk.size(folder / part.file) != part.bytes]
        return None if missing else state

    def _prepare(self) -> None:
        with failures_named(self._staged):
            self._staged.parent.mkdir(parents=True, exist_ok=True)

    def _is_exported(self) -> bool:
        names = Names(self._staged)
        return self.disk.exists(names.manifest) and not self.disk.exists(names.checkpoint)

    def _publish(self) -> ListState:
        """Make the complete file a part, and list it in the manifest."""
        target = self.layout.part(self.account.label, 1)
        with failures_named(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = _part(Names(self._staged).manifest, target.name)
            if self.disk.exists(self._staged):
                self.disk.replace(self._staged, target)
                self.disk.sync_folder(target.parent)
        state = ListState(status="complete", format=self.layout.format, parts=(part,))
        self._save(state)
        self._clear()
        return state

    def _clear(self) -> None:
        """Remove what is needed no more; a run that was killed before this leaves it."""
        with failures_named(self._staged), suppress(FileNotFoundError):
            shutil.rmtree(self._staged.parent)

    def _note_failure(self, error: Exception) -> ListState:
        before = self._manifest().lists.get(self.layout.list)
        state = before or ListState(status="failed", format=self.layout.format)
        state = attrs.evolve(state, status="failed", error=explained(error))
        self._save(state)
        with suppress(OSError):
            self.layout.work(self.account.label).rmdir()  # nothing was read
        return state

    def _save(self, state: ListState) -> None:
        path = self.layout.manifest(self.account.label)
        manifest = self._manifest().with_list(self.layout.list, state, dict(self.account.tags))
        with failures_named(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            manifest.save(self.disk, path)


def explained(error: Exception) -> tuple[str, str]:
    """Return the class and the message of an error; of a foreign one no message, as nobody knows what is in it."""
    return type(error).__name__, str(error) if isinstance(error, AiozBillingError) else ""


def _part(manifest: Path, name: str) -> Part:
    facts = json.loads(manifest.read_bytes())
    sums = facts["sums"]
    return Part(
        file=name,
        rows=facts["rows"],
        bytes=facts["bytes"],
        sha256=facts["sha256"],
        usd=Decimal(sums.pop("usd")),
        amounts={denom: Decimal(of_denom["amount"]) for denom, of_denom in sums.items()},
        cursor=facts["cursor"],
    )
