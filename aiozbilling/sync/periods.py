"""Stores B3OS and metered billing in the ledger: whole months, which are read again until they no longer change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiozbilling.clients.b3os import CU_USAGE, B3osBilling
from aiozbilling.clients.metered import MeteredBilling
from aiozbilling.errors import DecodeError
from aiozbilling.export.in_thread import in_thread
from aiozbilling.records import CuUsage, MeteredUsage
from aiozbilling.records.calendar import SETTLES_IN, month_of, months_between, next_month
from aiozbilling.records.texts import decimal_text, time_text
from aiozbilling.sync.identity import OTHER_LABEL, UNPROVEN, is_known, refused
from aiozbilling.sync.layout import CU_DAYS, CU_LINES, CU_MONTHS, METERED_PERIODS, METERED_USAGE, LedgerTable, Row
from aiozbilling.sync.runs import ListCounts
from aiozbilling.sync.store import Ledger

__all__ = ["confirm_b3os", "confirm_metered", "cu_rows", "metered_rows", "sync_b3os", "sync_metered"]

_FIRST_MONTHS = 12  # the first run reads so many; metered billing has no older ones
_SAME_METRICS = 3  # metrics with the same usage prove that two labels have the same account
_USED = METERED_USAGE.names.index("used")

Rows = dict[LedgerTable, list[Row]]


async def sync_b3os(ledger: Ledger, b3os: B3osBilling, organization: str, counts: dict[str, ListCounts]) -> int:
    """Read the months that may have changed, and return the number of requests."""
    since, until = await in_thread(_months, ledger, CU_MONTHS)
    async for usage in b3os.cu_usage_by_month(organization, since=since, until=until):
        month = usage.year_month
        assert month is not None  # cu_usage_by_month names each month
        await in_thread(_store, ledger, cu_rows(usage, month, organization), month, counts)
    return len(months_between(since, until))  # also those that the server does not find


async def sync_metered(ledger: Ledger, metered: MeteredBilling, counts: dict[str, ListCounts]) -> int:
    """Read the months that may have changed, and return the number of requests."""
    since, until = await in_thread(_months, ledger, METERED_PERIODS)
    requests = 0
    async for usage in metered.usage_by_month(since=since, until=until):
        requests += 1
        rows = metered_rows(usage)
        await in_thread(_store, ledger, rows, usage.period.year_month, counts)
    return requests


def confirm_b3os(ledger: Ledger, organization: str) -> None:
    """Make sure that the organization is the one that is stored under the label. One token may have several of them.

    Raises:
        ExportError: the label has another organization, or the organization has another label.
    """
    stored = ledger.select("SELECT DISTINCT account, organization FROM cu_months")
    for account, theirs in stored:
        if (account == ledger.account) != (theirs == organization):
            raise refused(
                ledger,
                f"account {account!r} contains the compute units of organization {theirs!r}",
                "Use another label for each organization (account=, --account)",
            )


async def confirm_metered(ledger: Ledger, metered: MeteredBilling, fingerprint: str) -> None:
    """Make sure that the session reads the usage that is stored under the label.

    The token of a session changes often. A new one is accepted if it reads the same usage of a stored period, the one
    with the most metrics in use of the last 11 months.

    Raises:
        ExportError: the usage of that period differs, or there is no such period. Or the label is new, and the usage is
            stored under another label.
    """
    if await in_thread(is_known, ledger, "metered", fingerprint):
        return
    month = await in_thread(_busiest_month, ledger)
    if month is None:
        await in_thread(_refuse_unproven, ledger)
        await _refuse_second_label(ledger, metered)
        return
    async for usage in metered.usage_by_month(since=month, until=month):
        if not await in_thread(_is_stored, ledger, metered_rows(usage)[METERED_USAGE], month, ledger.account):
            last_read = await in_thread(_last_read, ledger, METERED_PERIODS)
            if last_read is None or usage.period.end > last_read:
                raise refused(
                    ledger,
                    f"nothing proves that this new token reads account {ledger.account!r}: only the period that had not"
                    " ended is stored, and its usage has changed since",
                    UNPROVEN.format("after the period has ended"),
                )
            reason = f"the usage of {month} differs from the one that is stored as account {ledger.account!r}"
            raise refused(ledger, reason, OTHER_LABEL)


def _busiest_month(ledger: Ledger, *, of_others: bool = False) -> str | None:
    """Return the one of the last 11 months with the most metrics in use, of the account or of all others.

    The running month, whose usage still changes, is returned if no other has any usage.
    """
    rows = ledger.select(
        f"SELECT year_month FROM metered_usage WHERE account {'<>' if of_others else '='} ? AND year_month > ?"  # noqa: S608
        " AND CAST(used AS REAL) <> 0 AND missing_since IS NULL"
        " GROUP BY year_month ORDER BY year_month >= ?, count(*) DESC, year_month LIMIT 1",
        ledger.account,
        f"{ledger.clock() - timedelta(days=330):%Y-%m}",
        f"{ledger.clock():%Y-%m}",
    )
    return str(rows[0][0]) if rows else None


def _refuse_unproven(ledger: Ledger) -> None:
    if ledger.select("SELECT 1 FROM metered_periods WHERE account = ? LIMIT 1", ledger.account):
        raise refused(
            ledger,
            f"nothing proves that this new token reads account {ledger.account!r}: no stored period of the last 11"
            " months has any usage",
            UNPROVEN.format("after a period with usage has ended"),
        )


async def _refuse_second_label(ledger: Ledger, metered: MeteredBilling) -> None:
    """Compare a month of the new label with the usage of the other labels: one account with two labels counts twice."""
    month = await in_thread(_busiest_month, ledger, of_others=True)
    if month is None or month >= f"{ledger.clock():%Y-%m}":
        return
    async for usage in metered.usage_by_month(since=month, until=month):
        await in_thread(_refuse_stored, ledger, metered_rows(usage)[METERED_USAGE], month)


def _refuse_stored(ledger: Ledger, found: Sequence[Row], month: str) -> None:
    if sum(row[_USED] not in (None, "0") for row in found) < _SAME_METRICS:
        return
    for (other,) in ledger.select("SELECT account FROM accounts WHERE account <> ?", ledger.account):
        if _is_stored(ledger, found, month, other):
            raise refused(ledger, f"this account is stored as {other!r}, with the same usage", "Use that label")


def cu_rows(usage: CuUsage, month: str, organization: str) -> Rows:
    """Convert a month of compute units to rows.

    Raises:
        DecodeError: a day occurs twice, so that it is unknown what was used on it.
    """
    dates = [day.date for day in usage.daily]
    for i, date in enumerate(dates):
        if date and date in dates[:i]:
            raise DecodeError([f"the day at $.data.daily[{i}] of {month} occurs twice"], endpoint=CU_USAGE.title)
    summary = usage.summary
    sums = (None, None, None) if summary is None else (summary.deposited, summary.granted, summary.used)
    days = [day for day in usage.daily if day.date]
    repeated: Counter[str] = Counter()
    lines: list[Row] = []
    for day in days:
        for line in day.breakdown:
            key: list[object] = [day.date, line.type, line.node_type]
            repeated[json.dumps(key)] += 1
            if (number := repeated[json.dumps(key)]) > 1:
                key.append(number)
            count = line.count if line.count is None or abs(line.count) < 2**63 else str(line.count)
            lines.append((json.dumps(key), month, day.date, line.type, line.node_type, count, *_both(line.cu)))
    return {
        CU_MONTHS: [(month, organization, *map(_exact, sums))],
        CU_DAYS: [(day.date, month, *_both(day.used)) for day in days],
        CU_LINES: lines,
    }


def metered_rows(usage: MeteredUsage) -> Rows:
    """Convert the usage of a period to rows."""
    period, cost = usage.period, usage.estimated_cost
    start, end, month = time_text(period.start), time_text(period.end), period.year_month
    rows: list[Row] = []
    for id_, metric in usage.metrics.items():
        projection = usage.projected_usage.get(id_)
        projected = (None, None) if projection is None else (projection.projected, projection.percentage)
        amounts = (metric.included, metric.used, metric.overage, metric.percentage, *projected)
        where = (json.dumps([start, id_]), start, month, id_, metric.name, metric.unit)
        rows.append((*where, *map(_exact, amounts)))
    costs = (*map(_exact, (cost.base, cost.overage, cost.total)), float(cost.total), cost.currency)
    return {METERED_PERIODS: [(start, end, month, *costs)], METERED_USAGE: rows}


def _store(ledger: Ledger, rows: Rows, month: str, counts: dict[str, ListCounts]) -> None:
    stored = ledger.replace(month, rows)
    for table, found in rows.items():
        before = counts.get(table.name, ListCounts())
        counts[table.name] = before.plus(stored[table.name], read=len(found))


def _months(ledger: Ledger, table: LedgerTable) -> tuple[str, str]:
    """Return the first and the last month to read."""
    until = month_of(ledger.clock().astimezone(UTC))
    first = next_month(until, 1 - _FIRST_MONTHS)
    latest = ledger.select(f"SELECT max(year_month) FROM {table.name} WHERE account = ?", ledger.account)[0][0]  # noqa: S608
    last_read = _last_read(ledger, table)
    if latest is None or last_read is None:
        return first, until
    since = min(str(latest), month_of(last_read - SETTLES_IN), until)
    # Of an older month, metered billing has lost days: reading it again would replace true figures.
    return (max(since, first) if table is METERED_PERIODS else since), until


def _last_read(ledger: Ledger, table: LedgerTable) -> datetime | None:
    """Return the start of the last complete run that read the table, or None."""
    rows = ledger.select(
        "SELECT max(runs.started_at) FROM runs JOIN run_lists USING (run)"
        " WHERE account = ? AND list = ? AND rows_read > 0 AND result = 'complete'",
        ledger.account,
        table.name,
    )
    return datetime.fromisoformat(str(rows[0][0])) if rows[0][0] else None


def _is_stored(ledger: Ledger, rows: Sequence[Row], month: str, account: str) -> bool:
    stored = ledger.select(
        "SELECT key, used FROM metered_usage WHERE account = ? AND year_month = ? AND missing_since IS NULL",
        account,
        month,
    )
    return {row[0]: row[_USED] for row in rows} == dict(stored)


def _exact(amount: Any) -> str | None:
    return None if amount is None else decimal_text(amount)


def _both(amount: Any) -> tuple[str | None, float | None]:
    return (None, None) if amount is None else (decimal_text(amount), float(amount))
