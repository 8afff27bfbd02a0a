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
    """A billing period.

    Attributes:
        start: its first moment, UTC.
        end: its last moment, UTC; inclusive in the provider's sample (23:59:59 of the last day).
    """

    start: datetime = attrs.field(validator=lambda _record, _attribute, time: refuse_bad_time(time))
    end: datetime = attrs.field(validator=lambda _record, _attribute, time: refuse_bad_time(time))


@attrs.frozen(kw_only=True, repr=False)
class MetricUsage(Record):
    """Usage of one metric in the period.

    Attributes:
        name: for people, ``"API Calls"``.
        unit: of all the numbers but `percentage`, ``"requests"``, ``"GB"``.
        included: in the plan.
        used: so far.
        overage: beyond the plan, or None where the provider leaves it out.
        percentage: of what is included, may be above 100; None where nothing is included.
    """

    name: str
    unit: str
    included: Decimal = attrs.field(validator=amount_if_any)
    used: Decimal = attrs.field(validator=amount_if_any)
    overage: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    percentage: Decimal | None = attrs.field(default=None, validator=amount_if_any)


@attrs.frozen(kw_only=True, repr=False)
class EstimatedCost(Record):
    """Cost of the period so far, in `currency` (``"usd"``), exact.

    Attributes:
        base: of the plan.
        overage: beyond the plan.
        total: both.
        currency: ISO 4217 code as the provider writes it.
    """

    base: Decimal = attrs.field(validator=amount_if_any)
    overage: Decimal = attrs.field(validator=amount_if_any)
    total: Decimal = attrs.field(validator=amount_if_any)
    currency: str


@attrs.frozen(kw_only=True, repr=False)
class ProjectedUsage(Record):
    """The provider's projection of a metric at the end of the period.

    Attributes:
        projected: usage at the end of the period.
        percentage: of what is included, may be above 100; None where nothing is included.
    """

    projected: Decimal = attrs.field(validator=amount_if_any)
    percentage: Decimal | None = attrs.field(default=None, validator=amount_if_any)


@attrs.frozen(kw_only=True, repr=False)
class MeteredUsage(Record):
    """Usage of a billing period.

    Attributes:
        period: what the numbers cover.
        metrics: usage by the provider's metric id (``"apiCalls"``); ids that are not documented pass.
        estimated_cost: cost so far.
        projected_usage: projections by metric id, for some of the metrics or none.
    """

    period: Period
    metrics: dict[str, MetricUsage]
    estimated_cost: EstimatedCost = attrs.field(metadata=on_wire("estimatedCost"))
    projected_usage: dict[str, ProjectedUsage] = attrs.field(factory=dict, metadata=on_wire("projectedUsage"))
