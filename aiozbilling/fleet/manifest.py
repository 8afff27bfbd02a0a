"""The manifest of an account, which lists its complete parts."""

from __future__ import annotations

from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any, Literal

import attrs
import msgspec

from aiozbilling.errors import CheckpointError
from aiozbilling.export.disk import Disk, failures_named, write_whole
from aiozbilling.fleet.changes import Place
from aiozbilling.records.amounts import EXACT, exact_sum

__all__ = ["AccountManifest", "ListState", "Part"]

VERSION = 1


@attrs.frozen(kw_only=True)
class Part:
    """One file of the dataset.

    Attributes:
        file: name of the file.
        rows: number of rows.
        bytes: size of the file.
        sha256: hash of its content, hexadecimal.
        usd: sum in USD, exact.
        amounts: sums by denomination in the provider's units, exact.
        cursor: text of the cursor after the last row, or None.
    """

    file: str
    rows: int
    bytes: int
    sha256: str
    usd: Decimal
    amounts: dict[str, Decimal]
    cursor: str | None = None


@attrs.frozen(kw_only=True)
class ListState:
    """The state of one list of one account.

    Attributes:
        status: status of the latest run.
        format: format of the parts.
        key: fingerprint of the credentials with which the list was read, keyed with the folder's salt.
        parts: complete parts, in the order in which they were added.
        place: how far the list was read.
        error: class and message of the latest error, or None.
        latest: checksums of the latest rows; empty if unknown.
    """

    status: Literal["complete", "failed"]
    format: str
    key: str = ""
    parts: tuple[Part, ...] = ()
    place: Place | None = None
    error: tuple[str, str] | None = None
    latest: bytes = b""

    @property
    def rows(self) -> int:
        """Number of rows of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def usd(self) -> Decimal:
        """Sum in USD of all parts."""
        return exact_sum(part.usd for part in self.parts)

    @property
    def amounts(self) -> dict[str, Decimal]:
        """Sums by denomination of all parts."""
        return added(part.amounts for part in self.parts)


@attrs.frozen(kw_only=True)
class AccountManifest:
    """The states of an account's lists in one folder."""

    account: str
    lists: dict[str, ListState] = attrs.field(factory=dict)
    tags: dict[str, str] = attrs.field(factory=dict)
    version: int = VERSION

    @classmethod
    def load(cls, path: Path, label: str) -> AccountManifest:
        """Read a manifest, or return an empty one if there is no file.

        Raises:
            CheckpointError: the manifest is damaged, or has another version.
            ExportError: the file can't be read.
        """
        with failures_named(path):
            try:
                manifest = msgspec.json.decode(path.read_bytes(), type=cls)
            except FileNotFoundError:
                return cls(account=label)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                manifest = None
        if manifest is None or manifest.version != VERSION or manifest.account != label:
            raise CheckpointError(
                "this manifest is damaged, or belongs to another version or account",
                path=str(path),
                hint="Remove it and the account's folders, and run again to export the whole account",
            )
        return manifest

    def with_list(self, name: str, state: ListState, tags: dict[str, str]) -> AccountManifest:
        """Return this manifest with another state of one list."""
        return attrs.evolve(self, lists=self.lists | {name: state}, tags=tags)

    def save(self, disk: Disk, path: Path) -> None:
        """Write the manifest to the disk."""
        write_whole(disk, path, msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def added(sums: Any) -> dict[str, Decimal]:
    """Add sums by denomination, exactly."""
    total: dict[str, Decimal] = {}
    with localcontext(EXACT):
        for amounts in sums:
            for denom, amount in amounts.items():
                total[denom] = total.get(denom, Decimal(0)) + amount
    return total
