"""A ledger with rows written by hand."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiozbilling.export.disk import Disk
from aiozbilling.sync.layout import LedgerTable, Row
from aiozbilling.sync.store import Ledger


class WrittenLedger:
    """One account of a ledger, in a run that has begun."""

    def __init__(self, path: Path, account: str = "main") -> None:
        self.path = path
        self.ledger = Ledger(Disk(), path, account, lambda: datetime(2026, 11, 1, 9, tzinfo=UTC))
        self.ledger.begin("https://example.com")
        self.ledger.accept_identity("aioz", f"fingerprint of {account}", "https://example.com")

    def store(self, table: LedgerTable, rows: list[Row]) -> None:
        """Store rows as sync does."""
        self.ledger.store(table, rows)

    def rows(self, statement: str) -> list[Any]:
        """Return the rows of a query from another connection."""
        with closing(sqlite3.connect(self.path)) as database:
            return database.execute(statement).fetchall()

    def execute(self, statement: str, *values: object) -> None:
        """Change the database by hand."""
        with closing(sqlite3.connect(self.path)) as database:
            database.execute(statement, values)
            database.commit()

    def close(self) -> None:
        """Close it."""
        self.ledger.close()


def top_up_row(id_: str, attousd: int, day: str = "2026-10-01", status: int = 1) -> Row:
    """Return a row of top_ups."""
    time = f"{day}T12:00:00.000000Z"
    tokens = (1.0, "AIOZ")
    hashes = ("s", "r", "c", "", 1, 2, str(10**18), "attoaioz")
    return (id_, day, time, None, status, *tokens, attousd / 10**18, *hashes, None, str(attousd))


def day_row(day: str, attousd: int, storage: int = 5) -> Row:
    """Return a row of history."""
    stored = storage if storage < 2**63 else str(storage)
    return (f"{day}T00:00:00.000000Z", day, stored, 6, attousd / 10**18, str(attousd))


def month_row(day: str, storage: int, bandwidth: int) -> Row:
    """Return a row of months."""
    costs = (storage / 10**18, bandwidth / 10**18, (storage + bandwidth) / 10**18)
    return (day, f"{day}T09:00:00.000000Z", 1, 2, 3, *costs, str(storage), str(bandwidth))
