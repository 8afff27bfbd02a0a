"""Records of metered billing: usage of a billing period by metric.

Source: "Get Usage", ``GET /api/billing/usage``. Numbers are kept digit by digit as the wire gives them; costs are
decimal amounts of their currency.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from aiozbilling.records.amounts import amount_if_any
from aiozbilling.records.record import Record
from aiozbilling.records.times import refuse_bad_time
from aiozbilling.records.wire import on_wire

__all__ = ["EstimatedCost", "MeteredUsage", "MetricUsage", "Period", "ProjectedUsage"]


@attrs.frozen(kw_only=True, repr=False)
class Period(Record):
    """A billing period."""

    start: datetime = attrs.field(validator=lambda _record, _attribute, time: refuse_bad_time(time))
    """Its first moment, UTC."""
    end: datetime = attrs.field(validator=lambda _record, _attribute, time: refuse_bad_time(time))
    """Its last moment, UTC; inclusive in the provider's sample (23:59:59 of the last day)."""


@attrs.frozen(kw_only=True, repr=False)
class MetricUsage(Record):
    """Usage of one metric in the period."""

    name: str
    """Name for people, ``"API Calls"``."""
    unit: str
    """Unit of all the numbers but `percentage`, ``"requests"``, ``"GB"``."""
    included: Decimal = attrs.field(validator=amount_if_any)
    """Included in the plan."""
    used: Decimal = attrs.field(validator=amount_if_any)
    """Used so far."""
    overage: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    """Used beyond the plan, or None where the provider leaves it out."""
    percentage: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    """Percentage of what is included; it may be above 100. None where nothing is included."""


@attrs.frozen(kw_only=True, repr=False)
class EstimatedCost(Record):
    """Cost of the period so far, in `currency` (``"usd"``), exact."""

    base: Decimal = attrs.field(validator=amount_if_any)
    """Cost of the plan."""
    overage: Decimal = attrs.field(validator=amount_if_any)
    """Cost of usage beyond the plan."""
    total: Decimal = attrs.field(validator=amount_if_any)
    """Both together."""
    currency: str
    """ISO 4217 code as the provider writes it."""


@attrs.frozen(kw_only=True, repr=False)
class ProjectedUsage(Record):
    """The provider's projection of a metric at the end of the period."""

    projected: Decimal = attrs.field(validator=amount_if_any)
    """Usage at the end of the period."""
    percentage: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    """Percentage of what is included; it may be above 100. None where nothing is included."""


@attrs.frozen(kw_only=True, repr=False)
class MeteredUsage(Record):
    """Usage of a billing period."""

    period: Period
    """What the numbers cover."""
    metrics: dict[str, MetricUsage]
    """Usage by the provider's metric id (``"apiCalls"``); ids that are not documented pass."""
    estimated_cost: EstimatedCost = attrs.field(metadata=on_wire("estimatedCost"))
    """Cost so far."""
    projected_usage: dict[str, ProjectedUsage] = attrs.field(factory=dict, metadata=on_wire("projectedUsage"))
    """Projections by metric id, for some of the metrics or none."""
