"""Checks a ledger against its own hashes, counts and chain, without changing it."""

from __future__ import annotations

import re
import sqlite3
from decimal import Decimal, InvalidOperation
from os import PathLike
from pathlib import Path
from typing import Any

import attrs

from aiozbilling.errors import ConfigurationError, ExportError
from aiozbilling.records.amounts import exact_sum, scaled
from aiozbilling.sync.agreement import changed_objects, changed_states, damages
from aiozbilling.sync.layout import HISTORY, METERED_PERIODS, ROW_TABLES, TOP_UPS, LedgerTable
from aiozbilling.sync.read_only import opened_to_read
from aiozbilling.sync.rows import digest_text, row_hash
from aiozbilling.sync.runs import chain_of
from aiozbilling.sync.schema import VERSION, check_version
from aiozbilling.sync.views import VIEWS

__all__ = ["Difference", "ListTotal", "VerifyReport", "verify"]

_MOST_SHOWN = 1000


@attrs.frozen
class Difference:
    """A difference between the ledger and its hashes, counts or chain.

    Attributes:
        account: label of the account, or "" if the difference concerns no account.
        list: name of the table.
        key: key of the row or number of the run, or "" if the difference concerns the whole list.
        what: description of the difference.
    """

    account: str
    list: str
    key: str
    what: str


@attrs.frozen(kw_only=True)
class ListTotal:
    """Control totals of a list of an account, computed from its rows.

    Attributes:
        account: label of the account.
        list: name of the table.
        rows: number of stored rows, including removed ones.
        missing: number of rows that the provider removed.
        counted: the server's count of rows, or None.
        amount: exact sum of the rows that are not missing: credited USD of `top_ups`, USD of `history`, total costs of
            `metered_periods`, and None for other tables.
        gaps: days without a row between the first and the last day; None for a table without days.
    """

    account: str
    list: str
    rows: int
    missing: int
    counted: int | None
    amount: Decimal | None
    gaps: int | None


@attrs.frozen(kw_only=True)
class VerifyReport:
    """Result of `verify`.

    Attributes:
        path: path of the ledger.
        differences: the first 1000 differences.
        count: number of all differences.
        rows: number of rows that were hashed.
        runs: number of runs in the chain.
        chain: hash of the latest run. If you keep it elsewhere, a later `verify` can prove that nothing recorded until
            then was changed.
        totals: control totals by account and list.
    """

    path: Path
    differences: tuple[Difference, ...]
    count: int
    rows: int
    runs: int
    chain: str
    totals: tuple[ListTotal, ...]

    @property
    def is_ok(self) -> bool:
        """Whether nothing differs."""
        return not self.count


def verify(path: str | PathLike[str], *, chain: str | None = None) -> VerifyReport:
    """Recompute every hash, count and sum of a ledger, and report differences.

    It finds every row, change, view or trigger that was edited, added or deleted by hand. If someone also rewrote the
    hashes, only `chain` reveals it. The ledger is read row by row and is not locked.

    Args:
        path: path of the ledger.
        chain: an earlier `VerifyReport.chain`; one of the runs must have it.

    Raises:
        ConfigurationError: `chain` is no hash.
        ExportError: there is no such file, or it is not a ledger of this version.
    """
    if chain is not None and not re.fullmatch(r"[0-9a-f]{64}", chain):
        raise ConfigurationError("chain must be a hash of 64 digits (0-9, a-f), as verify returned it")
    file = Path(path)
    with opened_to_read(file) as database:
        version = check_version(database, file)
        if version != VERSION:
            reason = "this ledger is of an older version" if version else "this file is empty"
            raise ExportError(reason, path=str(file), hint="Sync once to migrate it" if version else "Sync first")
        return _Check(database).report(file, chain)


class _Check:
    """One reading of a ledger."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._differences: list[Difference] = []
        self._count = 0
        self._rows = 0
        self._totals: list[ListTotal] = []

    def report(self, path: Path, chain: str | None) -> VerifyReport:
        runs, latest = self._check_runs(chain)
        for table in ROW_TABLES:
            for account in self._accounts(table):
                self._check_rows(table, account)
        self._check_changes()
        for what in damages(self._database):
            self._differ("", "file", "", what)
        for name, what in changed_objects(self._database):
            self._differ("", "schema", name, what)
        for account, list_, what in changed_states(self._database):
            self._differ(account, list_, "", what)
        return VerifyReport(
            path=path,
            differences=tuple(self._differences),
            count=self._count,
            rows=self._rows,
            runs=runs,
            chain=latest,
            totals=tuple(self._totals),
        )

    def _differ(self, account: object, list_: str, key: object, what: str) -> None:
        self._count += 1
        if len(self._differences) < _MOST_SHOWN:
            self._differences.append(Difference(str(account), list_, str(key), what))

    def _check_runs(self, wanted: str | None) -> tuple[int, str]:
        statement = """
            SELECT run, result, chain, coalesce(ended_at, error, chain, (
              SELECT max(list) FROM run_lists WHERE run_lists.run = runs.run)) FROM runs ORDER BY run"""
        runs = self._database.execute(statement).fetchall()
        before, is_met = "", wanted is None
        for position, (run, result, chain, end) in enumerate(runs, 1):
            if run != position:
                self._differ("", "runs", position, "the run is gone")
                return len(runs), before
            if result == "running":  # or its process died, and the next sync will end its record
                if end is not None or position < len(runs):
                    self._differ(
                        "", "runs", run, "the run has an end or a successor, but its record says it is running"
                    )
                break
            if chain != chain_of(self._database, run, before):
                self._differ("", "runs", run, "the record of the run, of its lists or of its changes was edited")
            before = chain
            is_met = is_met or chain == wanted
        if not is_met:
            self._differ("", "runs", "", "no run has the expected chain: this is another ledger, or it was rewritten")
        return len(runs), before

    def _accounts(self, table: LedgerTable) -> list[str]:
        statement = f"SELECT account FROM {table.name} UNION SELECT account FROM contents WHERE list = ? ORDER BY 1"  # noqa: S608
        return [account for (account,) in self._database.execute(statement, (table.name,))]

    def _check_rows(self, table: LedgerTable, account: str) -> None:
        names = ", ".join(("account", *table.names, "first_seen_at", "changed_at", "missing_since", "row_hash"))
        statement = f"SELECT {names} FROM {table.name} WHERE account = ?"  # noqa: S608
        digest, rows, missing, amount = 0, 0, 0, _Amount(table)
        for *cells, stored in self._database.execute(statement, (account,)):
            found = row_hash(cells)
            if found != stored:
                self._differ(account, table.name, cells[1], "the row was edited")
            digest += int.from_bytes(found, "big")
            rows += 1
            if cells[-1] is None:
                amount.add(cells)
            else:
                missing += 1
        self._rows += rows
        self._check_content(table, account, rows, digest_text(digest))
        self._add_total(table, account, rows, missing, amount.total)

    def _check_content(self, table: LedgerTable, account: str, rows: int, digest: str) -> None:
        where = (account, table.name)
        content = self._database.execute("SELECT rows, digest FROM contents WHERE account = ? AND list = ?", where)
        expected, stored = content.fetchone() or (0, digest_text(0))
        if rows != expected:
            self._differ(account, table.name, "", f"{rows} rows are stored, but sync wrote {expected}")
        elif digest != stored:
            self._differ(account, table.name, "", "the rows are not those that sync wrote")
        latest = self._database.execute(
            "SELECT digest, stored FROM run_lists JOIN runs USING (run) WHERE account = ? AND list = ?"
            " ORDER BY run DESC LIMIT 1",
            where,
        ).fetchone()
        running = self._database.execute(
            "SELECT 1 FROM runs WHERE result = 'running' AND account = ?", (account,)
        ).fetchone()
        if latest != (stored, expected) and running is None:
            self._differ(account, table.name, "", "the table contents does not agree with the record of the latest run")

    def _check_changes(self) -> None:
        """Compare the last change of each changed cell with the row."""
        for table in ROW_TABLES:
            names = [column.name for column in table.columns if not column.is_derived] + ["missing_since"]
            for name in names:
                statement = f"""
                    SELECT latest.account, latest.key FROM (
                      SELECT account, key, new, max(rowid) FROM changes WHERE list = ? AND "column" = ?
                      GROUP BY account, key) AS latest
                    JOIN {table.name} AS stored ON stored.account = latest.account AND stored.{table.key} = latest.key
                    WHERE stored.{name} IS NOT latest.new"""  # noqa: S608
                for account, key in self._database.execute(statement, (table.name, name)):
                    self._differ(account, table.name, key, f"{name} differs from the last change")

    def _add_total(self, table: LedgerTable, account: str, rows: int, missing: int, amount: Decimal | None) -> None:
        where = (account, table.name)
        counted = self._database.execute("SELECT total FROM lists WHERE account = ? AND list = ?", where).fetchone()
        # Not from the view itself, which may have been edited.
        query = f"SELECT gaps FROM ({VIEWS['v_data_quality']}) WHERE account = ? AND list = ?"  # noqa: S608
        gaps = self._database.execute(query, where).fetchone()
        self._totals.append(
            ListTotal(
                account=account,
                list=table.name,
                rows=rows,
                missing=missing,
                counted=counted[0] if counted else None,
                amount=amount,
                gaps=gaps[0] if gaps else None,
            )
        )


class _Amount:
    """The exact sum of a table's amounts, or None if the table has none."""

    def __init__(self, table: LedgerTable) -> None:
        self.total = None if table not in (TOP_UPS, HISTORY, METERED_PERIODS) else Decimal(0)
        self._table = table
        self._places = {name: place for place, name in enumerate(table.names, 1)}

    def add(self, cells: list[Any]) -> None:
        """Add a row. A cell that is not a number adds nothing: the row's hash shows that it was edited."""
        amount = _number(self._cell_of(cells))
        if amount is not None and self.total is not None:
            self.total = exact_sum(self.total, amount if self._table is METERED_PERIODS else scaled(amount))

    def _cell_of(self, cells: list[Any]) -> str | None:
        at = self._places
        if self._table is TOP_UPS:
            credit, total = cells[at["credit_attousd"]], cells[at["total_amount_attousd"]]
            return (total if credit is None else credit) if cells[at["status"]] else None
        if self._table is HISTORY:
            return cells[at["total_amount_attousd"]]  # type: ignore[no-any-return]
        return cells[at["cost_total"]] if self._table is METERED_PERIODS else None


def _number(cell: object) -> Decimal | None:
    try:
        amount = Decimal(str(cell))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
