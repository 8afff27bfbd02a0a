"""The summary of a dataset: totals, one status per account, and detection of labels that mean the same account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import msgspec

from aiozbilling.errors import AiozBillingError, ConfigurationError
from aiozbilling.export.disk import Disk, failures_named, write_whole
from aiozbilling.fleet.latest_rows import differ
from aiozbilling.fleet.layout import Layout
from aiozbilling.fleet.manifest import AccountManifest, ListState
from aiozbilling.listing.cursor import Cursor
from aiozbilling.records.texts import decimal_text, time_text

__all__ = ["Summary"]

_FEWEST_DAYS = 7  # fewer equal days do not prove that two accounts are the same


@attrs.define(eq=False)
class Summary:
    """The latest state of every account in a folder. All methods block."""

    layout: Layout
    _lists: dict[str, dict[str, ListState]] = attrs.field(factory=dict, init=False)
    _owners: dict[str, list[str]] = attrs.field(factory=dict, init=False)

    def load(self) -> None:
        """Read the manifests of all accounts. A damaged one is ignored here; its account's export reports it."""
        for path in sorted(self.layout.manifests.glob("*.json")):
            try:
                manifest = AccountManifest.load(path, path.stem)
                self._add(manifest, _marks(manifest.lists.get(self.layout.list)))
            except AiozBillingError:
                continue

    def refuse_other_format(self) -> None:
        """Refuse to write parts in another format than those in the folder: no reader takes both as one table.

        Raises:
            ConfigurationError: the parts of an account have another format.
        """
        for label, lists in self._lists.items():
            state = lists.get(self.layout.list)
            if state is not None and state.parts and state.format != self.layout.format:
                raise ConfigurationError(
                    f"{self.layout.root} has account {label!r} as {state.format}: use another folder for"
                    f" {self.layout.format}"
                )

    def refresh(self, label: str) -> str | None:
        """Read the manifest of one account again. If another account has the same rows, return its label.

        Raises:
            ExportError: the manifest is damaged or can't be read.
        """
        manifest = AccountManifest.load(self.layout.manifest(label), label)
        state = manifest.lists.get(self.layout.list)
        marks = _marks(state)
        candidates = (owner for mark in marks for owner in self._owners.get(mark, ()) if owner != label)
        owner = next((owner for owner in candidates if self._has_rows_of(owner, state)), None)
        if owner is None:
            self._add(manifest, marks)
        return owner

    def save(self, disk: Disk, selected: Sequence[str]) -> None:
        """Write the summary. It also lists selected accounts without an outcome.

        Raises:
            ExportError: it can't be written.
        """
        content: dict[str, Any] = {
            "written_at": time_text(datetime.now(UTC)),
            "lists": {name: self._of_list(name) for name in ("top_ups", "history")},
        }
        unfinished = sorted(label for label in selected if self.layout.list not in self._lists.get(label, {}))
        content["lists"][self.layout.list]["account"] |= {label: self._unfinished(label) for label in unfinished}
        with failures_named(self.layout.summary):
            write_whole(disk, self.layout.summary, msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")

    def _of_list(self, name: str) -> dict[str, Any]:
        states = {label: lists[name] for label, lists in sorted(self._lists.items()) if name in lists}
        # A state with the parts of all accounts adds them up.
        whole = ListState(
            status="complete", format="", parts=tuple(part for state in states.values() for part in state.parts)
        )
        return {
            "accounts": len(states),
            "complete": sum(state.status == "complete" for state in states.values()),
            "failed": sum(state.status == "failed" for state in states.values()),
            "rows": whole.rows,
            "bytes": sum(part.bytes for part in whole.parts),
            "usd": decimal_text(whole.usd),
            "amounts": {denom: decimal_text(amount) for denom, amount in sorted(whole.amounts.items())},
            "account": {label: _of_account(state) for label, state in states.items()},
        }

    def _unfinished(self, label: str) -> dict[str, Any]:
        return {"status": "partial" if self.layout.work(label).exists() else "pending", "rows": 0}

    def _add(self, manifest: AccountManifest, marks: set[str]) -> None:
        self._lists[manifest.account] = manifest.lists
        for mark in marks:
            owners = self._owners.setdefault(mark, [])
            if manifest.account not in owners:
                owners.append(manifest.account)

    def _has_rows_of(self, owner: str, state: ListState | None) -> bool:
        """Compare the latest rows, because equal ids of the first or the last row may be numbers from 1 on."""
        other = self._lists[owner].get(self.layout.list)
        return state is None or other is None or not differ(state.latest, other.latest)


def _of_account(state: ListState) -> dict[str, Any]:
    facts: dict[str, Any] = {"status": state.status, "rows": state.rows, "usd": decimal_text(state.usd)}
    return facts if state.error is None else facts | {"error": " ".join(filter(None, state.error))}


def _marks(state: ListState | None) -> set[str]:
    """Return what identifies the account: the ids of the first and the last top-up, or a hash of a paid history."""
    if state is None or not state.parts:
        return set()
    first = state.parts[0]
    cursor = None if first.cursor is None else Cursor.parse(first.cursor)
    ids = () if cursor is None else (*cursor.head[:1], *cursor.anchors[-1:])
    if not first.rows and state.place is not None:  # the rows came later
        ids = (*state.place.head[:1], *state.place.tail[-1:])
    if all(key.startswith("id:") for key in ids):
        return set(ids)
    is_unique = first.rows >= _FEWEST_DAYS and first.usd != Decimal(0)
    return {first.sha256} if is_unique else set()
