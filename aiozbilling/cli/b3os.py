"""Commands that read B3OS: `cu-usage` and `cu-balance`."""

import os
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aiozbilling.cli.messages import note
from aiozbilling.cli.options import Access, BaseUrl, Concurrency, OutputFormat, Simulated, Since, Timeout, Until
from aiozbilling.cli.output import printer
from aiozbilling.cli.sources import with_b3os
from aiozbilling.errors import ConfigurationError
from aiozbilling.records.calendar import is_month

if TYPE_CHECKING:
    from aiozbilling import B3osBilling
    from aiozbilling.simulator import Simulator

__all__ = ["cu_balance", "cu_usage"]

_By = Annotated[
    Literal["node", "day", "month"],
    typer.Option("--by", metavar="ROW", help="What one row of csv or json describes: node, day or month."),
]
_Organization = Annotated[
    str | None,
    typer.Argument(
        metavar="ORGANIZATION",
        show_default=False,
        help="Id of the organization, such as org_1. Default: B3OS_ORGANIZATION.",
    ),
]
_Month = Annotated[
    str | None,
    typer.Argument(metavar="YYYY-MM", show_default=False, help="The month. Default: the current one."),
]


def cu_usage(
    organization: _Organization = None,
    month: _Month = None,
    *,
    since: Since = None,
    until: Until = None,
    by: _By = "node",
    format_: OutputFormat = None,
    concurrency: Concurrency = 4,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 30.0,
) -> None:
    """B3OS: compute units of one or more months, by day and by node."""
    organization, month = _organization_and_month([word for word in (organization, month) if word is not None])
    if not simulator:
        organization = _organization(organization)
    if month and (since or until):
        raise ConfigurationError("use either a month, or --since and --until, not both")
    if until and not since:
        raise ConfigurationError("--until needs --since")

    async def show(billing: "B3osBilling", simulated: "Simulator | None") -> None:
        from aiozbilling.cli.b3os_tables import CuTable
        from aiozbilling.records import CuUsage

        now = datetime.now(UTC) if simulated is None else simulated.now
        id_ = organization or (simulated.organization if simulated else "")
        output = printer(format_, CuUsage, CuTable, by=by)
        if since is None:
            await output.add([await billing.cu_usage(id_, month or now)])
        else:
            months = billing.cu_usage_by_month(id_, since=since, until=until or now, concurrency=concurrency)
            first = None
            async with aclosing(months):
                async for usage in months:
                    first = first or usage.year_month
                    await output.add([usage])
            if first and first > since:
                note(f"the server finds no month before {first}")
        await output.end()

    with_b3os(Access(simulator, base_url, timeout), show)


def cu_balance(
    organization: _Organization = None,
    *,
    format_: OutputFormat = None,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 30.0,
) -> None:
    """B3OS: remaining compute units of an organization."""
    if not simulator:
        organization = _organization(organization)

    async def show(billing: "B3osBilling", simulated: "Simulator | None") -> None:
        from aiozbilling.cli.b3os_tables import CuBalanceTable
        from aiozbilling.records import CuBalance

        output = printer(format_, CuBalance, CuBalanceTable)
        await output.add([await billing.cu_balance(organization or (simulated.organization if simulated else ""))])
        await output.end()

    with_b3os(Access(simulator, base_url, timeout), show)


def _organization(organization: str | None) -> str:
    organization = organization or os.environ.get("B3OS_ORGANIZATION")
    if not organization:
        raise ConfigurationError("add the id of the organization, such as org_1, or set B3OS_ORGANIZATION")
    return organization


def _organization_and_month(words: list[str]) -> tuple[str | None, str | None]:
    """Split the arguments into an organization and a month, either of which may be missing.

    Any other word is an error, so that no request is sent.
    """
    month = next((word for word in words[-1:] if is_month(word)), None)
    rest = words[:-1] if month else words
    if not rest:
        return None, month
    if len(words) == 1 and not rest[0].startswith("org_"):
        raise ConfigurationError(f"{rest[0]!r} is neither an organization (org_…) nor a month (2026-10)")
    if month and is_month(rest[0]):
        raise ConfigurationError(f"for several months, use --since {rest[0]} --until {month}")
    if len(rest) > 1:
        raise ConfigurationError(f"the month must be like 2026-10, not {rest[-1]!r}")
    return rest[0], month
