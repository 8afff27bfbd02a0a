"""Stores rows, changes them and marks them as missing, with their hashes. All functions need an open transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import sha256

import attrs
import msgspec

from aiozbilling.sync.layout import Cell, LedgerTable, Row

__all__ = ["Counts", "Run", "digest_text", "mark_missing", "row_hash", "store_rows"]

_AT_ONCE = 500  # keys in one statement; older versions of SQLite accept 999
_encode = msgspec.json.Encoder().encode


@attrs.frozen
class Run:
    """A run of sync: its number, and the time at which it started, as text."""

    number: int
    started_at: str


@attrs.frozen
class Counts:
    """Numbers of new rows, of changed rows and of rows that the provider's list no longer has."""

    new: int = 0
    changed: int = 0
    missing: int = 0


@attrs.frozen
class _Stored:
    """A stored row: its cells, and the columns first_seen_at, changed_at, missing_since and row_hash."""

    cells: Row
    first_seen_at: str | None
    changed_at: str | None
    missing_since: str | None
    hash: bytes


def row_hash(cells: Sequence[object]) -> bytes:
    """Hash a row: SHA-256 of the JSON array of all its cells up to missing_since."""
    return sha256(_encode(cells)).digest()


def digest_text(digest: int) -> str:
    """Return a sum of row hashes modulo 2^256, hexadecimal. It depends on the rows but not on their order."""
    return f"{digest % (1 << 256):064x}"


def store_rows(database: sqlite3.Connection, table: LedgerTable, account: str, rows: Sequence[Row], run: Run) -> Counts:
    """Insert new rows and update changed ones, with an entry in `changes` for each changed cell."""
    known = _stored(database, table, account, [row[0] for row in rows])
    fresh = [row for row in rows if row[0] not in known] if known else rows
    changed = [
        (old, row)
        for row in rows
        if (old := known.get(row[0])) is not None and (old.cells != row or old.missing_since is not None)
    ]
    new_cells = [(account, *row, run.started_at, None, None) for row in fresh]
    changed_cells = [(account, *row, old.first_seen_at, run.started_at, None) for old, row in changed]
    added = _write(database, table, new_cells, "INSERT") + _write(database, table, changed_cells, "INSERT OR REPLACE")
    removed = _digest_sum(old.hash for old, _ in changed)
    _note_changes(database, table, account, run, changed)
    _add_content(database, table, account, len(fresh), added - removed)
    return Counts(new=len(fresh), changed=len(changed))


def mark_missing(
    database: sqlite3.Connection, table: LedgerTable, account: str, keys: Sequence[Cell], run: Run
) -> Counts:
    """Mark rows that the provider's list no longer has."""
    gone = [old for old in _stored(database, table, account, keys).values() if old.missing_since is None]
    cells = [(account, *old.cells, old.first_seen_at, run.started_at, run.started_at) for old in gone]
    added = _write(database, table, cells, "INSERT OR REPLACE")
    database.executemany(
        "INSERT INTO changes VALUES (?, ?, ?, ?, 'missing_since', NULL, ?)",
        [(run.number, account, table.name, old.cells[0], run.started_at) for old in gone],
    )
    _add_content(database, table, account, 0, added - _digest_sum(old.hash for old in gone))
    return Counts(missing=len(gone))


def _stored(
    database: sqlite3.Connection, table: LedgerTable, account: str, keys: Sequence[Cell]
) -> dict[Cell, _Stored]:
    names = ", ".join((*table.names, "first_seen_at", "changed_at", "missing_since", "row_hash"))
    found: dict[Cell, _Stored] = {}
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        statement = f"SELECT {names} FROM {table.name} WHERE account = ? AND {table.key} IN ({marks})"  # noqa: S608
        for row in database.execute(statement, (account, *some)):
            found[row[0]] = _Stored(row[:-4], *row[-4:])
    return found


def _write(database: sqlite3.Connection, table: LedgerTable, rows: Sequence[Row], verb: str) -> int:
    hashes = list(map(row_hash, rows))
    marks = ", ".join("?" * (len(table.columns) + 5))
    database.executemany(
        f"{verb} INTO {table.name} VALUES ({marks})",
        [(*row, each) for row, each in zip(rows, hashes, strict=True)],
    )
    return _digest_sum(hashes)


def _digest_sum(hashes: Iterable[bytes]) -> int:
    return sum(int.from_bytes(each, "big") for each in hashes)


def _note_changes(
    database: sqlite3.Connection,
    table: LedgerTable,
    account: str,
    run: Run,
    changed: Sequence[tuple[_Stored, Row]],
) -> None:
    entries: list[tuple[object, ...]] = []
    for old, row in changed:
        where = (run.number, account, table.name, row[0])
        entries += (
            (*where, column.name, before, after)
            for column, before, after in zip(table.columns, old.cells, row, strict=True)
            if before != after and not column.is_derived
        )
        if old.missing_since is not None:
            entries.append((*where, "missing_since", old.missing_since, None))
    database.executemany("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?)", entries)


def _add_content(database: sqlite3.Connection, table: LedgerTable, account: str, rows: int, digest: int) -> None:
    where = (account, table.name)
    before = database.execute("SELECT rows, digest FROM contents WHERE account = ? AND list = ?", where).fetchone()
    stored, total = (before[0], int(before[1], 16)) if before else (0, 0)
    values = (*where, stored + rows, digest_text(total + digest))
    database.execute("INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?)", values)
