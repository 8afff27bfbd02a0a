"""What users hold: frozen records with the provider's field names, exact amounts and aware UTC times."""

from __future__ import annotations

from aiozbilling.records.aioz import DayUsage, MonthUsage, TopUp
from aiozbilling.records.amounts import TokenAmount
from aiozbilling.records.b3os import CuBalance, CuDay, CuLine, CuSummary, CuUsage
from aiozbilling.records.metered import EstimatedCost, MeteredUsage, MetricUsage, Period, ProjectedUsage

__all__ = [
    "CuBalance",
    "CuDay",
    "CuLine",
    "CuSummary",
    "CuUsage",
    "DayUsage",
    "EstimatedCost",
    "MeteredUsage",
    "MetricUsage",
    "MonthUsage",
    "Period",
    "ProjectedUsage",
    "TokenAmount",
    "TopUp",
]
