"""Opens a ledger for reading."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from aiozbilling.errors import ExportError
from aiozbilling.export.disk import failures_named

__all__ = ["opened_to_read"]


@contextmanager
def opened_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a ledger in one transaction, so that all queries see the same state of the file.

    Nothing is written, with one exception: if a sync was killed while it wrote a page, SQLite rolls the half-written
    page back. The next sync would do the same.

    Raises:
        ExportError: there is no such file, it is not a ledger, or it can't be read.
    """
    with failures_named(path, "Fix this and try again"):
        if not path.exists():
            raise ExportError("there is no such file", path=str(path), hint="Create it with aiozbilling sync --db FILE")
        if not path.is_file():
            reason, hint = "this is a folder, a device or a pipe, not a file", "Pass the path of a ledger"
            raise ExportError(reason, path=str(path), hint=hint)
    with _failures_named(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as database:
        database.execute("PRAGMA query_only = 1")
        database.execute("BEGIN")
        yield database


@contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        reason, hint = _explained(error)
        raise ExportError(reason, path=str(path), hint=hint) from error


def _explained(error: sqlite3.Error) -> tuple[str, str]:
    """Return the reason and the hint. An error without a code is raised by Python: a text is not UTF-8."""
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF:
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN:
            hint = "An interrupted sync may have left a -journal file: sync again, or make file and folder writable"
            return f"the ledger can't be read: {error}", hint
        case sqlite3.SQLITE_CORRUPT:
            return f"the ledger is damaged: {error}", "Restore a copy of it, or sync into a new file"
        case sqlite3.SQLITE_ERROR | sqlite3.SQLITE_NOTADB:
            return f"not a ledger: {error}", "Use a file that aiozbilling sync created"
        case _:
            return f"the ledger can't be read: {error}", "Fix the cause and try again"
