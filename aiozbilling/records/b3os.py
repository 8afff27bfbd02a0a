"""Records of the B3OS workflow API: compute units (CU) of an organisation.

Source: "Get CU usage", ``GET /v1/organizations/{orgId}/cu/usage``. The page marks nothing as required, so what is
missing or null is None (or an empty tuple). Numbers are the provider's floats, kept digit by digit.
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
    """A line of a day's breakdown.

    Attributes:
        type: ``"trigger"``, ``"action"`` or another word of the provider's.
        node_type: the kind of workflow node.
        count: how many runs.
        cu: compute units they used.
    """

    type: str | None = None
    node_type: str | None = attrs.field(default=None, metadata=on_wire("nodeType"))
    count: int | None = None
    cu: Decimal | None = _amount()


@attrs.frozen(kw_only=True, repr=False)
class CuDay(Record):
    """Compute units of one day.

    Attributes:
        date: the day as the provider writes it.
        used: compute units used that day.
        breakdown: lines by node type, in the provider's order.
    """

    date: str | None = None
    used: Decimal | None = _amount()
    breakdown: tuple[CuLine, ...] = ()

    @property
    def day(self) -> dt.date | None:
        """The calendar day, or None where the provider gave none.

        Raises:
            ValueError: `date` does not begin with YYYY-MM-DD.
        """
        return None if not self.date else dt.date.fromisoformat(self.date[:10])


@attrs.frozen(kw_only=True, repr=False)
class CuSummary(Record):
    """Compute units of the month.

    Attributes:
        deposited: paid in.
        granted: given by the provider.
        used: used up.
    """

    deposited: Decimal | None = _amount()
    granted: Decimal | None = _amount()
    used: Decimal | None = _amount()


@attrs.frozen(kw_only=True, repr=False)
class CuUsage(Record):
    """Compute units of an organisation in a month.

    Attributes:
        year_month: the month, ``"2026-10"``.
        daily: days with usage, in the provider's order.
        summary: the month's sums, or None.
    """

    year_month: str | None = attrs.field(default=None, metadata=on_wire("yearMonth"))
    daily: tuple[CuDay, ...] = ()
    summary: CuSummary | None = None


@attrs.frozen(kw_only=True, repr=False)
class CuBalance(Record):
    """Compute units that an organisation has left, the reply of ``GET /v1/organizations/{orgId}/cu``.

    Attributes:
        balance: compute units left.
        min_threshold: the balance below which the provider warns or stops.
    """

    balance: Decimal | None = _amount()
    min_threshold: Decimal | None = attrs.field(default=None, validator=amount_if_any, metadata=on_wire("minThreshold"))
