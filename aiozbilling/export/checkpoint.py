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

__all__ = ["Checkpoint", "Names"]

VERSION = 3
_HEAD, _MIDDLE, _END = b'{"sha256":"', b'","checkpoint":', b"}\n"


@attrs.frozen
class Names:
    """The names next to an export's file. All but the manifest are gone when it is complete."""

    final: Path

    @property
    def part(self) -> Path:
        """Rows so far."""
        return self._beside("part")

    @property
    def ready(self) -> Path:
        """The complete file of a format that can't be written piece by piece."""
        return self._beside("ready")

    @property
    def checkpoint(self) -> Path:
        """The progress of the export."""
        return self._beside("checkpoint")

    @property
    def lock(self) -> Path:
        """Held by the one process that writes."""
        return self._beside("lock")

    @property
    def manifest(self) -> Path:
        """The facts about the complete file. Readers of data sets skip names that begin with ``_``."""
        return self.final.with_name(f"_{self.final.name}.manifest.json")

    @property
    def old_manifest(self) -> Path:
        """The name that the manifest had before version 0.2."""
        return self._beside("manifest.json")

    def _beside(self, suffix: str) -> Path:
        return self.final.with_name(f"{self.final.name}.{suffix}")


@attrs.frozen(kw_only=True)
class Checkpoint:
    """How far an export is.

    Attributes:
        parameters: the arguments of the export; different ones mean another export.
        totals: counts and sums up to here.
        stage: ``"reading"`` rows; all are ``"read"``; the complete file is ``"sealed"``, only its name is missing.
        size: bytes of the part file up to here; when sealed, of the complete file.
        sha256: of those bytes, hexadecimal.
        cursor: text of the walk's cursor after the last row, or None before the first.
    """

    parameters: dict[str, Any]
    totals: Totals
    stage: Literal["reading", "read", "sealed"] = "reading"
    size: int = 0
    sha256: str = ""
    cursor: str | None = None
    version: int = VERSION

    def text(self) -> bytes:
        """Return it as JSON, with a digest before it."""
        body = msgspec.json.encode(self)
        return _HEAD + sha256(body).hexdigest().encode() + _MIDDLE + body + _END

    @classmethod
    def parse(cls, text: bytes, path: Path) -> Checkpoint:
        """Read what `text` returned.

        Raises:
            CheckpointError: it was damaged, is something else, or is of another version.
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
        raise CheckpointError("this is no checkpoint of an export, or it was damaged", path=str(path), hint=_HINT)

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
                f"another export to this file was begun: {named}",
                path=str(path),
                hint="Run it as it was begun, or remove the files .part and .checkpoint next to it to start again",
            )

    def save(self, disk: Disk, names: Names) -> None:
        """Write it to the disk."""
        write_whole(disk, names.checkpoint, self.text())

    @classmethod
    def load(cls, disk: Disk, names: Names) -> Checkpoint | None:
        """Read the checkpoint from the disk; None where there is none.

        Raises:
            CheckpointError: it can't be read.
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
            f"the checkpoint has version {version}, this release reads {VERSION}",
            path=str(path),
            hint="Finish with the release that began this export, or remove the files .part and .checkpoint next to it",
        )


_HINT = "Remove the files .part and .checkpoint next to the export to start again"
