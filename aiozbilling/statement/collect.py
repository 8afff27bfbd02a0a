"""The facts of an account, read from the provider without a ledger."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from aiozbilling.statement.facts import AccountFacts, account_facts

if TYPE_CHECKING:
    from aiozbilling.clients.aioz import AiozBilling

__all__ = ["collect_account"]


async def collect_account(
    billing: AiozBilling, account: str = "main", *, read_at: dt.datetime | None = None
) -> AccountFacts:
    """Read an account's top-ups, daily history and running month.

    Args:
        billing: the account's client.
        account: a label of yours.
        read_at: the time of this reading, UTC, for a simulated clock. Default: now.

    Raises:
        AiozBillingError: an answer could not be had.
    """
    at = dt.datetime.now(dt.UTC) if read_at is None else read_at
    top_ups, history = billing.top_ups(), billing.history_usage()
    facts = account_facts(
        account,
        top_ups=await top_ups.collect(),
        history=await history.collect(),
        months=[(at, await billing.this_month_usage())],
        read_at=at,
    )
    return attrs.evolve(facts, top_ups_counted=top_ups.report.total_last, history_counted=history.report.total_last)
