"""Syncs many accounts to one ledger, one account after another."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from aiozbilling.clients.aioz import AIOZ_RATE_LIMIT
from aiozbilling.errors import ExportLockedError
from aiozbilling.exchange.rate import Limiter
from aiozbilling.fleet.accounts import Account, Accounts, accounts_of, selected
from aiozbilling.fleet.clients import Clients, resolved_secrets
from aiozbilling.fleet.outcome import Count, FleetProgress, Outcome
from aiozbilling.sync.sync import SyncProgress, sync

__all__ = ["sync_fleet"]


def sync_fleet(
    accounts: Accounts,
    path: str | PathLike[str],
    *,
    only: Sequence[str] = (),
    full: bool = False,
    rate_limit: Limiter | None = AIOZ_RATE_LIMIT,
    on_progress: Callable[[FleetProgress], object] | None = None,
) -> AsyncGenerator[Outcome, None]:
    """Update a ledger with many accounts of all systems, and iterate the outcomes as accounts end.

    A failed account does not stop the others, and the next run resumes it. Accounts are read one after another, because
    only one sync at a time can write to the database.

    Args:
        accounts: path of the accounts file, or accounts.
        path: path of the database, which is created if it does not exist.
        only: patterns of labels, such as ``["eu-*"]``. Default: all accounts.
        full: read every list completely again, to find changes in old rows.
        rate_limit: rate limit of each AIOZ account, or None. A `SharedRateLimit` also counts the requests of other
            programs.
        on_progress: called with a `FleetProgress` after each page and each account.

    Raises:
        ConfigurationError: an argument or the accounts file is invalid, or two accounts have the same key.
    """
    chosen = selected(accounts_of(accounts), only)
    count = Count(len(chosen), on_progress or (lambda _progress: None))
    return _outcomes(chosen, Path(path), count, full=full, rate_limit=rate_limit)


async def _outcomes(
    accounts: Sequence[Account], path: Path, count: Count, *, full: bool, rate_limit: Limiter | None
) -> AsyncGenerator[Outcome, None]:
    secrets = await resolved_secrets(accounts)
    async with Clients(rate_limit) as clients:
        for account in accounts:
            try:
                client = clients.client(account, secrets[account.label])
                outcome = await _synced(account, client, path, count, full=full)
            except Exception as error:
                if isinstance(error, ExportLockedError):
                    error.hint = "Run the same fleet again when it has ended"
                outcome = Outcome(account=account.label, status="failed", error=error, tags=account.tags)
            count.ended(outcome)
            yield outcome


async def _synced(account: Account, client: Any, path: Path, count: Count, *, full: bool) -> Outcome:
    new: dict[str, int] = {}

    def on_progress(progress: SyncProgress) -> None:
        new[progress.table] = progress.new
        count.read(account.label, sum(new.values()))

    if account.system == "aioz":
        report = await sync(client, path, account=account.label, full=full, on_progress=on_progress)
    else:
        systems = {account.system: client, "organization": account.organization}
        report = await sync(None, path, account=account.label, full=full, **systems)
    return Outcome(
        account=account.label,
        status="complete",
        rows=sum(counts.stored for counts in report.lists.values()),
        new_rows=sum(counts.new for counts in report.lists.values()),
        tags=account.tags,
    )
