"""Many accounts in one ledger: one database, one account after the other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from aiozbilling.clients.aioz import AIOZ_RATE_LIMIT
from aiozbilling.exchange.rate import RateLimit
from aiozbilling.fleet.accounts import Account, Accounts, accounts_of, selected
from aiozbilling.fleet.clients import Clients, resolved_secrets
from aiozbilling.fleet.outcome import Outcome
from aiozbilling.sync.sync import sync

__all__ = ["sync_fleet"]


def sync_fleet(
    accounts: Accounts,
    path: str | PathLike[str],
    *,
    only: Sequence[str] = (),
    full: bool = False,
    rate_limit: RateLimit | None = AIOZ_RATE_LIMIT,
) -> AsyncGenerator[Outcome, None]:
    """Bring the ledger up to date with many accounts of all systems, and iterate the outcomes as they come.

    One account that fails stops nothing, and the next run resumes it. The database is written by one sync at a time, so
    accounts come one after the other.

    Args:
        accounts: path of the accounts file, or accounts.
        path: of the database; it is made when it is not there.
        only: patterns of labels, such as ``["eu-*"]``; by default all.
        full: read every list to its end, for changes in old rows.
        rate_limit: of each account of AIOZ, or None.

    Raises:
        ConfigurationError: an argument or the accounts file is invalid, or two accounts have the same key.
    """
    return _outcomes(selected(accounts_of(accounts), only), Path(path), full=full, rate_limit=rate_limit)


async def _outcomes(
    accounts: Sequence[Account], path: Path, *, full: bool, rate_limit: RateLimit | None
) -> AsyncGenerator[Outcome, None]:
    secrets = await resolved_secrets(accounts)
    async with Clients(rate_limit) as clients:
        for account in accounts:
            try:
                client = clients.client(account, secrets[account.label])
                outcome = await _synced(account, client, path, full=full)
            except Exception as error:
                outcome = Outcome(account=account.label, status="failed", error=error, tags=account.tags)
            yield outcome


async def _synced(account: Account, client: Any, path: Path, *, full: bool) -> Outcome:
    if account.system == "aioz":
        report = await sync(client, path, account=account.label, full=full)
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
