"""Records of the B3OS workflow API: compute units (CU) of an organization.

Source: "Get CU usage", ``GET /v1/organizations/{orgId}/cu/usage``. The page marks nothing as required, so what is
missing or null is None (or an empty tuple). Numbers are the provider's floats with all their digits.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import attrs

from aiozbilling.records.amounts import amount_if_any
from aiozbilling.records.record import Record
from aiozbilling.records.wire import on_wire

__all__ = ["CuBalance", "CuDay", "CuLine", "CuSummary", "CuUsage"]


def _amount() -> Decimal | None:
    amount: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    return amount


@attrs.frozen(kw_only=True, repr=False)
class CuLine(Record):
    """A line of a day's breakdown."""

    type: str | None = None
    """``"trigger"``, ``"action"`` or another word of the provider."""
    node_type: str | None = attrs.field(default=None, metadata=on_wire("nodeType"))
    """The kind of workflow node."""
    count: int | None = None
    """Number of runs."""
    cu: Decimal | None = _amount()
    """Compute units that the runs used."""


@attrs.frozen(kw_only=True, repr=False)
class CuDay(Record):
    """Compute units of one day."""

    date: str | None = None
    """The day in the provider's format."""
    used: Decimal | None = _amount()
    """Compute units used that day."""
    breakdown: tuple[CuLine, ...] = ()
    """Lines by node type, in the provider's order."""

    @property
    def day(self) -> dt.date | None:
        """The calendar day, or None if the provider returned none.

        Raises:
            ValueError: `date` does not begin with YYYY-MM-DD.
        """
        return None if not self.date else dt.date.fromisoformat(self.date[:10])


@attrs.frozen(kw_only=True, repr=False)
class CuSummary(Record):
    """Compute units of the month."""

    deposited: Decimal | None = _amount()
    """Compute units that were paid for."""
    granted: Decimal | None = _amount()
    """Compute units that the provider granted."""
    used: Decimal | None = _amount()
    """Compute units that were used."""


@attrs.frozen(kw_only=True, repr=False)
class CuUsage(Record):
    """Compute units of an organization in a month."""

    year_month: str | None = attrs.field(default=None, metadata=on_wire("yearMonth"))
    """The month, ``"2026-10"``."""
    daily: tuple[CuDay, ...] = ()
    """Days with usage, in the provider's order."""
    summary: CuSummary | None = None
    """The month's sums, or None."""


@attrs.frozen(kw_only=True, repr=False)
class CuBalance(Record):
    """Remaining compute units of an organization, the reply of ``GET /v1/organizations/{orgId}/cu``."""

    balance: Decimal | None = _amount()
    """Remaining compute units."""
    min_threshold: Decimal | None = attrs.field(default=None, validator=amount_if_any, metadata=on_wire("minThreshold"))
    """Balance below which the provider warns or stops workflows."""
