"""Records of metered billing: usage of a billing period by metric.

Source: "Get Usage", ``GET /api/billing/usage``. Numbers keep all digits of the reply; costs are decimal amounts in
their currency.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import attrs

from aiozbilling.records.amounts import amount_if_any
from aiozbilling.records.record import Record
from aiozbilling.records.times import refuse_bad_time
from aiozbilling.records.wire import on_wire

__all__ = ["EstimatedCost", "MeteredUsage", "MetricUsage", "Period", "ProjectedUsage"]

_EASTERNMOST = timedelta(hours=14)  # no time zone is further east of UTC
_LATEST = datetime.max.replace(tzinfo=UTC) - _EASTERNMOST


@attrs.frozen(kw_only=True, repr=False)
class Period(Record):
    """A billing period."""

    start: datetime = attrs.field(validator=lambda _record, _attribute, time: refuse_bad_time(time))
    """Beginning of the period, UTC."""
    end: datetime = attrs.field(validator=lambda _record, _attribute, time: refuse_bad_time(time))
    """End of the period, UTC; inclusive in the provider's sample (23:59:59 of the last day)."""

    @property
    def year_month(self) -> str:
        """Month of its first day, ``"2026-10"``, even if the period begins at midnight of a zone east of UTC."""
        return f"{min(self.start, _LATEST) + _EASTERNMOST:%Y-%m}"


@attrs.frozen(kw_only=True, repr=False)
class MetricUsage(Record):
    """Usage of one metric in the period."""

    name: str
    """Name for people, ``"API Calls"``."""
    unit: str
    """Unit of all numbers except `percentage`, such as ``"requests"`` or ``"GB"``."""
    included: Decimal = attrs.field(validator=amount_if_any)
    """Amount that the plan includes."""
    used: Decimal = attrs.field(validator=amount_if_any)
    """Amount used so far."""
    overage: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    """Amount used beyond the plan, or None if the provider leaves it out."""
    percentage: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    """Percentage of the included amount; it may be above 100. None if nothing is included."""


@attrs.frozen(kw_only=True, repr=False)
class EstimatedCost(Record):
    """Cost of the period so far, in `currency` (``"usd"``), exact."""

    base: Decimal = attrs.field(validator=amount_if_any)
    """Cost of the plan."""
    overage: Decimal = attrs.field(validator=amount_if_any)
    """Cost of usage beyond the plan."""
    total: Decimal = attrs.field(validator=amount_if_any)
    """Sum of both costs."""
    currency: str
    """ISO 4217 code in the provider's spelling."""


@attrs.frozen(kw_only=True, repr=False)
class ProjectedUsage(Record):
    """The provider's projection of a metric at the end of the period."""

    projected: Decimal = attrs.field(validator=amount_if_any)
    """Usage at the end of the period."""
    percentage: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    """Percentage of the included amount; it may be above 100. None if nothing is included."""


@attrs.frozen(kw_only=True, repr=False)
class MeteredUsage(Record):
    """Usage of a billing period."""

    period: Period
    """The billing period."""
    metrics: dict[str, MetricUsage] = attrs.field(hash=False)
    """Usage by the provider's metric id (``"apiCalls"``), including undocumented ids."""
    estimated_cost: EstimatedCost = attrs.field(metadata=on_wire("estimatedCost"))
    """Cost so far."""
    projected_usage: dict[str, ProjectedUsage] = attrs.field(
        factory=dict, hash=False, metadata=on_wire("projectedUsage")
    )
    """Projections by metric id, for some of the metrics or none."""
