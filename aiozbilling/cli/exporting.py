"""Commands for files: `export` writes a list to a file, `schema` prints the columns of a list."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aiozbilling.cli.options import (
    Access,
    BaseUrl,
    Concurrency,
    ListName,
    PageSize,
    RequestRate,
    Simulated,
    SinceTime,
    StopEarly,
    Timeout,
    UntilTime,
)
from aiozbilling.cli.output import wrapped, write
from aiozbilling.cli.progress import progress_bar, rows_kept, summary
from aiozbilling.cli.sources import with_aioz
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiozbilling import AiozBilling
    from aiozbilling.export import ExportReport, Progress
    from aiozbilling.simulator import Simulator

__all__ = ["export", "schema"]


_Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")]
_Kind = Annotated[
    Literal["csv", "jsonl", "parquet", "sqlite", "focus"] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        show_default=False,
        help="csv, jsonl, parquet, sqlite or focus. Default: by the suffix of FILE.",
    ),
]
_SchemaKind = Annotated[
    Literal["postgres", "duckdb", "json", "markdown"],
    typer.Option("--format", "-f", metavar="FORMAT", help="postgres, duckdb, json or markdown."),
]
_Account = Annotated[
    str | None,
    typer.Option(
        "--account", metavar="LABEL", show_default=False, help="Your name for the account, in the manifest and FOCUS."
    ),
]
_Force = Annotated[bool, typer.Option("--force", help="Replace an existing file once the new one is complete.")]


def export(
    what: ListName,
    *,
    out: _Out,
    format_: _Kind = None,
    since: SinceTime = None,
    until: UntilTime = None,
    stop_early: StopEarly = False,
    account: _Account = None,
    force: _Force = False,
    page_size: PageSize = None,
    concurrency: Concurrency = 4,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    rate_limit: RequestRate = None,
    timeout: Timeout = 30.0,
) -> None:
    """AIOZ: write a whole list to a file.

    The file appears once it is complete. After an interruption, the same command resumes.
    """
    if stop_early and not since:
        raise ConfigurationError("--stop-early needs --since")

    async def run(billing: "AiozBilling", _simulator: "Simulator | None") -> None:
        from aiozbilling.export import export

        read = billing.top_ups if what == "top-ups" else billing.history_usage
        listing = read(page_size=page_size, concurrency=concurrency)
        with rows_kept(*_kept_and_complete(out)) as kept, progress_bar(what) as shown:

            def on_progress(progress: "Progress") -> None:
                kept(progress.read)
                shown(progress.read, progress.total, progress.resumed)

            report = await export(
                listing,
                out,
                format=format_,
                since=since,
                until=until,
                stop_early=stop_early,
                account=account,
                overwrite=force,
                on_progress=on_progress,
            )
        await write(_exported(report, out, spanned=bool(since or until)).encode())

    with_aioz(Access(simulator, base_url, timeout, rate_limit), run)


def schema(
    what: ListName,
    *,
    format_: _SchemaKind = "markdown",
) -> None:
    """Print the columns of a list, with types, units and meanings.

    The output is SQL for PostgreSQL or DuckDB, JSON or Markdown.
    """
    from aiozbilling.cli.running import run
    from aiozbilling.tables import schema_text

    text = schema_text(what.replace("-", "_"), format_)
    if format_ == "markdown":  # in the other formats, a line break could be inside a literal
        rows = text.replace(" |\n", "\u00a0|\n").splitlines()  # the last bar must not be wrapped to a line of its own
        text = "".join(wrapped(row, 4).replace("\u00a0", " ") + "\n" for row in rows)
    run(write(text.encode()))


def _kept_and_complete(out: Path) -> "tuple[Callable[[], bool], Callable[[], bool]]":
    """Return functions that return whether an interrupted export kept rows, and whether it is complete."""
    file = Path(os.path.realpath(out))  # if it is a link, the rows are kept next to its target
    checkpoint, before = Path(f"{file}.checkpoint"), _inode(file)
    return checkpoint.exists, lambda: _inode(file) != before and not checkpoint.exists()


def _inode(file: Path) -> int | None:
    """Return the number of a file, which changes when an export replaces it; None if there is no file."""
    try:
        return file.stat().st_ino
    except OSError:
        return None


def _exported(report: "ExportReport", out: Path, *, spanned: bool) -> str:
    from aiozbilling.cli.figures import exact, moment, size

    rows = f"{report.rows:,}" + (f", and {report.rows_outside:,} outside the time range" if spanned else "")
    skipped = f"{report.duplicates_skipped:,} duplicates and {report.null_rows_skipped:,} null rows skipped"
    lines = [("file", str(out)), ("size", size(report.bytes)), ("SHA-256", report.sha256), ("rows", rows)]
    if report.first_time is not None:
        lines += [("first", f"{moment(report.first_time)} UTC"), ("last", f"{moment(report.last_time)} UTC")]
    lines += [("sum", f"{exact(amount.value)} {amount.symbol}") for amount in report.amounts.values()]
    without = f" ({report.rows_without_usd:,} rows have no USD amount)" if report.rows_without_usd else ""
    lines += [("sum", f"{exact(report.usd)} USD{without}"), ("list", f"{report.consistency}; {skipped}")]
    if report.stopped_early:
        lines.append(("stopped", "early: rows come newest first, and all further ones are older than --since"))
    if report.runs > 1:
        lines.append(("runs", f"{report.runs}"))
    return summary(lines)
