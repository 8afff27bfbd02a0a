"""The command that reads metered billing."""

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aiozbilling.cli.messages import note
from aiozbilling.cli.options import (
    Access,
    BaseUrl,
    Concurrency,
    Decimals,
    OutputFormat,
    Simulated,
    Since,
    Timeout,
    Until,
)
from aiozbilling.cli.output import printer
from aiozbilling.cli.sources import with_metered
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from aiozbilling import MeteredBilling
    from aiozbilling.simulator import Simulator

__all__ = ["metered"]


_By = Annotated[
    Literal["metric", "period"],
    typer.Option("--by", metavar="ROW", help="What one row of csv or json describes: metric (usage) or period (cost)."),
]
_Start = Annotated[
    str | None, typer.Option("--start", metavar="DATE", show_default=False, help="First day, as 2024-01-31.")
]
_End = Annotated[str | None, typer.Option("--end", metavar="DATE", show_default=False, help="Last day, as 2024-02-29.")]
_Metrics = Annotated[
    str | None,
    typer.Option(
        "--metrics", metavar="ID,ID", show_default=False, help="Only these metrics, such as api_calls,storage."
    ),
]


def metered(
    *,
    start: _Start = None,
    end: _End = None,
    since: Since = None,
    until: Until = None,
    metrics: _Metrics = None,
    by: _By = "metric",
    format_: OutputFormat = None,
    decimals: Decimals = 6,
    concurrency: Concurrency = 4,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 30.0,
) -> None:
    """Metered billing: usage by metric, and its cost.

    Without dates: the current billing period.
    """
    if (since or until) and (start or end):
        raise ConfigurationError("use either --start and --end, or --since and --until, not both")
    if until and not since:
        raise ConfigurationError("--until needs --since")

    async def show(billing: "MeteredBilling", simulated: "Simulator | None") -> None:
        from aiozbilling.cli.metered_tables import MeteredTable
        from aiozbilling.records import MeteredUsage

        output = printer(format_, MeteredUsage, lambda screen: MeteredTable(screen, decimals), by=by)
        if since is None:
            usage = await billing.usage(start=start, end=end, metrics=metrics)
            if metrics and not usage.metrics:
                note(f"the server returned no usage of {metrics}; run again without --metrics to see all metrics")
            await output.add([usage])
        else:
            last = until or (None if simulated is None else simulated.now)
            months = billing.usage_by_month(since=since, until=last, metrics=metrics, concurrency=concurrency)
            async with aclosing(months):
                async for usage in months:
                    await output.add([usage])
        await output.end()

    with_metered(Access(simulator, base_url, timeout), show)
