"""The part file, to which rows are appended. It is durable up to the latest checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import attrs

from aiozbilling.errors import CheckpointError
from aiozbilling.export.checkpoint import Checkpoint, Names
from aiozbilling.export.disk import Disk, write_all
from aiozbilling.export.encoding import Encoding

__all__ = ["PartFile", "chunks", "digest"]

_CHUNK = 1 << 20


class PartFile:
    """The rows of an export before the file is complete.

    Rows are synced before the checkpoint that counts them. A new checkpoint is synced before it replaces the old one.
    When an export resumes, the bytes after the checkpoint are truncated.

    Attributes:
        path: the file.
        encoding: turns rows into its bytes.
    """

    def __init__(self, disk: Disk, names: Names, encoding: Encoding) -> None:
        self.path: Path = names.part
        self.encoding = encoding
        self._disk = disk
        self._names = names
        self._handle: int | None = None
        self._hash = hashlib.sha256()
        self._size = 0

    def open(self, checkpoint: Checkpoint) -> None:
        """Resume after a checkpoint.

        Raises:
            CheckpointError: the file is not the one that the checkpoint describes.
        """
        disk, path = self._disk, self.path
        size = disk.size(path)
        if checkpoint.size == 0 and size is None:
            self._handle = disk.create(path)
            disk.sync_folder(path.parent)  # or a power cut could leave a checkpoint without its part file
        elif size is None or size < checkpoint.size:
            raise _damaged(path, f"the file has {size or 0} bytes, but its checkpoint counts {checkpoint.size}")
        else:
            self._check(checkpoint)
            self._handle = disk.reopen(path)
            disk.truncate(self._handle, checkpoint.size)
        if checkpoint.size == 0:
            self.append(self.encoding.header)

    def append(self, content: bytes) -> None:
        """Write the bytes of rows; they may be lost until `commit`."""
        if self._handle is not None:
            write_all(self._disk, self._handle, content)
        self._hash.update(content)
        self._size += len(content)

    def commit(self, checkpoint: Checkpoint) -> Checkpoint:
        """Sync the rows to the disk, then write the checkpoint that counts them, and return it."""
        if self._handle is not None:
            self._disk.sync(self._handle)
        checkpoint = attrs.evolve(checkpoint, size=self._size, sha256=self._hash.hexdigest())
        checkpoint.save(self._disk, self._names)
        return checkpoint

    def seal(self) -> Path:
        """Make the complete file from the part file, and return its path.

        Raises:
            CheckpointError: another program has written to the part file. For SQLite and Parquet, this is noticed if
                the rows can't be read: comparing all bytes would take 4 % of the time of an export.
        """
        self.close()
        try:
            sealed = self.encoding.sealed(self._disk, self._names)
        except Exception:
            self._refuse_changes()
            raise
        if sealed == self.path:
            self._refuse_changes()
        return sealed

    def close(self) -> None:
        """Close the file."""
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(OSError):  # the rows that the checkpoint counts are synced already
                self._disk.close(handle)

    def _refuse_changes(self) -> None:
        if digest(self._disk, self.path) != (self._size, self._hash.hexdigest()):
            if self._disk.exists(self._names.ready):
                self._disk.remove(self._names.ready)
            raise _damaged(self.path, "another program changed the file while it was written")

    def _check(self, checkpoint: Checkpoint) -> None:
        for chunk in chunks(self._disk, self.path, checkpoint.size):
            self._hash.update(chunk)
            self._size += len(chunk)
        if checkpoint.size and (self._size, self._hash.hexdigest()) != (checkpoint.size, checkpoint.sha256):
            raise _damaged(self.path, "the file was changed after its checkpoint was written")


def chunks(disk: Disk, path: Path, size: int | None = None) -> Iterator[bytes]:
    """Yield a file, or its first `size` bytes, in chunks."""
    rest = float("inf") if size is None else size
    with disk.reader(path) as file:
        while rest > 0 and (chunk := file.read(int(min(_CHUNK, rest)))):
            rest -= len(chunk)
            yield chunk


def digest(disk: Disk, path: Path) -> tuple[int, str]:
    """Return a file's size and its SHA-256."""
    size, sha256 = 0, hashlib.sha256()
    for chunk in chunks(disk, path):
        size += len(chunk)
        sha256.update(chunk)
    return size, sha256.hexdigest()


def _damaged(path: Path, reason: str) -> CheckpointError:
    hint = "Remove it and the .checkpoint file next to it to start again"
    return CheckpointError(reason, path=str(path), hint=hint)
