"""Exports accounts with several workers in one event loop; each worker reads one account after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.rate import Limiter
from aiozbilling.fleet.account_export import AccountExport
from aiozbilling.fleet.account_files import AccountFiles
from aiozbilling.fleet.accounts import Account
from aiozbilling.fleet.clients import Clients, Secrets
from aiozbilling.fleet.layout import Layout
from aiozbilling.fleet.outcome import Outcome

__all__ = ["Plan", "export_accounts"]

_PAGES_IN_FLIGHT = 8  # of all workers together; more of them need more memory without being quicker


@attrs.frozen
class Plan:
    """The settings of an export. They contain no secret and can be sent to another process.

    Attributes:
        layout: paths of the dataset.
        workers: accounts that are read at a time.
        rate_limit: rate limit of each account.
        incremental: whether new rows of complete accounts are read.
    """

    layout: Layout
    workers: int
    rate_limit: Limiter | None
    incremental: bool = False

    @property
    def concurrency(self) -> int:
        """Number of pages that are requested at a time for one account."""
        return max(1, _PAGES_IN_FLIGHT // self.workers)


async def export_accounts(
    accounts: Iterable[Account],
    secrets: Mapping[str, Secrets | ConfigurationError],
    plan: Plan,
    on_outcome: Callable[[Outcome], object],
    on_rows: Callable[[str, int], object],
) -> None:
    """Export accounts. `on_outcome` is called at the end of each account, `on_rows` after each page."""
    waiting = iter(accounts)

    async def export(account: Account) -> Outcome:
        opened = partial(clients.client, account, secrets[account.label])
        job = AccountExport(AccountFiles(account, plan.layout), opened, plan.concurrency, plan.incremental)
        return await job.run(lambda rows: on_rows(account.label, rows))

    async def work() -> None:
        for account in waiting:
            on_outcome(await export(account))

    async with Clients(plan.rate_limit) as clients, asyncio.TaskGroup() as group:
        for _ in range(plan.workers):
            group.create_task(work())
