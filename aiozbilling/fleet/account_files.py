"""The files of one account, and the steps that turn an exported file into a part. All functions block."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import attrs

from aiozbilling.clients.aioz import AiozBilling
from aiozbilling.errors import AiozBillingError
from aiozbilling.export.checkpoint import Names
from aiozbilling.export.disk import Disk, failures_named
from aiozbilling.export.manifest import denom_of
from aiozbilling.fleet.accounts import Account
from aiozbilling.fleet.changes import Place
from aiozbilling.fleet.layout import Layout
from aiozbilling.fleet.manifest import AccountManifest, ListState, Part
from aiozbilling.listing.cursor import Cursor

__all__ = ["AccountFiles", "Start", "explained"]


@attrs.frozen
class Start:
    """The files of an account at the start of a run.

    Attributes:
        key: fingerprint of the credentials of this run.
        before: state in the manifest, or None if there is none or a part is missing.
        is_done: whether nothing is left to do.
        is_exported: whether there is a complete export that is not a part yet.
    """

    key: str
    before: ListState | None
    is_done: bool
    is_exported: bool


@attrs.define(eq=False)
class AccountFiles:
    """The files of one account. Each step can be repeated after a crash; a manifest is written after its files."""

    account: Account
    layout: Layout
    disk: Disk = attrs.field(factory=Disk)

    @cached_property
    def manifest(self) -> AccountManifest:
        """The account's manifest, which is read once."""
        return AccountManifest.load(self.layout.manifest(self.account.label), self.account.label)

    def staged(self, name: str) -> Path:
        """Return the path of an export before it becomes a part."""
        return self.layout.staged(self.account.label, name)

    def begin(self, billing: AiozBilling, *, incremental: bool) -> Start:
        """Read the state of the account, and prepare the work folder unless nothing is left to do."""
        before, key = self.state(), self.key(billing)
        is_done = before is not None and before.status == "complete" and before.key == key and not incremental
        if is_done:
            self.clear()
        else:
            self.prepare(key)
        return Start(key, before, is_done, self.is_exported(self.staged("all")))

    def key(self, billing: AiozBilling) -> str:
        """Return the fingerprint of a client's credentials under the salt of the folder."""
        with failures_named(self.layout.salt):
            return billing.fingerprint(self.layout.salt.read_bytes())

    def state(self) -> ListState | None:
        """Return the state in the manifest, or None if a part is missing. Remove files that are not in the manifest."""
        state = self.manifest.lists.get(self.layout.list)
        if state is None or not state.parts:
            return state
        folder = self.layout.parts(self.account.label)
        if any(self.disk.size(folder / part.file) != part.bytes for part in state.parts):
            return None
        self._remove_others({part.file for part in state.parts})
        return state

    def prepare(self, key: str) -> None:
        """Create the work folder. Remove an unfinished export with other credentials: it may be another account's."""
        work = self.layout.work(self.account.label)
        mark = work / "key"
        with failures_named(work):
            if not mark.exists() or mark.read_bytes() != key.encode():
                with suppress(FileNotFoundError):
                    shutil.rmtree(work)
                work.mkdir(parents=True)
                mark.write_text(key, encoding="ascii")

    def discard(self, staged: Path) -> None:
        """Remove what an interrupted run left of an export.

        Raises:
            ExportLockedError: a process is still writing it.
        """
        names = Names(staged)
        with failures_named(staged), self.disk.locked(names.lock):
            for path in (names.final, names.manifest, names.part, names.ready, names.checkpoint):
                if self.disk.exists(path):
                    self.disk.remove(path)

    def is_exported(self, staged: Path) -> bool:
        """Return whether there is a complete export that is not a part yet."""
        names = Names(staged)
        return self.disk.exists(names.manifest) and not self.disk.exists(names.checkpoint)

    def publish_all(self, staged: Path, key: str, latest: bytes) -> ListState:
        """Turn a complete file into the only part. `latest` contains the checksums of its latest rows.

        The work folder is removed.
        """
        before = self.manifest.lists.get(self.layout.list)
        target = self.layout.part(self.account.label, 1)
        if before is not None and len(before.parts) > 1:  # no part is valid until all are replaced
            self._save(attrs.evolve(before, status="failed", parts=()))
            self._remove_others({target.name})
        part = self._published(staged, target)
        state = ListState(
            status="complete",
            format=self.layout.format,
            key=key,
            parts=(part,),
            place=_place(part.cursor),
            latest=latest,
        )
        self._save(state)
        self.clear()
        return state

    def publish_new(self, staged: Path, key: str, before: ListState, place: Place, latest: bytes) -> ListState:
        """Turn a complete file into an additional part, if it has rows. The work folder is removed."""
        target = self.layout.part(self.account.label, int(Path(before.parts[-1].file).stem[-5:]) + 1)
        part = _part(staged, target.name)
        parts = (*before.parts, self._published(staged, target)) if part.rows else before.parts
        state = attrs.evolve(before, status="complete", key=key, parts=parts, place=place, error=None, latest=latest)
        if state != before:
            self._save(state)
        self.clear()
        return state

    def note_failure(self, error: Exception) -> ListState:
        """Record a failure. Complete parts stay, and so do rows that were read."""
        state = self.manifest.lists.get(self.layout.list) or ListState(status="failed", format=self.layout.format)
        state = attrs.evolve(state, status="failed", error=explained(error))
        self._save(state)
        self._clear_empty()
        return state

    def clear(self) -> None:
        """Remove the work folder, if it exists."""
        work = self.layout.work(self.account.label)
        with failures_named(work), suppress(FileNotFoundError):
            shutil.rmtree(work)

    def _clear_empty(self) -> None:
        """Remove the work folder if no row was read."""
        work = self.layout.work(self.account.label)
        if work.exists() and not any(path.suffix in (".part", ".checkpoint") for path in work.iterdir()):
            self.clear()

    def _published(self, staged: Path, target: Path) -> Part:
        with failures_named(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = _part(staged, target.name)
            if self.disk.exists(staged):
                self.disk.replace(staged, target)
                self.disk.sync_folder(target.parent)
        return part

    def _remove_others(self, listed: set[str]) -> None:
        folder = self.layout.parts(self.account.label)
        with failures_named(folder), suppress(FileNotFoundError):
            for name in self.disk.names(folder):
                if name not in listed:
                    self.disk.remove(folder / name)

    def _save(self, state: ListState) -> None:
        path = self.layout.manifest(self.account.label)
        self.manifest = self.manifest.with_list(self.layout.list, state, dict(self.account.tags))
        with failures_named(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self.manifest.save(self.disk, path)


def explained(error: Exception) -> tuple[str, str]:
    """Return the class and the message of an error. A foreign message is left out, because it may hold a secret."""
    return type(error).__name__, str(error) if isinstance(error, AiozBillingError) else ""


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    read = Cursor.parse(cursor)
    return Place(grows_at=None, rows=read.total, head=read.head, tail=read.anchors, blocks={})


def _part(staged: Path, name: str) -> Part:
    """Return an export as the part with this name, by the manifest of the export."""
    facts = json.loads(Names(staged).manifest.read_bytes())
    sums = facts["sums"]
    return Part(
        file=name,
        rows=facts["rows"],
        bytes=facts["bytes"],
        sha256=facts["sha256"],
        usd=Decimal(sums.pop("usd")),
        amounts={denom_of(key): Decimal(of_denom["amount"]) for key, of_denom in sums.items()},
        cursor=facts["cursor"],
    )
