"""Commands that read AIOZ Pin."""

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from aiozbilling.cli.options import (
    Access,
    BaseUrl,
    Concurrency,
    Everything,
    MaxItems,
    OutputFormat,
    PageSize,
    Simulated,
    Timeout,
)
from aiozbilling.cli.output import Format, Printer, chosen, printer
from aiozbilling.cli.sources import with_aioz
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from aiozbilling import AiozBilling, Listing
    from aiozbilling.simulator import Simulator

__all__ = ["history", "month", "top_ups"]

_ROWS_OF_A_TABLE = 50


def month(
    *, format_: OutputFormat = None, simulator: Simulated = False, base_url: BaseUrl = None, timeout: Timeout = 30.0
) -> None:
    """AIOZ: storage and bandwidth of this month, and what they cost."""

    async def show(billing: "AiozBilling", _simulator: "Simulator | None") -> None:
        from aiozbilling.cli.aioz_tables import MonthTable
        from aiozbilling.records import MonthUsage

        output = printer(format_, MonthUsage, MonthTable)
        await output.add([await billing.this_month_usage()])
        await output.end()

    with_aioz(Access(simulator, base_url, timeout), show)


def history(
    *,
    format_: OutputFormat = None,
    max_items: MaxItems = None,
    everything: Everything = False,
    page_size: PageSize = None,
    concurrency: Concurrency = 4,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 30.0,
) -> None:
    """AIOZ: usage and cost by day."""

    async def show(billing: "AiozBilling", _simulator: "Simulator | None") -> None:
        from aiozbilling.cli.aioz_tables import HistoryTable
        from aiozbilling.records import DayUsage

        most = _most(format_, max_items, everything=everything)
        listing = billing.history_usage(max_items=most, page_size=page_size, concurrency=concurrency)
        await _print(listing, printer(format_, DayUsage, HistoryTable))

    with_aioz(Access(simulator, base_url, timeout), show)


def top_ups(
    *,
    format_: OutputFormat = None,
    max_items: MaxItems = None,
    everything: Everything = False,
    page_size: PageSize = None,
    concurrency: Concurrency = 4,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 30.0,
) -> None:
    """AIOZ: deposits of tokens, each exactly once."""

    async def show(billing: "AiozBilling", _simulator: "Simulator | None") -> None:
        from aiozbilling.cli.aioz_tables import TopUpTable
        from aiozbilling.records import TopUp

        most = _most(format_, max_items, everything=everything)
        listing = billing.top_ups(max_items=most, page_size=page_size, concurrency=concurrency)
        await _print(listing, printer(format_, TopUp, TopUpTable))

    with_aioz(Access(simulator, base_url, timeout), show)


def _most(format_: Format | None, max_items: int | None, *, everything: bool) -> int | None:
    if max_items is not None and everything:
        raise ConfigurationError("give either --max-items or --all")
    whole = everything or max_items is not None or chosen(format_) is not Format.TABLE
    return max_items if whole else _ROWS_OF_A_TABLE


async def _print(listing: "Listing[Any]", output: Printer) -> None:
    async with aclosing(listing.pages()) as pages:
        async for page in pages:
            await output.add(page.items)
    await output.end(listing.report.total_last)
