"""Names of the folders and files of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias, get_args

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.export.formats import FileFormat

__all__ = ["FleetList", "Layout"]

FleetList: TypeAlias = Literal["top_ups", "history"]


@attrs.frozen
class Layout:
    """Paths of the files of one list of all accounts, below one folder.

    Readers of datasets skip names that begin with ``_`` or ``.``, so they read only complete parts.

    Attributes:
        root: the folder.
        list: ``"top_ups"`` or ``"history"``, the name of the dataset's folder.
        format: format of the parts.
    """

    root: Path
    list: FleetList
    format: FileFormat

    def __attrs_post_init__(self) -> None:
        if self.list not in get_args(FleetList):
            raise ConfigurationError(f"the list must be 'top_ups' or 'history', not {self.list!r}")
        if self.format not in get_args(FileFormat):
            raise ConfigurationError(
                f"the format must be one of {', '.join(get_args(FileFormat))}, not {self.format!r}"
            )
        if self.root.exists() and not self.root.is_dir():
            raise ConfigurationError(f"{self.root} is a file, not a folder")

    @property
    def lock(self) -> Path:
        """Path of the lock file, which the writing fleet holds."""
        return self.root / "_fleet.lock"

    @property
    def summary(self) -> Path:
        """Path of the summary: totals, and one status per account."""
        return self.root / "_fleet.json"

    @property
    def manifests(self) -> Path:
        """The folder of the manifests of accounts."""
        return self.root / "_manifests"

    @property
    def salt(self) -> Path:
        """Path of random bytes; fingerprints of credentials are keyed with them, and so useless outside this folder."""
        return self.manifests / "salt"

    def manifest(self, label: str) -> Path:
        """Return the path of an account's manifest, which lists its complete parts."""
        return self.manifests / f"{label}.json"

    def parts(self, label: str) -> Path:
        """Return the folder of an account's parts, with the name that readers of partitioned datasets expect."""
        return self.root / self.list / f"account={label}"

    def part(self, label: str, number: int) -> Path:
        """Return the path of one part."""
        return self.parts(label) / f"part-{number:05}.{self.format}"

    def work(self, label: str) -> Path:
        """Return the folder of an account's incomplete files."""
        return self.root / "_work" / self.list / label

    def staged(self, label: str, name: str) -> Path:
        """Return the path of an export before it becomes a part."""
        return self.work(label) / f"{name}.{self.format}"
