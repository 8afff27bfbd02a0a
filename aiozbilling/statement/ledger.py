"""Reads facts from the exact texts in a ledger."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any

from aiozbilling.errors import ExportError
from aiozbilling.records import TokenAmount
from aiozbilling.records.amounts import scaled_or_none
from aiozbilling.statement.facts import AccountFacts, Deposit, Facts, MonthSnapshot, SpendDay
from aiozbilling.statement.ledger_systems import read_cu, read_metered
from aiozbilling.sync.read_only import opened_to_read
from aiozbilling.sync.views import UNFINISHED_READING

__all__ = ["read_ledger"]


def read_ledger(path: str | PathLike[str]) -> Facts:
    """Read the facts from a ledger that `sync` wrote.

    Raises:
        ExportError: there is no such file, it is not a ledger, or a stored value is not what sync writes.
    """
    file = Path(path)
    with opened_to_read(file) as database, _values_named(file):
        accounts = _rows(database, "accounts", "account", order="account")
        return Facts(
            accounts=tuple(_account(database, account) for (account,) in accounts if _is_aioz(database, account)),
            cu=tuple(read_cu(database)),
            metered=tuple(read_metered(database)),
            source=f"ledger {file.name}",
        )


def _is_aioz(database: sqlite3.Connection, account: str) -> bool:
    """Return whether an account was ever read from AIOZ, not only from another system."""
    statement = "SELECT 1 FROM {} WHERE account = ? LIMIT 1"
    return any(
        database.execute(statement.format(name), (account,)).fetchone() for name in ("top_ups", "history", "lists")
    )


def _account(database: sqlite3.Connection, account: str) -> AccountFacts:
    read_at = "aioz_read_at" if _has(database, "accounts", "aioz_read_at") else "synced_at"
    (at,) = _rows(database, "accounts", read_at, account=account)[0]
    counts = dict(_rows(database, "lists", f"list, {_counted(database)}", account=account))
    return AccountFacts(
        account,
        deposits=tuple(map(_deposit, _rows(database, "top_ups", _DEPOSIT, account=account))),
        days=_each_day_once(account, [_day(row) for row in _rows(database, "history", _DAY, "date", account=account)]),
        snapshots=tuple(map(_snapshot, _rows(database, "months", _SNAPSHOT, "day", account=account))),
        read_at=_time(at),
        top_ups_counted=counts.get("top_ups"),
        history_counted=counts.get("history"),
        removed=_removed(database, account),
        tried_at=_tried_at(database, account),
    )


def _counted(database: sqlite3.Connection) -> str:
    """Return the provider's count as SQL: without null rows, where the latest whole reading added up."""
    return "total - excess * is_settled" if _has(database, "lists", "is_settled") else "total"


def _removed(database: sqlite3.Connection, account: str) -> int:
    statement = "SELECT count(*) FROM {} WHERE account = ? AND missing_since IS NOT NULL"
    tables = [name for name in ("top_ups", "history") if _has(database, name, "missing_since")]
    return sum(database.execute(statement.format(name), (account,)).fetchone()[0] for name in tables)


def _tried_at(database: sqlite3.Connection, account: str) -> dt.datetime | None:
    """Return the start of the latest run that read lists of AIOZ but is not complete. Version 1 has no runs."""
    if not _has(database, "runs", "started_at"):
        return None
    latest = f"SELECT max(started_at) FROM runs WHERE account = ? AND {UNFINISHED_READING}"  # noqa: S608
    return _time(database.execute(latest, (account,)).fetchone()[0])


_DEPOSIT = "id, created_at, denom, amount, total_amount_attousd, credit_attousd, status"
_DAY = "date, total_amount_attousd, total_storage_bytes, total_bandwidth_bytes"
_SNAPSHOT = "read_at, storage_cost_attousd, bandwidth_cost_attousd"


def _deposit(row: tuple[Any, ...]) -> Deposit:
    id_, created_at, denom, amount, total, credit, status = row
    token = TokenAmount(denom, Decimal(amount))
    usd = scaled_or_none(_amount(total if credit is None else credit))
    return Deposit(id_, _time(created_at), token.symbol, token.value, usd, bool(int(status)))


def _day(row: tuple[Any, ...]) -> SpendDay:
    date, usd, storage, bandwidth = row
    return SpendDay(dt.date.fromisoformat(date[:10]), scaled_or_none(_amount(usd)), int(storage), int(bandwidth))


def _snapshot(row: tuple[Any, ...]) -> MonthSnapshot:
    at, storage, bandwidth = row
    moment = _time(at)
    assert moment is not None
    return MonthSnapshot(moment, scaled_or_none(_amount(storage)), scaled_or_none(_amount(bandwidth)))


def _each_day_once(account: str, days: list[SpendDay]) -> tuple[SpendDay, ...]:
    for day, after in pairwise(days):
        if day.day == after.day:
            raise ExportError(f"account {account!r} has two rows for {day.day}, and it is unknown which one is right")
    return tuple(days)


def _amount(text: str | int | None) -> Decimal | None:
    amount = None if text is None else Decimal(text)
    if amount is not None and not amount.is_finite():
        raise ValueError(text)
    return amount


def _time(text: str | None) -> dt.datetime | None:
    if not text:
        return None
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def _rows(
    database: sqlite3.Connection, table: str, columns: str, order: str = "1", *, account: str | None = None
) -> list[tuple[Any, ...]]:
    where, values = ("", ()) if account is None else (" WHERE account = ?", (account,))
    if _has(database, table, "missing_since"):
        where = f"{where or ' WHERE 1'} AND missing_since IS NULL"
    return database.execute(f"SELECT {columns} FROM {table}{where} ORDER BY {order}", values).fetchall()  # noqa: S608


def _has(database: sqlite3.Connection, table: str, column: str) -> bool:
    return any(row[1] == column for row in database.execute(f"PRAGMA table_info({table})"))


@contextmanager
def _values_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (ArithmeticError, TypeError, ValueError) as error:
        reason, hint = "a stored value is not one that sync writes", "aiozbilling verify FILE names the row"
        raise ExportError(reason, path=str(path), hint=hint) from error
