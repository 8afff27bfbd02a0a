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
        account: its label.
        status: ``"complete"``, or ``"failed"`` with an `error`; what was read before stays, and the next run resumes.
        rows: in the dataset (of a sync: stored), in all.
        new_rows: of them, added by this run.
        usd: sum in USD of all rows, exact; None where no sum is known.
        amounts: sums by denomination in units of the wire, exact.
        error: what failed, or None.
        tags: of the account.
        is_rewritten: whether the top-ups were exported anew, as rows were corrected, removed, or added elsewhere.
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
    """How far a fleet is.

    Attributes:
        accounts: selected, in all.
        done: of them, with an outcome.
        failed: of those, with an error.
        rows: added by this run so far, those of unfinished accounts included.
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

    def came(self, outcome: Outcome) -> None:
        """Count an account that is finished."""
        self._done += 1
        self._failed += outcome.status == "failed"
        self._rows += outcome.new_rows
        self._unfinished.pop(outcome.account, None)
        self._report()

    def _report(self) -> None:
        rows = self._rows + sum(self._unfinished.values())
        self.report(FleetProgress(accounts=self.accounts, done=self._done, failed=self._failed, rows=rows))
