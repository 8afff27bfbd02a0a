"""The outcome of one account, and the progress of a fleet."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import attrs

__all__ = ["FleetProgress", "Outcome"]


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
    """

    account: str
    status: Literal["complete", "failed"]
    rows: int = 0
    new_rows: int = 0
    usd: Decimal | None = None
    amounts: Mapping[str, Decimal] = attrs.field(factory=dict)
    error: Exception | None = None
    tags: Mapping[str, str] = attrs.field(factory=dict)


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
