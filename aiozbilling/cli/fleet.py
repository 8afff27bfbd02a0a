"""Commands for many accounts: `fleet export` and `fleet sync`."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiozbilling.cli.exporting import What
from aiozbilling.cli.messages import complain, note
from aiozbilling.cli.output import write
from aiozbilling.cli.progress import summary
from aiozbilling.cli.running import run
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from aiozbilling import RateLimit
    from aiozbilling.fleet import FleetProgress, Outcome

__all__ = ["SOME_FAILED", "fleet"]

SOME_FAILED = 13

fleet: typer.Typer = typer.Typer(rich_markup_mode=None, add_completion=False, help="Export or sync many accounts.")


class PartKind(StrEnum):
    """The formats of a dataset's parts, which are those of `export` without FOCUS."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    SQLITE = "sqlite"


_Accounts = Annotated[Path, typer.Option("--accounts", metavar="FILE", help="The accounts file (TOML).")]
_Out = Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="The folder of the dataset.")]
_Kind = Annotated[
    PartKind, typer.Option("--format", "-f", metavar="FORMAT", help="Format of the parts: csv, jsonl, parquet, sqlite.")
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
    what: Annotated[What, typer.Argument(help="The list to export.")],
    *,
    accounts: _Accounts,
    out: _Out,
    format_: _Kind = PartKind.PARQUET,
    workers: _Workers = 8,
    processes: _Processes = 1,
    only: _Only = None,
    rate_limit: _Rate = "180/60",
    incremental: _Incremental = False,
) -> None:
    """AIOZ: write one list of many accounts to a dataset.

    The files are FOLDER/top_ups/account=LABEL/part-00001.parquet. A failed account does not stop the others. Run again,
    the command skips complete accounts, resumes partial ones and retries failed ones. The exit code is 13 if any
    account failed.
    """
    limit = _limit(rate_limit)
    failed: list[Outcome] = []

    async def work() -> None:
        from aiozbilling.fleet import fleet

        totals = _Totals()
        with _counter() as shown:
            outcomes = fleet(
                accounts,
                "top_ups" if what is What.TOP_UPS else "history",
                out,
                format=format_.value,
                workers=workers,
                processes=processes,
                only=only or (),
                rate_limit=limit,
                incremental=incremental,
                on_progress=shown,
            )
            async with aclosing(outcomes):
                async for outcome in outcomes:
                    totals.add(outcome)
                    if outcome.status == "failed":
                        failed.append(outcome)
        await write(totals.text(out).encode())

    try:
        run(work())
    except SystemExit:
        note("The rows read so far are kept. Run the same command again to resume.")
        raise
    _report(failed)


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
    limit = _limit(rate_limit)
    failed: list[Outcome] = []

    async def work() -> None:
        from aiozbilling.fleet import sync_fleet

        totals = _Totals()
        with _counter() as shown:
            outcomes = sync_fleet(accounts, db, only=only or (), full=full, rate_limit=limit, on_progress=shown)
            async with aclosing(outcomes):
                async for outcome in outcomes:
                    totals.add(outcome)
                    if outcome.status == "failed":
                        failed.append(outcome)
        await write(totals.text(db, "ledger").encode())

    run(work())
    _report(failed)


def _report(failed: "list[Outcome]") -> None:
    for outcome in failed:
        complain(f"{outcome.account}: {_reason(outcome.error)}")
    if failed:
        raise SystemExit(SOME_FAILED)


def _reason(error: Exception | None) -> str:
    from aiozbilling.errors import AiozBillingError

    if isinstance(error, AiozBillingError):
        return str(error)
    return f"unexpected {type(error).__name__}: this is a bug"


class _Totals:
    """Adds up the outcomes of a run."""

    def __init__(self) -> None:
        self._outcomes: list[Outcome] = []

    def add(self, outcome: "Outcome") -> None:
        self._outcomes.append(outcome)

    def text(self, out: Path, title: str = "dataset") -> str:
        from aiozbilling.cli.figures import exact
        from aiozbilling.records.amounts import exact_sum

        outcomes = self._outcomes
        failed = sum(outcome.status == "failed" for outcome in outcomes)
        sums = [outcome.usd for outcome in outcomes if outcome.usd is not None]
        rows, new = (sum(getattr(outcome, name) for outcome in outcomes) for name in ("rows", "new_rows"))
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
        task = progress.add_task("fleet", total=None, rows=0, failed="")

        def show(seen: "FleetProgress") -> None:
            failed = f", {seen.failed:,} failed" if seen.failed else ""
            progress.update(task, completed=seen.done, total=seen.accounts, rows=seen.rows, failed=failed)

        yield show


def _limit(text: str) -> "RateLimit | None":
    from aiozbilling import RateLimit

    if text == "none":
        return None
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9}(?:\.\d{1,6})?)", text, re.ASCII)
    if match is None:
        raise ConfigurationError(f"--rate-limit must be requests and seconds, such as 180/60, or none, not {text!r}")
    return RateLimit(int(match[1]), float(match[2]))
