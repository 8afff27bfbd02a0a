"""Records every run and chains the records by hashes. All functions need an open transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import version

import attrs

from aiozbilling.sync.rows import Counts, Run, row_hash

__all__ = ["STATE", "ListCounts", "begin_run", "chain_of", "end_run", "end_run_of_dead_process", "state_of"]

STATE = "state"  # the entry of `run_lists` that has the hash of `state_of`


@attrs.frozen(kw_only=True)
class ListCounts:
    """Numbers of rows of a list in a run.

    Attributes:
        read: rows read.
        new: rows that were not stored before.
        changed: stored rows that were updated in place.
        missing: stored rows that this run found removed by the provider.
        stored: rows of the account in the ledger after the run, including removed ones.
        removed: stored rows that the provider removed, found in this run or before.
        counted: the server's count of the list, or None if there is none.
    """

    read: int = 0
    new: int = 0
    changed: int = 0
    missing: int = 0
    stored: int = 0
    removed: int = 0
    counted: int | None = None

    def plus(self, counts: Counts, *, read: int = 0) -> ListCounts:
        """Return these counts plus those of a page."""
        return attrs.evolve(
            self,
            read=self.read + read,
            new=self.new + counts.new,
            changed=self.changed + counts.changed,
            missing=self.missing + counts.missing,
        )


def begin_run(database: sqlite3.Connection, account: str, host: str, started_at: str) -> Run:
    """Record the start of a run."""
    cursor = database.execute(
        "INSERT INTO runs (started_at, version, host, account, result) VALUES (?, ?, ?, ?, 'running')",
        (started_at, version("aiozbilling"), host, account),
    )
    assert cursor.lastrowid is not None
    return Run(cursor.lastrowid, started_at)


def end_run(
    database: sqlite3.Connection,
    run: Run,
    account: str,
    result: str,
    ended_at: str | None,
    *,
    error: str | None = None,
    counts: Mapping[str, ListCounts] | None = None,
) -> None:
    """Record the end of a run, and chain it to the previous run."""
    found = counts or {}
    contents = database.execute("SELECT list, rows, digest FROM contents WHERE account = ? ORDER BY list", (account,))
    database.executemany(
        "INSERT INTO run_lists VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            *(_list_row(run, name, rows, digest, found.get(name, ListCounts())) for name, rows, digest in contents),
            _list_row(run, STATE, 0, state_of(database, account), ListCounts()),
        ],
    )
    database.execute(
        "UPDATE runs SET ended_at = ?, result = ?, error = ? WHERE run = ?", (ended_at, result, error, run.number)
    )
    before = database.execute(
        "SELECT chain FROM runs WHERE run < ? ORDER BY run DESC LIMIT 1", (run.number,)
    ).fetchone()
    chain = chain_of(database, run.number, before[0] if before else "")
    database.execute("UPDATE runs SET chain = ? WHERE run = ?", (chain, run.number))


def end_run_of_dead_process(database: sqlite3.Connection) -> None:
    """Record that a run was interrupted if its process died. The pages that it stored are complete."""
    for number, started_at, account in database.execute(
        "SELECT run, started_at, account FROM runs WHERE result = 'running' ORDER BY run"
    ).fetchall():
        end_run(database, Run(number, started_at), account, "interrupted", None)


def chain_of(database: sqlite3.Connection, run: int, before: str) -> str:
    """Hash a run: its record, its lists, its changes, and the chain of the previous run."""
    (*record,) = database.execute(
        "SELECT run, started_at, ended_at, version, host, account, result, error FROM runs WHERE run = ?", (run,)
    ).fetchone()
    digest = sha256(json.dumps([before, record], separators=(",", ":")).encode())
    for query in (
        "SELECT * FROM run_lists WHERE run = ? ORDER BY list",
        "SELECT * FROM changes WHERE run = ? ORDER BY rowid",
    ):
        for row in database.execute(query, (run,)):
            digest.update(json.dumps(row, separators=(",", ":")).encode())
    return digest.hexdigest()


def state_of(database: sqlite3.Connection, account: str) -> str:
    """Hash what the ledger contains about an account besides its rows: its times, its credentials and its lists."""
    state = (
        database.execute("SELECT value FROM ledger WHERE name = 'salt'").fetchall(),
        database.execute("SELECT * FROM accounts WHERE account = ?", (account,)).fetchall(),
        database.execute(
            "SELECT * FROM identities WHERE account = ? ORDER BY system, fingerprint", (account,)
        ).fetchall(),
        database.execute("SELECT * FROM lists WHERE account = ? ORDER BY list", (account,)).fetchall(),
    )
    return row_hash(state).hex()


def _list_row(run: Run, name: str, rows: int, digest: str, counts: ListCounts) -> tuple[object, ...]:
    return (
        run.number,
        name,
        counts.read,
        counts.new,
        counts.changed,
        counts.missing,
        rows,
        counts.counted,
        digest,
    )
