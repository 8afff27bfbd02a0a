"""A few workers in one event loop, each with one whole account after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

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

_PAGES_IN_FLIGHT = 8  # of all workers together: more of them hold more memory, and make nothing quicker


@attrs.frozen
class Plan:
    """What is done with each account; it holds no secret and can be sent to another process.

    Attributes:
        layout: of the dataset.
        workers: accounts at once.
        rate_limit: of each account.
        incremental: whether complete accounts are asked for what is new.
    """

    layout: Layout
    workers: int
    rate_limit: Limiter | None
    incremental: bool = False

    @property
    def concurrency(self) -> int:
        """Pages in flight of one account."""
        return max(1, _PAGES_IN_FLIGHT // self.workers)


async def export_accounts(
    accounts: Sequence[Account],
    secrets: Mapping[str, Secrets | ConfigurationError],
    plan: Plan,
    on_outcome: Callable[[Outcome], object],
    on_rows: Callable[[str, int], object],
) -> None:
    """Export accounts; each outcome is passed on when it is there, and the rows of an account while it is read."""
    waiting = iter(accounts)

    async def export(account: Account) -> Outcome:
        def opened() -> Any:
            return clients.client(account, secrets[account.label])

        files = AccountFiles(account, plan.layout)
        job = AccountExport(files, opened, plan.concurrency, plan.incremental)
        return await job.run(lambda rows: on_rows(account.label, rows))

    async def work() -> None:
        for account in waiting:
            on_outcome(await export(account))

    async with Clients(plan.rate_limit) as clients, asyncio.TaskGroup() as group:
        for _ in range(min(plan.workers, len(accounts))):
            group.create_task(work())
