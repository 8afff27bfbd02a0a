"""Commands that write files: `export` and `sync`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiozbilling.cli.messages import note
from aiozbilling.cli.options import (
    Access,
    BaseUrl,
    Concurrency,
    PageSize,
    RequestRate,
    Simulated,
    SinceTime,
    Timeout,
    UntilTime,
)
from aiozbilling.cli.output import write
from aiozbilling.cli.sources import with_aioz
from aiozbilling.errors import ConfigurationError, ExportError, ListingError

if TYPE_CHECKING:
    from aiozbilling import AiozBilling
    from aiozbilling.export import ExportReport, Progress, SyncProgress, SyncReport
    from aiozbilling.simulator import Simulator

__all__ = ["export", "sync"]


class What(StrEnum):
    """The lists that can be exported."""

    TOP_UPS = "top-ups"
    HISTORY = "history"


class Kind(StrEnum):
    """The formats of files."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    SQLITE = "sqlite"


_Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")]
_Kind = Annotated[
    Kind | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        show_default=False,
        help="csv, jsonl, parquet, sqlite; default: by suffix.",
    ),
]
_Force = Annotated[bool, typer.Option("--force", help="Replace the file once the new one is complete.")]
_Database = Annotated[
    Path, typer.Option("--db", metavar="FILE", help="The SQLite database; created if it does not exist.")
]
_Account = Annotated[str, typer.Option("--account", metavar="LABEL", help="Your name for the account.")]
_Full = Annotated[bool, typer.Option("--full", help="Read the lists to their ends again, to find changes in old rows.")]


def export(
    what: Annotated[What, typer.Argument(help="The list.")],
    *,
    out: _Out,
    format_: _Kind = None,
    since: SinceTime = None,
    until: UntilTime = None,
    force: _Force = False,
    page_size: PageSize = None,
    concurrency: Concurrency = 4,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    rate_limit: RequestRate = None,
    timeout: Timeout = 30.0,
) -> None:
    """AIOZ: write a whole list to a file.

    The file is complete or absent. After any interruption the same command resumes.
    """

    async def run(billing: "AiozBilling", _simulator: "Simulator | None") -> None:
        from aiozbilling.export import export

        lists: dict[What, Any] = {What.TOP_UPS: billing.top_ups, What.HISTORY: billing.history_usage}
        listing = lists[what](page_size=page_size, concurrency=concurrency)
        with _kept(out.with_name(f"{out.name}.checkpoint").exists) as kept, _bar(what.value) as shown:

            def on_progress(progress: "Progress") -> None:
                kept(progress.read)
                shown(progress.read, progress.total, progress.resumed)

            report = await export(
                listing,
                out,
                format=None if format_ is None else format_.value,
                since=since,
                until=until,
                overwrite=force,
                on_progress=on_progress,
            )
        await write(_exported(report, spanned=bool(since or until)).encode())

    with_aioz(Access(simulator, base_url, timeout, rate_limit), run)


def sync(
    *,
    db: _Database,
    account: _Account = "main",
    full: _Full = False,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    rate_limit: RequestRate = None,
    timeout: Timeout = 30.0,
) -> None:
    """AIOZ: keep a local SQLite database up to date with an account.

    The first run reads everything, later runs only what is new. One database holds several accounts, by label.
    """

    async def run(billing: "AiozBilling", _simulator: "Simulator | None") -> None:
        from aiozbilling.export import sync

        with _kept(lambda: True) as kept, _bar("sync") as shown:

            def on_progress(progress: "SyncProgress") -> None:
                kept(progress.read)
                shown(progress.read, progress.total, 0)

            report = await sync(billing, db, account=account, full=full, on_progress=on_progress)
        await write(_synced(report).encode())

    with_aioz(Access(simulator, base_url, timeout, rate_limit), run)


@contextmanager
def _kept(is_kept: Callable[[], bool]) -> Iterator[Callable[[int], None]]:
    """Where a run is interrupted, say how many rows are kept; the function that it yields counts them."""
    rows = 0

    def count(read: int) -> None:
        nonlocal rows
        rows = read

    try:
        yield count
    except (ExportError, ConfigurationError):
        raise
    except BaseException as error:
        is_stuck = isinstance(error, ListingError) and not error.delivered
        if rows and is_kept() and not is_stuck:
            note(f"{rows:,} row{'' if rows == 1 else 's'} kept. Run the same command again to resume.")
        raise


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int, int], None]]:
    """Show a progress bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _read, _total, _resumed: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    columns: list[Any] = [
        BarColumn(bar_width=None),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} rows"),
        TimeRemainingColumn(compact=True),
    ]
    if console.width >= 72:
        columns.insert(0, TextColumn(title))
        columns.insert(-1, TextColumn("{task.fields[rate]}"))
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        task: Any = None

        def show(read: int, total: int, resumed: int) -> None:
            nonlocal task
            if task is None:
                task = progress.add_task(title, total=total, completed=resumed, rate="")
            speed = progress.tasks[0].speed
            progress.update(task, completed=read, total=max(read, total), rate=f"{speed:,.0f}/s" if speed else "")

        yield show


def _exported(report: "ExportReport", *, spanned: bool) -> str:
    from aiozbilling.cli.figures import exact, moment, size

    rows = f"{report.rows:,}" + (f", and {report.rows_outside:,} outside the time range" if spanned else "")
    skipped = f"{report.duplicates_skipped:,} duplicates and {report.null_rows_skipped:,} null rows skipped"
    lines = [("file", str(report.path)), ("size", size(report.bytes)), ("SHA-256", report.sha256), ("rows", rows)]
    if report.first_time is not None:
        lines += [("first", f"{moment(report.first_time)} UTC"), ("last", f"{moment(report.last_time)} UTC")]
    lines += [("sum", f"{exact(amount.value)} {amount.symbol}") for amount in report.amounts.values()]
    without = f" ({report.rows_without_usd:,} rows without)" if report.rows_without_usd else ""
    lines += [("sum", f"{exact(report.usd)} USD{without}"), ("list", f"{report.consistency}; {skipped}")]
    if report.runs > 1:
        lines.append(("runs", f"{report.runs}"))
    return _lines(lines)


def _synced(report: "SyncReport") -> str:
    lines = [("database", f"{report.path}, account {report.account}")]
    for title, stored, new, changed in (
        ("top-ups", report.top_ups, report.top_ups_new, report.top_ups_changed),
        ("history", report.history, report.history_new, report.history_changed),
    ):
        lines.append((title, f"{stored:,} rows, {new:,} new, {changed:,} changed"))
    return _lines(lines)


def _lines(lines: list[tuple[str, str]]) -> str:
    from aiozbilling.cli.messages import printable

    width = max(len(title) for title, _ in lines)
    return "".join(f"{title:<{width}}  {printable(text)}\n" for title, text in lines)
