"""The file system as an export uses it. Tests replace it with one that fails and that loses unsynced data."""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from aiozbilling.errors import ExportError, ExportLockedError

__all__ = ["Disk", "failures_named", "write_all", "write_whole"]

_PRIVATE = 0o600
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_OUR_LOCK = re.compile(rb"\d*\s*")


class Disk:
    """The real file system. Each method is one step, which may fail or be the last one before a power cut."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist. Only its owner can read it, from the first instant."""
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | _NO_LINKS | _BINARY, _PRIVATE)
        if sys.platform != "win32":
            os.fchmod(handle, _PRIVATE)  # a umask of 0o777 would leave no permission
        return handle

    def reopen(self, path: Path) -> int:
        """Open a file for reading and writing."""
        return os.open(path, os.O_RDWR | _NO_LINKS | _BINARY)

    def reader(self, path: Path) -> IO[bytes]:
        """Open a file for reading."""
        return path.open("rb")

    def write(self, handle: int, content: memoryview) -> int:
        """Write at the handle's position and return how many bytes were written."""
        return os.write(handle, content)

    def truncate(self, handle: int, size: int) -> None:
        """Truncate a file to `size` bytes and seek to its end."""
        os.ftruncate(handle, size)
        os.lseek(handle, size, os.SEEK_SET)

    def sync(self, handle: int) -> None:
        """Flush the content of a file to the disk."""
        if sys.platform == "darwin":
            import fcntl

            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)  # fsync on macOS leaves the data in the cache of the drive
        else:
            os.fsync(handle)

    def close(self, handle: int) -> None:
        """Close a handle."""
        os.close(handle)

    def size(self, path: Path) -> int | None:
        """Return the size of a file; None if it does not exist."""
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return None

    def exists(self, path: Path) -> bool:
        """Return whether a name exists. A broken link exists too."""
        return os.path.lexists(path)

    def is_ours(self, path: Path) -> bool:
        """Return whether a file belongs to this user; another user could change it while we use it."""
        return _is_ours(path.lstat())

    def same(self, one: Path, other: Path) -> bool:
        """Return whether two names refer to the same file."""
        return one.exists() and other.exists() and one.samefile(other)

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file, and replace the target if it exists."""
        source.replace(target)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name, which must not exist."""
        os.link(source, target, follow_symlinks=False)

    def remove(self, path: Path) -> None:
        """Remove a name."""
        path.unlink()

    def names(self, folder: Path) -> list[str]:
        """List the names in a folder."""
        return os.listdir(folder)  # noqa: PTH208 - names, not paths

    def sync_folder(self, folder: Path) -> None:
        """Flush the names in a folder to the disk."""
        if sys.platform == "win32":
            return  # a folder can't be opened on Windows, where renames are journalled
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    @contextmanager
    def locked(self, path: Path) -> Iterator[None]:
        """Hold the lock file `path`, and remove it at the end. The system releases the lock when the process dies.

        Raises:
            ExportLockedError: another process holds it.
        """
        handle = _acquired(path)
        try:
            yield
        finally:
            # Removed while we hold it: a process that opened it meanwhile sees that the name is gone, and tries again.
            with suppress(OSError):
                path.unlink()
            with suppress(OSError):  # it has nothing that must reach the disk, and the output may be complete
                os.close(handle)


def write_all(disk: Disk, handle: int, content: bytes) -> None:
    """Write every byte. After a partial write this writes the rest, so that the system reports the reason."""
    rest = memoryview(content)
    while rest:
        taken = disk.write(handle, rest)
        if taken <= 0:
            raise OSError("the disk accepts no more bytes")
        rest = rest[taken:]


def write_whole(disk: Disk, path: Path, content: bytes) -> None:
    """Replace a small file in one step: at any instant it has the old content or the new content."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    handle = disk.create(temporary)
    try:
        try:
            write_all(disk, handle, content)
            disk.sync(handle)
        finally:
            disk.close(handle)
        disk.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            disk.remove(temporary)
        raise
    disk.sync_folder(path.parent)


@contextmanager
def failures_named(path: Path, hint: str = "Fix this and run the same export again to resume") -> Iterator[None]:
    """Turn a system error into an ExportError with a hint.

    A failed fsync is never repeated: the system drops the bytes that it could not write, and a second fsync succeeds
    without them. The next run resumes from the last checkpoint, which is on the disk.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(reason[:1].lower() + reason[1:], path=str(path), hint=hint) from error


def _acquired(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | _NO_LINKS | getattr(os, "O_CLOEXEC", 0), _PRIVATE)
        try:
            _refuse_foreign(handle, path)
            _lock(handle, path)
            if _still_named(handle, path):
                os.ftruncate(handle, 0)
                os.lseek(handle, 0, os.SEEK_SET)
                os.write(handle, f"{os.getpid()}\n".encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _refuse_foreign(handle: int, path: Path) -> None:
    """Refuse a file that has the name of our lock but is not one, such as ``Cargo.lock`` next to ``Cargo``."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or not _OUR_LOCK.fullmatch(os.read(handle, 64)) or not _is_ours(status):
        raise ExportError(
            f"the name of the lock, {path.name}, is taken by a file of another user or program",
            path=str(path),
            hint="Choose another name for the output",
        )


def _is_ours(status: os.stat_result) -> bool:
    return sys.platform == "win32" or status.st_uid == os.geteuid()


def _lock(handle: int, path: Path) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # PermissionError is what Windows raises
        who = _owner(handle)
        raise ExportLockedError(
            f"another process{who} is writing this file", path=str(path.with_suffix("")), hint="Wait until it has ended"
        ) from None


def _owner(handle: int) -> str:
    pid = os.pread(handle, 32, 0).strip() if sys.platform != "win32" else b""
    return f" ({int(pid)})" if pid.isdigit() else ""


def _still_named(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False
