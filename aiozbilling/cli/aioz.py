"""Commands that read AIOZ Pin: `month`, `history` and `top-ups`."""

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aiozbilling.cli.messages import note
from aiozbilling.cli.options import (
    Access,
    BaseUrl,
    Concurrency,
    Decimals,
    Everything,
    MaxItems,
    OutputFormat,
    PageSize,
    RequestRate,
    Simulated,
    SinceTime,
    StopEarly,
    Timeout,
    UntilTime,
)
from aiozbilling.cli.output import Drawing, Format, Lines, chosen, printer
from aiozbilling.cli.sources import with_aioz
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from aiozbilling import AiozBilling, Listing
    from aiozbilling.export.span import Span
    from aiozbilling.simulator import Simulator

__all__ = ["history", "month", "top_ups"]

_ROWS_OF_A_TABLE = 50
_Follow = Annotated[bool, typer.Option("--follow", help="Print new rows as they appear, until Ctrl-C.")]
_Every = Annotated[
    float, typer.Option("--every", metavar="SECONDS", min=0.1, help="With --follow: time between two polls.")
]


def month(
    *,
    format_: OutputFormat = None,
    decimals: Decimals = 6,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 30.0,
) -> None:
    """AIOZ: storage and bandwidth of this month, and their cost."""

    async def show(billing: "AiozBilling", simulated: "Simulator | None") -> None:
        from aiozbilling.cli.aioz_tables import MonthTable
        from aiozbilling.records import MonthUsage

        now = datetime.now(UTC) if simulated is None else simulated.now
        output = printer(format_, MonthUsage, lambda screen: MonthTable(screen, f"{now:%Y-%m}", decimals))
        await output.add([await billing.this_month_usage()])
        await output.end()

    with_aioz(Access(simulator, base_url, timeout), show)


def _list_command(list_: Literal["top_ups", "history"], summary: str) -> Callable[..., None]:
    """Return the command that prints one of the two lists; both have the same options."""

    def command(
        *,
        format_: OutputFormat = None,
        max_items: MaxItems = None,
        everything: Everything = False,
        since: SinceTime = None,
        until: UntilTime = None,
        stop_early: StopEarly = False,
        decimals: Decimals = 6,
        follow: _Follow = False,
        every: _Every = 10.0,
        page_size: PageSize = None,
        concurrency: Concurrency = 4,
        rate_limit: RequestRate = None,
        simulator: Simulated = False,
        base_url: BaseUrl = None,
        timeout: Timeout = 30.0,
    ) -> None:
        async def show(billing: "AiozBilling", _simulator: "Simulator | None") -> None:
            from aiozbilling.cli.aioz_tables import HistoryTable, TopUpTable
            from aiozbilling.records import DayUsage, TopUp

            is_history = list_ == "history"
            read = billing.history_usage if is_history else billing.top_ups
            table = HistoryTable if is_history else TopUpTable
            output = printer(format_, DayUsage if is_history else TopUp, lambda screen: table(screen, decimals))
            if follow:
                listing = read(page_size=page_size, concurrency=concurrency)
                await _print_new(listing, every, max_items, output)
                return
            in_list = None if span else most
            listing = read(max_items=in_list, page_size=page_size, concurrency=concurrency)
            printed = await _print(_within(listing, span, most, stop_early=stop_early), output.add)
            await output.end(None if span else listing.report.total_last)
            if span and max_items is None and printed == most:
                note(f"This table shows and adds up at most {most} rows. --all or --format csv has no limit.")

        span, most = _span(since, until), _most(format_, max_items, everything=everything)
        if follow and (since or until or everything):
            raise ConfigurationError("--follow prints new rows only; leave out --since, --until and --all")
        if stop_early and not since:
            raise ConfigurationError("--stop-early needs --since")
        with_aioz(Access(simulator, base_url, timeout, rate_limit), show)

    command.__doc__ = summary
    return command


top_ups: Callable[..., None] = _list_command("top_ups", "AIOZ: deposits of tokens, each exactly once.")
history: Callable[..., None] = _list_command("history", "AIOZ: usage and cost by day, each day exactly once.")


def _span(since: str | None, until: str | None) -> "Span":
    from aiozbilling.export.span import Span

    return Span.between(since, until)


def _most(format_: Format | None, max_items: int | None, *, everything: bool) -> int | None:
    if max_items is not None and everything:
        raise ConfigurationError("use either --max-items or --all, not both")
    whole = everything or max_items is not None or chosen(format_) != "table"
    return max_items if whole else _ROWS_OF_A_TABLE


async def _print(pages: AsyncGenerator[list[Any], None], add: Callable[[list[Any]], Any]) -> int:
    """Print the rows of all pages, and return how many there were."""
    count = 0
    # Close it here: at its end, the event loop would close this generator and the one inside it at the same time.
    async with aclosing(pages):
        async for rows in pages:
            count += len(rows)
            if rows:
                await add(rows)
    return count


async def _print_new(listing: "Listing[Any]", every_s: float, most: int | None, output: Lines | Drawing) -> None:
    """Print the rows that appear from now on, at most `most` of them. Say on a terminal that there may be none yet."""
    if sys.stderr.isatty():
        note(f"Waiting for new rows, with a request every {every_s:g} s. Ctrl-C ends it.")
    await _print(_new_rows(listing, every_s, most), output.add)
    await output.end()


async def _within(
    listing: "Listing[Any]", span: "Span", most: int | None, *, stop_early: bool
) -> AsyncGenerator[list[Any], None]:
    """Yield the rows of each page that are in the span, at most `most` rows in all."""
    from aiozbilling.export.span import Order

    left, order = most, Order()
    async with aclosing(listing.pages()) as pages:
        async for page in pages:
            rows = page.items
            times = [row.date if hasattr(row, "date") else row.created_at for row in rows] if span else []
            if span:
                rows, _ = span.kept(rows, times)
            if left is not None:
                rows, left = rows[:left], left - len(rows[:left])
            yield rows
            if left == 0:
                return
            if stop_early:
                order = order.followed_by(times)
                if order.is_past(span.since, times):
                    return


async def _new_rows(listing: "Listing[Any]", every_s: float, most: int | None) -> AsyncGenerator[list[Any], None]:
    """Yield the rows that appear from now on, at most `most` of them."""
    left = most
    async with aclosing(listing.follow(every_s=every_s)) as rows:
        while left != 0:
            yield [await anext(rows)]
            left = None if left is None else left - 1
