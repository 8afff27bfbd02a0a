"""A file system in memory that loses what was not synced, and that stops or fails at a chosen step."""

from __future__ import annotations

import errno
import io
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from aiozbilling.export.disk import Disk


class PowerCut(BaseException):
    """The power was cut: nothing more reaches the disk."""


class Inode:
    """A file: `content` is what programs read, `durable` is what survives a power cut."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)
        self.durable = bytearray(content)
        self.dirty: list[tuple[int, int]] = []
        self.resized = False

    def sync(self) -> None:
        """Make the content and the size durable."""
        if self.resized:
            del self.durable[len(self.content) :]
        for start, end in self.dirty:
            self.durable.extend(bytes(max(0, end - len(self.durable))))
            self.durable[start:end] = self.content[start:end]
        self.forget_dirt()

    def forget_dirt(self) -> None:
        """Mark everything as clean, as systems do after a failed fsync."""
        self.dirty, self.resized = [], False

    def survivors(self) -> list[bytes]:
        """List what a power cut may leave: the old bytes, the new ones, half of them, or zeros in their place."""
        old, new = bytes(self.durable), bytes(self.content)
        if not self.dirty and not self.resized:
            return [old]
        middle = (len(old) + len(new)) // 2
        return [old, new, (new[:middle] if len(new) > len(old) else old), old + bytes(max(0, len(new) - len(old)))]


class ForgetfulDisk(Disk):
    """One folder. Every step that changes something is counted, and may fail or be the last one."""

    def __init__(self) -> None:
        self.entries: dict[str, Inode] = {}
        self.durable_entries: dict[str, Inode] = {}
        self.pending: list[Callable[[dict[str, Inode]], None]] = []
        self.handles: dict[int, tuple[Inode, list[int]]] = {}
        self.steps: list[str] = []
        self.cut_at: int | None = None
        self.fail_at: int | None = None
        self.failure = errno.EIO
        self.dead = False
        self.most: int | None = None  # bytes that one write accepts

    def content(self, path: Path) -> bytes | None:
        """Return the content of a file; None if there is none."""
        inode = self.entries.get(path.name)
        return None if inode is None else bytes(inode.content)

    def after_power_cut(self, choose: random.Random) -> ForgetfulDisk:
        """Return the disk as it may be found: each name and the content of each file are the old ones or newer ones."""
        found = ForgetfulDisk()
        entries = dict(self.durable_entries)
        keep = choose.choice((0.0, 0.5, 1.0))
        for change in self.pending:
            if choose.random() < keep:
                change(entries)
        copies: dict[int, Inode] = {}
        for name, inode in entries.items():
            if id(inode) not in copies:
                copies[id(inode)] = Inode(choose.choice(inode.survivors()))
            found.entries[name] = copies[id(inode)]
        found.durable_entries = dict(found.entries)
        return found

    # The methods that an export calls.

    def create(self, path: Path) -> int:
        self._step(f"create {path.name}")
        if path.name in self.entries:
            raise FileExistsError(errno.EEXIST, "File exists", str(path))
        inode = Inode()
        self._change(lambda entries: entries.__setitem__(path.name, inode))
        return self._handle(inode)

    def reopen(self, path: Path) -> int:
        self._step(f"reopen {path.name}")
        return self._handle(self.entries[path.name])

    def reader(self, path: Path) -> IO[bytes]:
        self._alive()
        return io.BytesIO(self.entries[path.name].content)

    def write(self, handle: int, content: memoryview) -> int:
        inode, place = self.handles[handle]
        taken = min(len(content), self.most or len(content))
        try:
            self._step("write")
        except OSError:
            if self.failure != errno.ENOSPC or len(content) < 2:
                raise
            taken, self.fail_at = len(content) // 2, len(self.steps)  # half of it fits, and the next byte does not
        start = place[0]
        inode.content[start : start + taken] = content[:taken]
        inode.dirty.append((start, start + taken))
        place[0] += taken
        return taken

    def truncate(self, handle: int, size: int) -> None:
        self._step("truncate")
        inode, place = self.handles[handle]
        del inode.content[size:]
        inode.dirty = [(start, min(end, size)) for start, end in inode.dirty if start < size]
        inode.resized, place[0] = True, size

    def sync(self, handle: int) -> None:
        inode, _ = self.handles[handle]
        try:
            self._step("sync")
        except OSError:
            inode.forget_dirt()
            raise
        inode.sync()

    def close(self, handle: int) -> None:
        del self.handles[handle]

    def size(self, path: Path) -> int | None:
        self._alive()
        inode = self.entries.get(path.name)
        return None if inode is None else len(inode.content)

    def exists(self, path: Path) -> bool:
        self._alive()
        return path.name in self.entries

    def is_ours(self, path: Path) -> bool:
        return True

    def same(self, one: Path, other: Path) -> bool:
        return self.entries.get(one.name) is self.entries.get(other.name)

    def replace(self, source: Path, target: Path) -> None:
        self._step(f"replace {target.name}")
        inode = self.entries[source.name]

        def change(entries: dict[str, Inode]) -> None:
            entries.pop(source.name, None)
            entries[target.name] = inode

        self._change(change)

    def link(self, source: Path, target: Path) -> None:
        self._step(f"link {target.name}")
        if target.name in self.entries:
            raise FileExistsError(errno.EEXIST, "File exists", str(target))
        inode = self.entries[source.name]
        self._change(lambda entries: entries.__setitem__(target.name, inode))

    def remove(self, path: Path) -> None:
        self._step(f"remove {path.name}")
        del self.entries[path.name]
        self.pending.append(lambda entries: entries.pop(path.name, None) and None)

    def names(self, folder: Path) -> list[str]:
        self._alive()
        return list(self.entries)

    def sync_folder(self, folder: Path) -> None:
        self._step("sync folder")
        self.durable_entries = dict(self.entries)
        self.pending.clear()

    @contextmanager
    def locked(self, path: Path) -> Iterator[None]:
        yield

    def _handle(self, inode: Inode) -> int:
        handle = max(self.handles, default=2) + 1
        self.handles[handle] = (inode, [0])
        return handle

    def _change(self, change: Callable[[dict[str, Inode]], None]) -> None:
        change(self.entries)
        self.pending.append(change)

    def _alive(self) -> None:
        if self.dead:
            raise PowerCut

    def _step(self, name: str) -> None:
        self._alive()
        self.steps.append(name)
        if self.cut_at == len(self.steps) - 1:
            self.dead = True
            raise PowerCut
        if self.fail_at == len(self.steps) - 1:
            raise OSError(self.failure, "No space left on device" if self.failure == errno.ENOSPC else "I/O error")
