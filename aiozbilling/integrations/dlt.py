"""dlt resources that read top-ups and daily history of many accounts exactly, and load them by their keys.

::

    import dlt
    from aiozbilling.integrations.dlt import top_ups

    dlt.pipeline("billing", destination="postgres").run(top_ups("accounts.toml"))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from os import PathLike, fspath
from typing import Any, Literal

import attrs

from aiozbilling.clients.aioz import AIOZ_RATE_LIMIT
from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.rate import RateLimit
from aiozbilling.fleet.account_export import explained
from aiozbilling.fleet.accounts import Account, accounts_of, selected
from aiozbilling.fleet.changes import Changes, Place
from aiozbilling.fleet.clients import Clients, resolved_secrets
from aiozbilling.integrations.arrow import batch
from aiozbilling.integrations.loop_thread import loop_thread
from aiozbilling.records import DayUsage, TopUp

try:
    import dlt
    from dlt.extract import DltResource
except ImportError:
    raise ConfigurationError("dlt is an extra: pip install 'aiozbilling[dlt]'") from None

__all__ = ["history", "top_ups"]

_BATCH = 5000  # rows of an Arrow table
_FAILED = dlt.mark.make_hints(table_name="failed_accounts", write_disposition="append", primary_key=())
OnError = Literal["record", "raise"]


def top_ups(
    accounts: str | PathLike[str],
    *,
    only: Sequence[str] = (),
    full: bool = False,
    on_error: OnError = "record",
    workers: int = 8,
    rate_limit: RateLimit | None = AIOZ_RATE_LIMIT,
) -> DltResource:
    """Return a resource of the top-ups of many accounts, merged by ``account`` and ``id``.

    The first run loads all, later ones what is new. A run reads at least the latest 100 rows of a list again and loads
    those that were corrected. How far each account is lies in dlt's state, which is kept with the rows it counts: a run
    that is killed loads the same rows again, and `merge` replaces them.

    Args:
        accounts: path of the accounts file. Secrets are read while rows are extracted, and never reach dlt.
        only: patterns of labels, such as ``["eu-*"]``.
        full: read every list to its end, for corrections in old rows.
        on_error: ``"record"`` loads a row about an account that fails into the table ``failed_accounts``; ``"raise"``
            ends the run, which then loads nothing.
        workers: accounts at once.
        rate_limit: of each account, or None.

    Raises:
        ConfigurationError: an argument can't be right. Extracting raises as the accounts file and the lists say.
    """
    return _resource(
        "top_ups", ("account", "id"), _Options(fspath(accounts), only, full, on_error, workers, rate_limit)
    )


def history(
    accounts: str | PathLike[str],
    *,
    only: Sequence[str] = (),
    full: bool = False,
    on_error: OnError = "record",
    workers: int = 8,
    rate_limit: RateLimit | None = AIOZ_RATE_LIMIT,
) -> DltResource:
    """Return a resource of the daily usage of many accounts, merged by ``account`` and ``day``.

    Arguments and errors are those of `top_ups`. Today's row changes during the day, and is then loaded again.
    """
    return _resource(
        "history", ("account", "day"), _Options(fspath(accounts), only, full, on_error, workers, rate_limit)
    )


@attrs.frozen
class _Options:
    accounts: str
    only: Sequence[str]
    full: bool
    on_error: OnError = attrs.field(validator=attrs.validators.in_(("record", "raise")))
    workers: int
    rate_limit: RateLimit | None


@attrs.frozen
class _Read:
    """What a worker passes on: rows as Arrow, or that an account is read, or what failed."""

    account: str
    table: Any = None
    place: Place | None = None
    error: Exception | None = None


def _resource(name: Literal["top_ups", "history"], key: tuple[str, str], options: _Options) -> DltResource:
    def rows() -> Iterator[Any]:
        places: dict[str, Any] = dlt.current.resource_state().setdefault("places", {})
        with loop_thread() as loop:
            for read in loop.iterate(_all(name, options, places)):
                if read.table is not None:
                    yield read.table
                elif read.place is not None:
                    places[read.account] = read.place.as_dict()
                elif read.error is not None and options.on_error == "raise":
                    raise read.error
                else:
                    yield dlt.mark.with_hints(_failure(name, read), _FAILED, create_table_variant=True)

    resource: DltResource = dlt.resource(rows, name=name, primary_key=key, write_disposition="merge")()
    return resource


def _failure(name: str, read: _Read) -> dict[str, Any]:
    kind, message = explained(read.error or Exception())
    at = datetime.now(UTC)
    return {"account": read.account, "list": name, "error": kind, "message": message, "failed_at": at}


async def _all(
    name: Literal["top_ups", "history"], options: _Options, places: dict[str, Any]
) -> AsyncGenerator[_Read, None]:
    """Read all accounts, a few at once, and pass on what comes; little is held while nobody takes it."""
    accounts = [one for one in selected(accounts_of(options.accounts), options.only) if one.system == "aioz"]
    secrets = await resolved_secrets(accounts)
    queue: asyncio.Queue[_Read] = asyncio.Queue(options.workers)
    waiting = iter(accounts)

    async def work() -> None:
        for account in waiting:
            try:
                await _one(name, account, clients.client(account, secrets[account.label]), options, places, queue)
            except Exception as error:
                await queue.put(_Read(account.label, error=error))

    async with Clients(options.rate_limit) as clients:
        workers = [asyncio.create_task(work()) for _ in range(min(options.workers, len(accounts)))]
        try:
            left = len(accounts)
            while left:
                read = await queue.get()
                left -= read.table is None
                yield read
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)


async def _one(
    name: Literal["top_ups", "history"],
    account: Account,
    client: Any,
    options: _Options,
    places: dict[str, Any],
    queue: asyncio.Queue[_Read],
) -> None:
    kind, begin = (TopUp, client.top_ups) if name == "top_ups" else (DayUsage, client.history_usage)
    since = Place.from_dict(places[account.label]) if account.label in places else None
    changes = Changes(begin, kind, since, full=options.full)
    waiting: list[Any] = []
    async with aclosing(changes.rows()) as batches:
        async for rows in batches:
            waiting += rows
            if len(waiting) >= _BATCH:
                await queue.put(_Read(account.label, _table(kind, account.label, waiting)))
                waiting = []
    if waiting:
        await queue.put(_Read(account.label, _table(kind, account.label, waiting)))
    await queue.put(_Read(account.label, place=changes.place))


def _table(kind: type[TopUp | DayUsage], label: str, rows: list[Any]) -> Any:
    import pyarrow as pa

    return pa.Table.from_batches([batch(kind, label, rows)])
