"""The progress of an export, as stored on the disk."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import attrs
import msgspec

from aiozbilling.errors import CheckpointError
from aiozbilling.export.disk import Disk, write_whole
from aiozbilling.export.totals import Totals
from aiozbilling.tables.table import TOP_UPS

__all__ = ["Checkpoint", "Names"]

VERSION = 3
_HEAD, _MIDDLE, _END = b'{"sha256":"', b'","checkpoint":', b"}\n"


@attrs.frozen
class Names:
    """Paths of an export's file and of the files next to it. At the end, only the file and its manifest are left."""

    final: Path

    @property
    def part(self) -> Path:
        """The rows so far."""
        return self._beside("part")

    @property
    def ready(self) -> Path:
        """The complete file before it gets its name, in a format that is built at the end."""
        return self._beside("ready")

    @property
    def checkpoint(self) -> Path:
        """The progress of the export."""
        return self._beside("checkpoint")

    @property
    def lock(self) -> Path:
        """The lock file, held by the process that writes."""
        return self._beside("lock")

    @property
    def manifest(self) -> Path:
        """The facts about the complete file. Its name begins with ``_``, so that readers of datasets skip it."""
        return self.final.with_name(f"_{self.final.name}.manifest.json")

    @property
    def old_manifest(self) -> Path:
        """The name of the manifest before version 0.2."""
        return self._beside("manifest.json")

    def _beside(self, suffix: str) -> Path:
        return self.final.with_name(f"{self.final.name}.{suffix}")


@attrs.frozen(kw_only=True)
class Checkpoint:
    """The progress of an export.

    Attributes:
        parameters: the arguments of the export. An export with other arguments does not resume it.
        totals: counts and sums of the rows so far.
        stage: ``"reading"`` while rows are read, ``"read"`` when all rows are in the part file, ``"sealed"`` when the
            complete file is on the disk and only lacks its name.
        size: bytes of the part file that the checkpoint covers; when sealed, size of the complete file.
        sha256: SHA-256 of those bytes, hexadecimal.
        cursor: text of the listing's cursor after the last row, or None before the first.
    """

    parameters: dict[str, Any]
    totals: Totals
    stage: Literal["reading", "read", "sealed"] = "reading"
    size: int = 0
    sha256: str = ""
    cursor: str | None = None
    version: int = VERSION

    def text(self) -> bytes:
        """Return the checkpoint as JSON, with its digest."""
        body = msgspec.json.encode(self)
        return _HEAD + sha256(body).hexdigest().encode() + _MIDDLE + body + _END

    @classmethod
    def parse(cls, text: bytes, path: Path) -> Checkpoint:
        """Read a checkpoint from what `text` returned.

        Raises:
            CheckpointError: the text is damaged, is not a checkpoint, or has another version.
        """
        try:
            if not text.startswith(_HEAD):
                _refuse_other_version(msgspec.json.decode(text, type=_Versioned).version, path)
            body = text[len(_HEAD) + 64 + len(_MIDDLE) : -len(_END)]
            checkpoint = msgspec.json.decode(body, type=cls)
            if checkpoint.text() == text:  # so the digest and every byte are correct
                return checkpoint
        except (msgspec.MsgspecError, RecursionError, ValueError, ArithmeticError):
            pass
        raise CheckpointError("this is not the checkpoint of an export, or it was damaged", path=str(path), hint=_HINT)

    def check(self, parameters: dict[str, Any], path: Path) -> None:
        """Refuse to resume another export.

        Raises:
            CheckpointError: the parameters differ.
        """
        before = self.parameters
        differ = sorted(name for name in before.keys() | parameters.keys() if before.get(name) != parameters.get(name))
        if differ:
            named = ", ".join(f"{name} was {before.get(name)!r} and is {parameters.get(name)!r}" for name in differ)
            raise CheckpointError(
                f"another export to this file is not complete: {named}",
                path=str(path),
                hint="Use those arguments, or remove the files .part and .checkpoint next to it to start again",
            )

    def check_key(self, fingerprint: str, path: Path) -> None:
        """Refuse other credentials if nothing proves that they belong to the same account.

        Deposits prove it by their ids: a resumed walk searches for the rows before the cursor. Days don't, because they
        have the same keys in every account. If no row is left to read, the walk does not search.

        Raises:
            CheckpointError: the rows so far may be of another account.
        """
        most, read = self.parameters["max_items"], self.totals.read
        is_proven = self.stage == "reading" and self.parameters["endpoint"] == TOP_UPS.endpoint and read != most
        if read and fingerprint != self.totals.facts.key_fingerprint and not is_proven:
            raise CheckpointError(
                "this export was begun with other credentials or at another host, and may be of another account",
                path=str(path),
                hint="Run it with those, or remove the files .part and .checkpoint next to it to start again",
            )

    def save(self, disk: Disk, names: Names) -> None:
        """Write the checkpoint to the disk."""
        write_whole(disk, names.checkpoint, self.text())

    @classmethod
    def load(cls, disk: Disk, names: Names) -> Checkpoint | None:
        """Read the checkpoint from the disk; None if there is none.

        Raises:
            CheckpointError: it is damaged, or has another version.
        """
        if not disk.exists(names.checkpoint):
            return None
        with disk.reader(names.checkpoint) as file:
            return cls.parse(file.read(), names.checkpoint)


@attrs.frozen
class _Versioned:
    version: int


def _refuse_other_version(version: int, path: Path) -> None:
    if version != VERSION:
        raise CheckpointError(
            f"the checkpoint has version {version}, and this release reads version {VERSION}",
            path=str(path),
            hint="Finish it with the release that began it, or remove the files .part and .checkpoint next to it",
        )


_HINT = "Remove the files .part and .checkpoint next to the export to start again"
