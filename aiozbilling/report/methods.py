"""The methods of the figures, in one sentence each."""

from __future__ import annotations

from aiozbilling.statement.balance import BALANCE_METHOD
from aiozbilling.statement.estimates import PROJECTION_METHOD, RUNWAY_METHOD
from aiozbilling.statement.unusual import UNUSUAL_METHOD

__all__ = ["METHODS"]

METHODS = {
    "Months": "sums of the daily history, exact, rounded here. A month is closed (no *) when the history has a day of a"
    " later month, or when everything was read at least three days after its end.",
    "Storage and bandwidth": "from the month's last snapshot; usage after it is not split.",
    "Balance": f"{BALANCE_METHOD}. Deposits that are not credited don't count.",
    "Runway": f"an estimate: {RUNWAY_METHOD}. Money doesn't move between accounts, so the first one to end counts.",
    "Projection": f"an estimate: {PROJECTION_METHOD}.",
    "Unusual": f"{UNUSUAL_METHOD}.",
    "Per TB": "the spend of a whole month, bandwidth included, by the mean of the bytes stored (10¹² to a TB).",
}
