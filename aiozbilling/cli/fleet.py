"""Commands for many accounts: `fleet export` and `fleet sync`."""

import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aiozbilling.cli.messages import complain, note
from aiozbilling.cli.options import ListName
from aiozbilling.cli.output import write
from aiozbilling.cli.progress import summary
from aiozbilling.cli.running import run
from aiozbilling.cli.sources import rate_limit_of
from aiozbilling.errors import AiozBillingError

if TYPE_CHECKING:
    from aiozbilling.fleet import FleetProgress, Outcome

__all__ = ["SOME_FAILED", "fleet"]

SOME_FAILED = 13

fleet: typer.Typer = typer.Typer(rich_markup_mode=None, add_completion=False, help="Export or sync many accounts.")


_Accounts = Annotated[Path, typer.Option("--accounts", metavar="FILE", help="The accounts file (TOML).")]
_Out = Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="The folder of the dataset.")]
_Kind = Annotated[
    Literal["csv", "jsonl", "parquet", "sqlite"],
    typer.Option("--format", "-f", metavar="FORMAT", help="Format of the parts: csv, jsonl, parquet, sqlite."),
]
_Workers = Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Accounts that are read at a time.")]
_Processes = Annotated[int, typer.Option("--processes", metavar="N", min=1, help="Processes that share the accounts.")]
_Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only", metavar="PATTERN", show_default=False, help="Only matching labels, such as 'eu-*'; may be repeated."
    ),
]
_Incremental = Annotated[bool, typer.Option("--incremental", help="Also add new rows to accounts that are complete.")]
_Rate = Annotated[
    str,
    typer.Option("--rate-limit", metavar="N/SECONDS", help="At most N requests of an account in that time, or none."),
]


@fleet.callback()
def about() -> None:
    """Export or sync the accounts that an accounts file (TOML) names. Guide: aiozbilling/fleet/README.md."""


@fleet.command()
def export(
    what: ListName,
    *,
    accounts: _Accounts,
    out: _Out,
    format_: _Kind = "parquet",
    workers: _Workers = 8,
    processes: _Processes = 1,
    only: _Only = None,
    rate_limit: _Rate = "180/60",
    incremental: _Incremental = False,
) -> None:
    """AIOZ: write one list of many accounts to a dataset.

    The files are FOLDER/top_ups/account=LABEL/part-00001.parquet. A failed account does not stop the others. A second
    run skips complete accounts, resumes partial ones and retries failed ones. The exit code is 13 if any account
    failed.
    """
    limit = rate_limit_of(rate_limit)

    def begin(shown: "Callable[[FleetProgress], None]") -> "AsyncGenerator[Outcome, None]":
        from aiozbilling.fleet import fleet

        return fleet(
            accounts,
            "top_ups" if what == "top-ups" else "history",
            out,
            format=format_,
            workers=workers,
            processes=processes,
            only=only or (),
            rate_limit=limit,
            incremental=incremental,
            on_progress=shown,
        )

    try:
        outcomes = _all(begin, "dataset", out)
    except SystemExit:
        kept = "Complete accounts" if incremental else "The rows read so far"  # new rows are read again
        note(f"{kept} are kept. Run the same command again to resume.")
        raise
    _report_failed(outcomes)


@fleet.command()
def sync(
    *,
    accounts: _Accounts,
    db: Annotated[
        Path, typer.Option("--db", metavar="FILE", help="The ledger, a SQLite file; created if it does not exist.")
    ],
    only: _Only = None,
    full: Annotated[bool, typer.Option("--full", help="Read the whole lists again.")] = False,
    rate_limit: _Rate = "180/60",
) -> None:
    """Update a local ledger with many accounts of all systems.

    Accounts are read one after another. A failed account does not stop the others. The exit code is 13 if any
    account failed.
    """
    limit = rate_limit_of(rate_limit)

    def begin(shown: "Callable[[FleetProgress], None]") -> "AsyncGenerator[Outcome, None]":
        from aiozbilling.fleet import sync_fleet

        return sync_fleet(accounts, db, only=only or (), full=full, rate_limit=limit, on_progress=shown)

    _report_failed(_all(begin, "ledger", db))


def _all(
    begin: "Callable[[Callable[[FleetProgress], None]], AsyncGenerator[Outcome, None]]", title: str, out: Path
) -> "list[Outcome]":
    """Run a fleet to its end, print the sums of all accounts, and return their outcomes."""
    outcomes: list[Outcome] = []

    async def work() -> None:
        with _counter() as shown:
            async with aclosing(begin(shown)) as found:
                outcomes.extend([outcome async for outcome in found])
        await write(_totals(outcomes, title, out).encode())

    run(work())
    return outcomes


def _report_failed(outcomes: "list[Outcome]") -> None:
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    for outcome in failed:
        complain(f"{outcome.account}: {_reason(outcome.error)}")
    if failed:
        raise SystemExit(SOME_FAILED)


def _reason(error: Exception | None) -> str:
    if isinstance(error, AiozBillingError):
        return str(error)
    return f"unexpected {type(error).__name__}: this is a bug"


def _totals(outcomes: "list[Outcome]", title: str, out: Path) -> str:
    from aiozbilling.cli.figures import exact
    from aiozbilling.records.amounts import exact_sum

    failed = sum(outcome.status == "failed" for outcome in outcomes)
    sums = [outcome.usd for outcome in outcomes if outcome.usd is not None]
    rows, new = sum(outcome.rows for outcome in outcomes), sum(outcome.new_rows for outcome in outcomes)
    rewritten = sum(outcome.is_rewritten for outcome in outcomes)
    corrected = f"; {rewritten:,} exported again, because rows were corrected or removed" if rewritten else ""
    lines = [
        (title, str(out)),
        ("accounts", f"{len(outcomes):,}, {len(outcomes) - failed:,} complete, {failed:,} failed{corrected}"),
        ("rows", f"{rows:,}, {new:,} new"),
    ]
    if sums:
        lines.append(("sum", f"{exact(exact_sum(sums))} USD"))
    return summary(lines)


@contextmanager
def _counter() -> "Iterator[Callable[[FleetProgress], None]]":
    """Show accounts and rows on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns: list[Any] = [
        BarColumn(bar_width=None),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} accounts"),
        TextColumn("{task.fields[rows]:,} rows{task.fields[failed]}"),
        TimeRemainingColumn(compact=True),
    ]
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True, expand=True) as progress:
        # Until the number of accounts is known, there is no text to show.
        task = progress.add_task("fleet", total=None, visible=False, rows=0, failed="")

        def show(seen: "FleetProgress") -> None:
            failed = f", {seen.failed:,} failed" if seen.failed else ""
            progress.update(task, visible=True, completed=seen.done, total=seen.accounts, rows=seen.rows, failed=failed)

        yield show
