"""Where everything of a dataset is: names of folders and files, and nothing else."""

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
    """The files of one list of all accounts below one folder.

    Readers of datasets skip names that begin with ``_`` or ``.``, so they see complete parts and nothing else.

    Attributes:
        root: the folder.
        list: ``"top_ups"`` or ``"history"``, the name of the dataset's folder.
        format: of the parts.
    """

    root: Path
    list: FleetList
    format: FileFormat

    def __attrs_post_init__(self) -> None:
        if self.list not in get_args(FleetList):
            raise ConfigurationError(f"give the list 'top_ups' or 'history', not {self.list!r}")
        if self.format not in get_args(FileFormat):
            raise ConfigurationError(f"give a format ({', '.join(get_args(FileFormat))}), not {self.format!r}")
        if self.root.exists() and not self.root.is_dir():
            raise ConfigurationError(f"{self.root} is a file: give a folder")

    @property
    def lock(self) -> Path:
        """Held by the one fleet that writes."""
        return self.root / "_fleet.lock"

    @property
    def summary(self) -> Path:
        """Totals, and one status per account."""
        return self.root / "_fleet.json"

    @property
    def manifests(self) -> Path:
        """The folder of the manifests of accounts."""
        return self.root / "_manifests"

    @property
    def salt(self) -> Path:
        """Random bytes that make fingerprints of credentials mean nothing outside this folder."""
        return self.manifests / "salt"

    def manifest(self, label: str) -> Path:
        """Return the manifest of an account: what is complete of it."""
        return self.manifests / f"{label}.json"

    def parts(self, label: str) -> Path:
        """Return the folder of an account's parts, named as readers of partitioned datasets expect it."""
        return self.root / self.list / f"account={label}"

    def part(self, label: str, number: int) -> Path:
        """Return the path of one part."""
        return self.parts(label) / f"part-{number:05}.{self.format}"

    def work(self, label: str) -> Path:
        """Return the folder of what is not complete yet of an account."""
        return self.root / "_work" / self.list / label

    def staged(self, label: str, name: str) -> Path:
        """Return the path of an export that becomes a part."""
        return self.work(label) / f"{name}.{self.format}"
