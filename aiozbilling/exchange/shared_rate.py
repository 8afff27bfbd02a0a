"""One rate limit for all processes of a machine that use the same account.

pyrate-limiter 4.5 was considered first. Its `SQLiteBucket` needs another dependency to support several processes, and
its `MultiprocessBucket` works only for the children of one pool.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.checks import checked_seconds, refuse_bad_count
from aiozbilling.exchange.rate import ArrivalWindow, RateLimit

__all__ = ["SharedRateLimit"]

_KEY_FILE = "key"
_KEY_BYTES = 32


@attrs.frozen
class SharedRateLimit:
    """At most `requests` in any `per_s` seconds, for each account, in all processes of this machine.

    The processes share a folder. It contains one small file per account with the times of the latest requests. The file
    name is a keyed fingerprint; the folder contains no credentials. A killed process does not block the others. The
    file is locked for some microseconds at a time. Needs a POSIX system.

    Attributes:
        folder: folder of the files, created if it is missing, on a local disk or in memory, such as
            ``"/run/my-app/limits"``.
        requests: number of requests, at least 1.
        per_s: length of the sliding window in seconds.
    """

    folder: Path = attrs.field(converter=Path)
    requests: int
    per_s: float
    key: bytes = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        refuse_bad_count("SharedRateLimit.requests", self.requests)
        checked_seconds("SharedRateLimit.per_s", self.per_s)
        if os.name != "posix":
            raise ConfigurationError("SharedRateLimit needs a POSIX system, because it locks files with flock")
        with _usable(self.folder):
            object.__setattr__(self, "key", _shared_key(self.folder))

    def window(self, account: str) -> SharedWindow:
        """Return the window of an account."""
        return SharedWindow(RateLimit(self.requests, self.per_s), path=self.folder / f"{account}.times")


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    """Name the folder in the error if a file in it can't be read or written."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"SharedRateLimit.folder {str(folder)!r} is not usable: {error}") from None


def _shared_key(folder: Path) -> bytes:
    """Return the folder's random key, which the first process creates."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / _KEY_FILE
    if not place.exists():
        handle, temporary = mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(os.urandom(_KEY_BYTES))
        try:
            os.link(temporary, place)  # atomic; another process may have been faster
        except FileExistsError:
            pass
        finally:
            Path(temporary).unlink()
    key = place.read_bytes()
    if len(key) != _KEY_BYTES:
        raise OSError(f"{place} is damaged")
    return key


@attrs.define(eq=False)
class SharedWindow(ArrivalWindow):
    """The latest requests of one account, in a file that processes lock while they read or write it.

    The file contains the arrival times, 8 bytes each, in ascending order. The clock counts from the start of the
    machine and is the same in all processes. Times from before a restart are in the future and are discarded.

    Waiting tasks of the process that has a reply are woken if it shows that they may be sent earlier. Those of other
    processes check again at the time that they know.
    """

    path: Path = attrs.field(kw_only=True)
    _handle: int = attrs.field(default=-1, init=False)  # of the file while it is locked

    def is_empty(self) -> bool:
        """Whether the window can be discarded: always, because the file contains the times."""
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        import fcntl

        with self._lock, _usable(self.path.parent):
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX)  # released when the file is closed or the process ends
                yield
            finally:
                os.close(self._handle)

    def _read(self, now: float) -> list[float]:
        data = os.pread(self._handle, 8 * self.limit.requests, 0)
        times = struct.unpack(f"={len(data) // 8}d", data[: len(data) // 8 * 8])
        return sorted(moment for moment in times if 0 < moment <= now + self._longest_delay_s)

    def _write(self, arrivals: list[float]) -> None:
        os.pwrite(self._handle, struct.pack(f"={len(arrivals)}d", *arrivals), 0)
