"""Reads many accounts at a time in one event loop, for tools that consume an iterator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import attrs

from aiozbilling.exchange.rate import Limiter
from aiozbilling.fleet.accounts import Account
from aiozbilling.fleet.clients import Clients, resolved_secrets

__all__ = ["Ended", "Put", "each_account"]

Put: TypeAlias = Callable[[Any], Awaitable[None]]


@attrs.frozen
class Ended:
    """The end of one account: its `result`, or the `error` with which it failed."""

    account: Account
    result: Any = None
    error: Exception | None = None


async def each_account(
    accounts: Sequence[Account],
    read: Callable[[Account, Any, Put], Awaitable[Any]],
    *,
    workers: int,
    rate_limit: Limiter | None,
) -> AsyncGenerator[Any, None]:
    """Iterate the items that `read` puts for each account, with an `Ended` after the last item of an account.

    The queue is bounded, so that reading waits for the consumer. The end of the iteration ends all requests.

    Args:
        accounts: accounts to read.
        read: called with an account, its client and a function that puts an item.
        workers: accounts that are read at a time.
        rate_limit: rate limit of each account, or None.

    Raises:
        ConfigurationError: two accounts have the same key.
    """
    secrets = await resolved_secrets(accounts)
    queue: asyncio.Queue[Any] = asyncio.Queue(workers)
    waiting = iter(accounts)

    async def work() -> None:
        for account in waiting:
            try:
                ended = Ended(account, await read(account, clients.client(account, secrets[account.label]), queue.put))
            except Exception as error:
                ended = Ended(account, error=error)
            await queue.put(ended)

    async with Clients(rate_limit) as clients:
        tasks = [asyncio.create_task(work()) for _ in range(min(workers, len(accounts)))]
        try:
            left = len(accounts)
            while left:
                item = await queue.get()
                left -= isinstance(item, Ended)
                yield item
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
