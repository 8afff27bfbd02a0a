"""dlt resources that read top-ups and daily history of many accounts exactly, and merge them by their keys.

::

    import dlt
    from aiozbilling.integrations.dlt import top_ups

    dlt.pipeline("billing", destination="postgres").run(top_ups("accounts.toml"))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from os import PathLike, fspath
from typing import Any, Literal, TypeAlias, get_args

import attrs

from aiozbilling.clients.aioz import AIOZ_RATE_LIMIT
from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.checks import refuse_bad_count
from aiozbilling.exchange.rate import RateLimit
from aiozbilling.fleet.account_files import explained
from aiozbilling.fleet.accounts import Account, accounts_of, selected
from aiozbilling.fleet.changes import Changes, Place
from aiozbilling.integrations.loop_thread import loop_thread
from aiozbilling.integrations.many import Ended, Put, each_account
from aiozbilling.records import DayUsage, TopUp

try:
    import dlt
    import pyarrow as pa
    from dlt.extract import DltResource

    from aiozbilling.integrations.arrow import batch
except ImportError:
    raise ConfigurationError("dlt is an extra: pip install 'aiozbilling[dlt]'") from None

__all__ = ["history", "top_ups"]

_BATCH = 5000  # rows of an Arrow table
_FAILED = dlt.mark.make_hints(table_name="failed_accounts", write_disposition="append", primary_key=())
OnError: TypeAlias = Literal["record", "raise"]
Name: TypeAlias = Literal["top_ups", "history"]


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

    The first run loads all rows, later runs load new ones. Each run also reads at least the latest 100 rows of a list
    again and loads those that were corrected. dlt's state contains how far each account was loaded; dlt stores it
    together with the rows. After a run was killed, the next run loads the same rows again, and `merge` replaces them.

    Args:
        accounts: path of the accounts file. Secrets are read while rows are extracted; dlt never gets them.
        only: patterns of labels, such as ``["eu-*"]``.
        full: read every list completely, to find corrections of old rows.
        on_error: ``"record"`` loads a row for each failed account into the table ``failed_accounts``; ``"raise"`` ends
            the run, which then loads nothing.
        workers: accounts that are read at a time.
        rate_limit: rate limit of each account, or None.

    Raises:
        ConfigurationError: an argument is invalid. Errors of the accounts file and of lists are raised while rows are
            extracted.
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

    The arguments and errors are those of `top_ups`. Today's row changes during the day and is then loaded again.
    """
    return _resource(
        "history", ("account", "day"), _Options(fspath(accounts), only, full, on_error, workers, rate_limit)
    )


@attrs.frozen
class _Options:
    accounts: str
    only: Sequence[str]
    full: bool
    on_error: OnError
    workers: int
    rate_limit: RateLimit | None

    def __attrs_post_init__(self) -> None:
        refuse_bad_count("workers", self.workers)
        if self.on_error not in get_args(OnError):
            raise ConfigurationError("on_error must be 'record' or 'raise'")


def _resource(name: Name, key: tuple[str, str], options: _Options) -> DltResource:
    def rows() -> Iterator[Any]:
        places: dict[str, Any] = dlt.current.resource_state().setdefault("places", {})
        accounts = [one for one in selected(accounts_of(options.accounts), options.only) if one.system == "aioz"]

        async def read(account: Account, client: Any, put: Put) -> Place:
            return await _read(name, account, client, places.get(account.label), put, full=options.full)

        items = each_account(accounts, read, workers=options.workers, rate_limit=options.rate_limit)
        with loop_thread() as loop:
            for item in loop.iterate(items):
                if not isinstance(item, Ended):
                    yield item
                elif item.error is None:
                    places[item.account.label] = item.result.as_dict()
                elif options.on_error == "raise":
                    raise item.error
                else:
                    yield dlt.mark.with_hints(_failure(name, item), _FAILED, create_table_variant=True)

    resource: DltResource = dlt.resource(rows, name=name, primary_key=key, write_disposition="merge")()
    return resource


async def _read(
    name: Name, account: Account, client: Any, since: dict[str, Any] | None, put: Put, *, full: bool
) -> Place:
    """Put an account's new and corrected rows as Arrow tables, and return the new place."""
    kind, begin = (TopUp, client.top_ups) if name == "top_ups" else (DayUsage, client.history_usage)
    changes = Changes(begin, kind, None if since is None else Place.from_dict(since), full=full)
    waiting: list[Any] = []
    async with aclosing(changes.rows()) as batches:
        async for rows in batches:
            waiting += rows
            if len(waiting) >= _BATCH:
                await put(pa.Table.from_batches([batch(kind, account.label, waiting)]))
                waiting = []
    if waiting:
        await put(pa.Table.from_batches([batch(kind, account.label, waiting)]))
    return changes.place


def _failure(name: str, ended: Ended) -> dict[str, Any]:
    kind, message = explained(ended.error or Exception())
    at = datetime.now(UTC)
    return {"account": ended.account.label, "list": name, "error": kind, "message": message, "failed_at": at}
