"""A list of many accounts as a Spark stream: each micro-batch contains the new rows since the previous one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import SimpleDataSourceStreamReader

from aiozbilling.errors import ConfigurationError
from aiozbilling.fleet.accounts import Account
from aiozbilling.fleet.changes import Place
from aiozbilling.fleet.new_rows import new_rows, rows_between
from aiozbilling.integrations.arrow import batch
from aiozbilling.integrations.loop_thread import loop_thread
from aiozbilling.integrations.many import Ended, Put, each_account
from aiozbilling.records import DayUsage, TopUp

if TYPE_CHECKING:
    from aiozbilling.integrations.spark import Options

__all__ = ["BillingStream"]


class BillingStream(SimpleDataSourceStreamReader):
    """Reads the new rows of all accounts on the driver.

    An offset contains how far the list of each account was read. Spark stores offsets in the checkpoint of the query.
    After a failure, it requests the rows between two offsets again. Rows that were corrected later are not returned
    again.
    """

    def __init__(self, options: Options) -> None:
        if options.table not in ("top_ups", "history"):
            raise ConfigurationError("only the tables top_ups and history can be read as a stream")
        self._options = options
        self._kind: type[TopUp | DayUsage] = TopUp if options.table == "top_ups" else DayUsage

    def initialOffset(self) -> dict[str, str]:  # noqa: N802 - Spark's name
        """Return the offset before the first row."""
        return {}

    def read(self, start: dict[str, str]) -> tuple[Iterator[Any], dict[str, str]]:
        """Return the new rows since an offset, and the next offset."""

        async def read(account: Account, client: Any, put: Put) -> Place:
            since = _place(start, account)
            found, place = await new_rows(self._begin(client), self._kind, since)
            await put(_tuples(self._kind, account, found))
            return place

        rows, places = self._read(read)
        ends = {label: json.dumps(place.as_dict()) for label, place in places.items()}
        return iter(rows), start | ends

    def readBetweenOffsets(self, start: dict[str, str], end: dict[str, str]) -> Iterator[Any]:  # noqa: N802
        """Return the rows between two offsets again."""

        async def read(account: Account, client: Any, put: Put) -> None:
            since, until = _place(start, account), _place(end, account)
            if until is not None and since != until:
                found = await rows_between(self._begin(client), self._kind, since, until)
                await put(_tuples(self._kind, account, found))

        return iter(self._read(read)[0])

    def commit(self, end: dict[str, str]) -> None:
        """Do nothing, because the provider stores no offsets."""

    def _read(self, read: Any) -> tuple[list[Any], dict[str, Any]]:
        options, rows, results = self._options, [], {}
        items = each_account(options.selected(), read, workers=options.workers, rate_limit=options.rate_limit)
        with loop_thread() as loop:
            for item in loop.iterate(items):
                if not isinstance(item, Ended):
                    rows += item
                elif item.error is None:
                    results[item.account.label] = item.result
                elif options.on_error == "raise":
                    raise item.error
        return rows, results

    def _begin(self, client: Any) -> Any:
        return client.top_ups if self._kind is TopUp else client.history_usage


def _place(offset: dict[str, str], account: Account) -> Place | None:
    return Place.from_dict(json.loads(offset[account.label])) if account.label in offset else None


def _tuples(kind: type[TopUp | DayUsage], account: Account, rows: list[Any]) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in batch(kind, account.label, rows).columns), strict=True))
