"""AIOZ Pin's endpoints and their replies."""

from __future__ import annotations

import attrs

from aiozbilling.exchange.endpoint import Endpoint, System
from aiozbilling.exchange.envelope import aioz_envelope
from aiozbilling.records.aioz import DayUsage, MonthUsage, TopUp

__all__ = ["HISTORY_USAGE", "THIS_MONTH_USAGE", "TOP_UP", "HistoryPage", "TopUpPage"]

_AIOZ = System(
    name="AIOZ",
    envelope=aioz_envelope,
    hints={
        400: "The server rejected the request; for a list, try a smaller page_size",
        401: (
            "Check the keys (AIOZ_PIN_API_KEY and AIOZ_PIN_SECRET_KEY) or the token (AIOZ_PIN_TOKEN), which may have"
            " expired. If the keys are right, a proxy may have dropped their headers, whose names have underscores"
            " (nginx: underscores_in_headers on)"
        ),
        403: "The key has no scope for billing",
        404: "Check that base_url is the root of the API",
    },
    quick=True,
)


def _check_count(total: int) -> None:
    if not 0 <= total < 2**53:
        raise ValueError(f"expected a total of rows, got {total},")


@attrs.define
class TopUpPage:
    """``data`` of topUp. The list may be null, and single rows may be null."""

    totals: int
    top_up_usages: list[TopUp | None] | None

    def __attrs_post_init__(self) -> None:
        _check_count(self.totals)


@attrs.define
class HistoryPage:
    """``data`` of historyUsage. The list may be null, and single rows may be null."""

    total_days: int
    history_usages: list[DayUsage | None] | None

    def __attrs_post_init__(self) -> None:
        _check_count(self.total_days)


THIS_MONTH_USAGE = Endpoint(_AIOZ, "/api/billing/thisMonthUsage", MonthUsage)
TOP_UP = Endpoint(_AIOZ, "/api/billing/topUp", TopUpPage)
HISTORY_USAGE = Endpoint(_AIOZ, "/api/billing/historyUsage", HistoryPage)
