"""The public API as users write it, checked by mypy and basedpyright in strict mode. It is never run."""

# pyright: strict

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from aiozbilling import (
    AiozBilling,
    AiozBillingError,
    ApiError,
    B3osBilling,
    Cursor,
    CuUsage,
    DayUsage,
    Listing,
    MeteredBilling,
    MeteredUsage,
    MonthUsage,
    Page,
    RateLimit,
    RetryPolicy,
    Secret,
    TopUp,
    WalkReport,
    exact_sum,
    to_dict,
    to_json,
)
from aiozbilling.export import ExportReport, Progress, export, stream_csv, stream_jsonl, sync
from aiozbilling.fleet import Outcome, fleet
from aiozbilling.report import write_report
from aiozbilling.simulator import Behaviour, Fault, Simulator
from aiozbilling.statement import Statement, collect, statement
from aiozbilling.sync import SyncReport, VerifyReport, verify
from aiozbilling.web import Feed, Shared, problem, started


async def read() -> Decimal:
    """Read the three systems, as README shows."""
    async with AiozBilling.from_env(timeout=10.0, rate_limit=RateLimit(180, 60.0)) as billing:
        month: MonthUsage = await billing.this_month_usage()
        top_ups: Listing[TopUp] = billing.top_ups(page_size=100, max_items=10, concurrency=2, on_drift="raise")
        async for row in top_ups:
            amount: Decimal = row.amount.value
            created: datetime | None = row.created_at
            print(row.id, amount, created, row.credit_usd)
        report: WalkReport = top_ups.report
        cursor: Cursor | None = top_ups.cursor
        page: Page[DayUsage] = await billing.history_usage(offset=5)
        days: list[DayUsage] = await billing.history_usage(after=cursor).collect()
        day: date = days[0].day
        print(month.total_cost_usd, report.consistency, page.total, len(page.items), day)
        other = billing.with_credentials(api_key=Secret("k"), secret_key="s")
        print(await other.this_month_usage())
    async with B3osBilling(token="b3sk_x", retry=RetryPolicy(attempts=2)) as b3os:
        usage: CuUsage = await b3os.cu_usage("org_1", date(2026, 10, 1))
        used = usage.summary.used if usage.summary else None
        print(used, (await b3os.cu_balance("org_1")).balance)
    async with MeteredBilling("https://billing.example.com", token="t") as metered:
        period: MeteredUsage = await metered.usage(metrics=["api_calls"])
        print(period.estimated_cost.total, [metric.used for metric in period.metrics.values()])
    return exact_sum(day.amount_usd for day in days)


async def follow(billing: AiozBilling) -> AsyncIterator[TopUp]:
    """Follow a list in an async generator."""
    async with aclosing(billing.top_ups().follow(every_s=10.0)) as rows:
        async for row in rows:
            yield row


async def files(billing: AiozBilling, path: Path) -> None:
    """Export, sync and verify."""

    def on_progress(progress: Progress) -> None:
        print(progress.rows, progress.total)

    report: ExportReport = await export(billing.top_ups(), path, since="2026-10", on_progress=on_progress)
    synced: SyncReport = await sync(billing, path.with_suffix(".db"), account="eu")
    checked: VerifyReport = verify(path.with_suffix(".db"))
    print(report.sha256, synced.top_ups_new, checked.is_ok)
    async for chunk in stream_csv(billing.top_ups()):
        print(len(chunk))
    print(await started(stream_jsonl(billing.history_usage())))


async def many() -> None:
    """Export many accounts, and report."""
    outcome: Outcome
    async for outcome in fleet("accounts.toml", "top_ups", "out", workers=8):
        print(outcome.account)
    async with AiozBilling(token="t") as billing:
        result: Statement = statement(await collect({"eu": billing}))
    print(write_report(result, "report.html", month="2026-10"))


async def web(billing: AiozBilling) -> None:
    """Serve shared answers, new rows and errors."""
    async with Shared[MonthUsage](max_age_s=15) as shared, Feed(billing.top_ups(), every_s=10) as feed:
        try:
            month = await shared.get("eu", billing.this_month_usage)
            print(to_dict(month), to_json([month]))
            of_any_type = Shared()
            print(await of_any_type.get("eu", billing.this_month_usage))
        except ApiError as error:
            print(problem(error).status, error.status, error.hint)
        except AiozBillingError as error:
            print(problem(error).status)
        async for row in feed.subscribe():
            print(row.id if row is not None else "heartbeat")


async def simulated() -> None:
    """Test with the simulator."""
    async with Simulator(seed=1, top_ups=10, behaviour=Behaviour(grow_per_request=1)) as simulator:
        simulator.fail(Fault("http-503"), times=2)
        account = simulator.add_account(top_ups=5)
        print(simulator.url, account.api_key, len(simulator.requests))
