"""Commands for the ledger: `sync` and `verify`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiozbilling.cli.options import Access, BaseUrl, RequestRate, Simulated, Timeout
from aiozbilling.cli.output import write
from aiozbilling.cli.progress import progress_bar, rows_kept, summary
from aiozbilling.cli.sources import Clients, with_systems
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from aiozbilling.sync import SyncProgress, SyncReport, VerifyReport

__all__ = ["DIFFERS", "sync", "verify"]

DIFFERS = 15

_Database = Annotated[Path, typer.Option("--db", metavar="FILE", help="The ledger, a SQLite file; sync creates it.")]
_Account = Annotated[str, typer.Option("--account", metavar="LABEL", help="Your name for the account.")]
_What = Annotated[
    str, typer.Option("--what", metavar="SYSTEMS", help="Systems: aioz, b3os, metered, separated by commas.")
]
_Organization = Annotated[
    str | None,
    typer.Option(
        "--organization",
        metavar="ID",
        show_default=False,
        help="B3OS organization, such as org_1. Default: B3OS_ORGANIZATION.",
    ),
]
_Full = Annotated[bool, typer.Option("--full", help="Read the whole lists again, to find changes in old rows.")]
_Wait = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", min=0, help="Wait up to this long for another sync of the same file."),
]
_File = Annotated[
    Path | None, typer.Argument(metavar="FILE", show_default=False, help="The ledger to check; or use --db.")
]
_DatabaseOption = Annotated[
    Path | None, typer.Option("--db", metavar="FILE", show_default=False, help="The ledger to check.")
]
_Chain = Annotated[
    str | None,
    typer.Option(
        "--chain",
        metavar="HASH",
        show_default=False,
        help="A chain hash from an earlier verify; the ledger must still contain it.",
    ),
]


def sync(
    *,
    db: _Database,
    account: _Account = "main",
    what: _What = "aioz",
    organization: _Organization = None,
    full: _Full = False,
    wait: _Wait = 0.0,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    rate_limit: RequestRate = None,
    timeout: Timeout = 30.0,
) -> None:
    """Update a local ledger of one or more accounts.

    The first run reads everything, later runs only new rows. One file holds several accounts, each with a label.
    """

    async def run(clients: Clients) -> None:
        from aiozbilling.sync import sync

        simulated = clients.simulator
        id_ = organization or os.environ.get("B3OS_ORGANIZATION") or (simulated.organization if simulated else None)
        if clients.b3os is not None and not id_:
            raise ConfigurationError("add --organization, such as org_1, or set B3OS_ORGANIZATION")
        with rows_kept(lambda: False) as kept, progress_bar("sync") as shown:

            def on_progress(progress: "SyncProgress") -> None:
                kept(progress.read)
                shown(progress.read, progress.total, 0)

            report = await sync(
                clients.aioz,
                db,
                account=account,
                b3os=clients.b3os,
                organization=id_ if clients.b3os else None,
                metered=clients.metered,
                full=full,
                wait_s=wait,
                clock=None if simulated is None else lambda: simulated.now,
                on_progress=on_progress,
            )
        await write(_synced(report).encode())

    systems = [name.strip() for name in what.split(",")]
    with_systems(Access(simulator, base_url, timeout, rate_limit), systems, run)


def verify(file: _File = None, *, db: _DatabaseOption = None, chain: _Chain = None) -> None:
    """Check a ledger: recompute its hashes and sums, and find gaps.

    The exit code is 15 if something differs. Keep the chain hash that it prints: a later verify with --chain proves
    that nothing recorded by then was changed.
    """
    from aiozbilling.cli.running import run
    from aiozbilling.sync import verify

    path = file or db
    if path is None or (file and db):
        raise ConfigurationError("name the ledger once: either FILE or --db FILE")
    report = verify(path, chain=chain)
    run(write(_verified(report).encode()))
    if not report.is_ok:
        raise typer.Exit(DIFFERS)


def _synced(report: "SyncReport") -> str:
    lines = [("database", f"{report.path}, account {report.account}")]
    for name, counts in report.lists.items():
        text = f"{_rows(counts.stored)}, {counts.new:,} new, {counts.changed:,} changed"
        if counts.removed:
            text += f", {counts.removed:,} removed by the provider"
        if counts.counted is not None and counts.counted != counts.stored - counts.removed:
            text += f"; the server counts {counts.counted:,}"
        lines.append((name, text))
    return summary(lines)


def _verified(report: "VerifyReport") -> str:
    from aiozbilling.cli.figures import exact

    lines = [("database", str(report.path)), ("runs", f"{report.runs:,}"), ("rows", f"{report.rows:,}")]
    for total in report.totals:
        text = _rows(total.rows)
        text += f", {total.missing:,} removed by the provider" if total.missing else ""
        text += f", {total.gaps:,} day{'' if total.gaps == 1 else 's'} missing" if total.gaps else ""
        text += f", {exact(total.amount)} USD" if total.amount is not None else ""
        lines.append((f"{total.account} {total.list}", text))
    lines += [
        ("differs", f"{' '.join(filter(None, (where.account, where.list, where.key)))}: {where.what}")
        for where in report.differences
    ]
    if report.count > len(report.differences):
        lines.append(("differs", f"and {report.count - len(report.differences):,} more"))
    lines.append(("chain", report.chain or "none"))
    lines.append(
        ("result", "nothing differs" if report.is_ok else f"{report.count:,} difference{'s' * (report.count != 1)}")
    )
    return summary(lines)


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"
