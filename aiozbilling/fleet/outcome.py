"""The outcome of one account, and the progress of a fleet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal

import attrs

__all__ = ["Count", "FleetProgress", "Outcome"]


@attrs.frozen(kw_only=True)
class Outcome:
    """The outcome of one account in one run.

    Attributes:
        account: label of the account.
        status: ``"complete"``, or ``"failed"`` with an `error`. Rows read before a failure are kept, and the next run
            resumes; new rows of an incremental run are read again.
        rows: number of rows of the account in the dataset or ledger.
        new_rows: number of rows that this run added.
        usd: sum in USD of all rows, exact, or None if unknown.
        amounts: sums by denomination in the provider's units, exact.
        error: the error, or None.
        tags: tags of the account.
        is_rewritten: whether all top-ups were exported again, because rows were corrected, removed or added elsewhere.
    """

    account: str
    status: Literal["complete", "failed"]
    rows: int = 0
    new_rows: int = 0
    usd: Decimal | None = None
    amounts: Mapping[str, Decimal] = attrs.field(factory=dict)
    error: Exception | None = None
    tags: Mapping[str, str] = attrs.field(factory=dict)
    is_rewritten: bool = False


@attrs.frozen(kw_only=True)
class FleetProgress:
    """Progress of a fleet.

    Attributes:
        accounts: number of selected accounts.
        done: number of accounts with an outcome.
        failed: number of accounts with an error.
        rows: rows that this run added so far, including those of unfinished accounts.
    """

    accounts: int
    done: int
    failed: int
    rows: int


@attrs.define(eq=False)
class Count:
    """Adds up the progress of all accounts, and reports it."""

    accounts: int
    report: Callable[[FleetProgress], object]
    _done: int = attrs.field(default=0, init=False)
    _failed: int = attrs.field(default=0, init=False)
    _rows: int = attrs.field(default=0, init=False)
    _unfinished: dict[str, int] = attrs.field(factory=dict, init=False)

    def read(self, label: str, rows: int) -> None:
        """Count the rows that this run added to an account so far."""
        self._unfinished[label] = rows
        self._report()

    def ended(self, outcome: Outcome) -> None:
        """Count a finished account."""
        self._done += 1
        self._failed += outcome.status == "failed"
        read = self._unfinished.pop(outcome.account, 0)
        self._rows += read if outcome.status == "failed" else outcome.new_rows  # the count does not go down
        self._report()

    def _report(self) -> None:
        rows = self._rows + sum(self._unfinished.values())
        self.report(FleetProgress(accounts=self.accounts, done=self._done, failed=self._failed, rows=rows))
