"""Reads the facts of accounts from the providers, without a ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from aiozbilling.records.calendar import month_of, next_month
from aiozbilling.statement.facts import AccountFacts, Facts, account_facts

if TYPE_CHECKING:
    from aiozbilling.clients.aioz import AiozBilling
    from aiozbilling.clients.b3os import B3osBilling
    from aiozbilling.clients.metered import MeteredBilling
    from aiozbilling.listing.window import WalkReport
    from aiozbilling.records import CuUsage, MeteredUsage

__all__ = ["collect", "collect_account"]


async def collect_account(
    billing: AiozBilling, account: str = "main", *, read_at: dt.datetime | None = None
) -> AccountFacts:
    """Read an account's top-ups, daily history and current month.

    Args:
        billing: the account's client.
        account: your label for the account.
        read_at: the time of this reading, UTC, for a simulated clock. Default: now.

    Raises:
        AiozBillingError: a request failed.
    """
    at = dt.datetime.now(dt.UTC) if read_at is None else read_at
    month = await billing.this_month_usage()  # before the lists, which may take minutes: at midnight, the month changes
    top_ups, history = billing.top_ups(), billing.history_usage()
    facts = account_facts(
        account,
        top_ups=await top_ups.collect(),
        history=await history.collect(),
        months=[(at, month)],
        read_at=at,
    )
    return attrs.evolve(facts, top_ups_counted=_counted(top_ups.report), history_counted=_counted(history.report))


def _counted(report: WalkReport) -> int | None:
    """Return the provider's count without the null rows, which it counts and which hold nothing."""
    return None if report.total_last is None else report.total_last - report.null_rows_skipped


async def collect(
    accounts: Mapping[str, AiozBilling],
    *,
    b3os: Mapping[str, tuple[B3osBilling, str]] | None = None,
    metered: Mapping[str, MeteredBilling] | None = None,
    months: int = 12,
    read_at: dt.datetime | None = None,
    source: str = "",
) -> Facts:
    """Read accounts of the three systems, one after another.

    Args:
        accounts: clients of AIOZ Pin by label.
        b3os: clients of B3OS with the organization's id, by label.
        metered: clients of metered billing by label.
        months: number of months of B3OS and metered billing, including the current month.
        read_at: the time of this reading, UTC, for a simulated clock. Default: when the reading of each account begins.
        source: a description of what is read, shown to people.

    Raises:
        AiozBillingError: a request failed.
    """
    at = dt.datetime.now(dt.UTC) if read_at is None else read_at
    last = month_of(at.date())
    since = next_month(last, 1 - months)
    units: list[tuple[str, CuUsage]] = []
    usages: list[tuple[str, MeteredUsage]] = []
    for label, (units_client, organization) in (b3os or {}).items():
        months_of_units = units_client.cu_usage_by_month(organization, since=since, until=last)
        units += [(label, units_of_month) async for units_of_month in months_of_units]
    for label, metered_client in (metered or {}).items():
        by_month = metered_client.usage_by_month(since=since, until=last)
        # A period that has parts of two months is the reply for both, as in the ledger.
        periods = {usage.period.start: usage async for usage in by_month}
        usages += [(label, usage) for usage in periods.values()]
    facts = [await collect_account(billing, label, read_at=read_at) for label, billing in accounts.items()]
    return Facts(tuple(facts), tuple(units), tuple(usages), source)
