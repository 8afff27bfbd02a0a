"""The command that reads B3OS."""

import os
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from aiozbilling.cli.options import Access, BaseUrl, Concurrency, OutputFormat, Simulated, Since, Timeout, Until
from aiozbilling.cli.output import printer
from aiozbilling.cli.sources import with_b3os
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from aiozbilling import B3osBilling
    from aiozbilling.simulator import Simulator

__all__ = ["cu_usage"]

_Organization = Annotated[
    str | None, typer.Argument(show_default=False, help="Id, such as org_1. Default: B3OS_ORGANIZATION.")
]
_Month = Annotated[str | None, typer.Argument(metavar="YYYY-MM", show_default=False, help="Default: this month.")]


def cu_usage(
    organization: _Organization = None,
    month: _Month = None,
    *,
    since: Since = None,
    until: Until = None,
    format_: OutputFormat = None,
    concurrency: Concurrency = 4,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 30.0,
) -> None:
    """B3OS: compute units of a month or several, by day and node."""
    if month is None and organization is not None and organization[:1].isdigit():
        organization, month = None, organization
    if not simulator:
        organization = organization or os.environ.get("B3OS_ORGANIZATION")
        if not organization:
            raise ConfigurationError("give the id of the organization, such as org_1, or set B3OS_ORGANIZATION")
    if month and (since or until):
        raise ConfigurationError("give either a month, or --since and --until")
    if until and not since:
        raise ConfigurationError("--until needs --since")

    async def show(billing: "B3osBilling", simulated: "Simulator | None") -> None:
        from datetime import UTC, datetime

        from aiozbilling.cli.b3os_tables import CuTable
        from aiozbilling.records import CuUsage

        now = datetime.now(UTC) if simulated is None else simulated.now
        id_ = organization or (simulated.organization if simulated else "")
        output = printer(format_, CuUsage, CuTable)
        if since is None:
            await output.add([await billing.cu_usage(id_, month or now)])
        else:
            months = billing.cu_usage_by_month(id_, since=since, until=until or now, concurrency=concurrency)
            async with aclosing(months):
                async for usage in months:
                    await output.add([usage])
        await output.end()

    with_b3os(Access(simulator, base_url, timeout), show)
