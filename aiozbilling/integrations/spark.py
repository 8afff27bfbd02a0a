"""A Spark data source (Python Data Source API, Spark 4) that reads many accounts exactly.

::

    from aiozbilling.integrations.spark import BillingSource

    spark.dataSource.register(BillingSource)
    spark.read.format("aiozbilling").options(table="top_ups", accounts="accounts.toml").load()

Options are plain settings. The accounts file contains references to secrets. Only the worker that needs a secret reads
it, so that no plan, log or page of Spark contains one.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Literal, TypeAlias, get_args

import attrs

from aiozbilling.clients.aioz import AIOZ_RATE_LIMIT
from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.rate import RateLimit
from aiozbilling.fleet.account_files import explained
from aiozbilling.fleet.accounts import Account, read_accounts, selected
from aiozbilling.integrations.loop_thread import loop_thread
from aiozbilling.integrations.many import Ended, Put, each_account
from aiozbilling.records import DayUsage, MonthUsage, TopUp

try:
    import pyarrow as pa
    from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition, SimpleDataSourceStreamReader

    from aiozbilling.integrations.arrow import batch, schema
except ImportError:
    raise ConfigurationError("Spark is an extra: pip install 'aiozbilling[spark]'") from None

__all__ = ["BillingSource"]

Table: TypeAlias = Literal["top_ups", "history", "months", "outcomes"]
_KINDS: dict[str, type[TopUp | DayUsage | MonthUsage]] = {"top_ups": TopUp, "history": DayUsage, "months": MonthUsage}
_OUTCOMES = pa.schema(
    [
        pa.field("account", pa.string(), nullable=False),
        pa.field("list", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("rows", pa.int64()),
        pa.field("error", pa.string()),
        pa.field("message", pa.string()),
    ]
)
_LISTS = ("top_ups", "history")


@attrs.frozen(kw_only=True)
class Options:
    """The options of `BillingSource`.

    Attributes:
        table: ``top_ups``, ``history``, ``months`` (the current month of each account), or ``outcomes``.
        accounts: path of the accounts file on the driver. Files with secrets must exist on every worker.
        only: patterns of labels, separated by commas, or "".
        accounts_per_partition: number of accounts in one partition.
        on_error: ``"raise"`` fails the job if an account fails; ``"record"`` leaves the account out, and the table
            ``outcomes`` contains its error.
        workers: accounts of one partition that are read at a time.
        rate_limit: rate limit of each account, or None.
    """

    table: Table
    accounts: str
    only: tuple[str, ...] = ()
    accounts_per_partition: int = 50
    on_error: Literal["raise", "record"] = "raise"
    workers: int = 4
    rate_limit: RateLimit | None = AIOZ_RATE_LIMIT

    @classmethod
    def read(cls, options: Mapping[str, str]) -> Options:
        """Parse the options that Spark passes on.

        Raises:
            ConfigurationError: an option is missing or invalid, or may be a secret. The message does not contain a
                value that may be a secret.
        """
        given = {name.lower(): options[name] for name in options}
        if unknown := sorted(given.keys() - _OPTIONS.keys()):
            raise ConfigurationError(
                f"unknown option {unknown[0]!r}; secrets are not options: the accounts file says where they are"
            )
        for name in ("table", "accounts"):
            if name not in given:
                raise ConfigurationError(f"the option {name!r} is missing")
        return cls(**{_OPTIONS[name][0]: _OPTIONS[name][1](text) for name, text in given.items()})

    def selected(self) -> tuple[Account, ...]:
        """Return the AIOZ accounts to read."""
        return tuple(one for one in selected(read_accounts(self.accounts), self.only) if one.system == "aioz")


class BillingSource(DataSource):
    """The data source ``aiozbilling`` with the tables ``top_ups``, ``history``, ``months`` and ``outcomes``.

    A partition is a set of whole accounts, so that one process can observe the rate limit of an account. A stream
    returns the new rows since the last run; see `BillingStream`.

    Raises:
        ConfigurationError: an option is invalid. The guide next to this module describes the options.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(dict(options))
        self._read = Options.read(options)

    @classmethod
    def name(cls) -> str:
        """Return the name for ``format(…)``."""
        return "aiozbilling"

    def schema(self) -> Any:
        """Return the columns of the table."""
        from pyspark.sql.pandas.types import from_arrow_schema

        return from_arrow_schema(_schema(self._read.table))

    def reader(self, schema: Any) -> DataSourceReader:  # noqa: ARG002 - Spark passes it on
        """Return the reader of the table."""
        return BillingReader(self._read)

    def simpleStreamReader(self, schema: Any) -> SimpleDataSourceStreamReader:  # noqa: N802, ARG002 - Spark's name
        """Return the stream reader of the table.

        Raises:
            ConfigurationError: the table is not `top_ups` or `history`.
        """
        from aiozbilling.integrations.spark_stream import BillingStream

        return BillingStream(self._read)


@attrs.frozen
class AccountPartition(InputPartition):
    """A partition: accounts, which contain no secrets."""

    value: tuple[Account, ...]


@attrs.frozen
class BillingReader(DataSourceReader):
    """Reads a table, with a set of whole accounts in each partition."""

    options: Options

    def partitions(self) -> Sequence[InputPartition]:
        """Divide the accounts into partitions. Spark needs one (it fails with a TypeError), even without accounts."""
        accounts, size = self.options.selected(), self.options.accounts_per_partition
        return [AccountPartition(accounts[first : first + size]) for first in range(0, len(accounts) or 1, size)]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """Iterate the rows of a partition as Arrow."""
        options = self.options
        items = each_account(partition.value, self._one, workers=options.workers, rate_limit=options.rate_limit)
        with loop_thread() as loop:
            for item in loop.iterate(items):
                if not isinstance(item, Ended):
                    yield item
                elif item.error is not None and options.table == "outcomes":
                    yield _outcome(item.account, "", None, item.error)
                elif item.error is not None and options.on_error == "raise":
                    raise item.error

    async def _one(self, account: Account, client: Any, put: Put) -> None:
        options = self.options
        if options.table == "outcomes":
            for name in _LISTS:
                await put(await _counted(account, client, name))
            return
        batches = _batches(account, client, options.table)
        async with aclosing(batches):
            if options.on_error == "raise":
                async for rows in batches:
                    await put(rows)
            else:
                await _whole(batches, _schema(options.table), put)


async def _batches(account: Account, client: Any, table: str) -> AsyncGenerator[Any, None]:
    if table == "months":
        yield batch(MonthUsage, account.label, [await client.this_month_usage()])
        return
    async with aclosing(_listing(client, table).pages()) as pages:
        async for page in pages:
            yield batch(_KINDS[table], account.label, page.items)


async def _whole(batches: AsyncGenerator[Any, None], layout: Any, put: Put) -> None:
    """Put the rows of an account after all were read, so that a failed account has none. A file buffers them."""
    with tempfile.TemporaryFile() as file:
        with pa.ipc.new_stream(file, layout) as writer:
            async for rows in batches:
                writer.write_batch(rows)
        file.seek(0)
        with pa.ipc.open_stream(file) as reader:
            for rows in reader:
                await put(rows)


async def _counted(account: Account, client: Any, name: str) -> Any:
    """Read a whole list, and return its outcome."""
    listing, rows = _listing(client, name), 0
    try:
        async with aclosing(listing.pages()) as pages:
            async for page in pages:
                rows += len(page.items)
    except Exception as error:
        return _outcome(account, name, rows, error)
    return _outcome(account, name, rows, None)


def _outcome(account: Account, name: str, rows: int | None, error: Exception | None) -> Any:
    kind, message = (None, None) if error is None else explained(error)
    status = "complete" if error is None else "failed"
    values = (account.label, name, status, rows, kind, message)
    return pa.RecordBatch.from_arrays(
        [pa.array([value], field.type) for value, field in zip(values, _OUTCOMES, strict=True)], schema=_OUTCOMES
    )


def _listing(client: Any, table: str) -> Any:
    return client.top_ups() if table == "top_ups" else client.history_usage()


def _schema(table: str) -> Any:
    return _OUTCOMES if table == "outcomes" else schema(_KINDS[table])


def _table(text: str) -> str:
    if text not in get_args(Table):
        raise ConfigurationError(f"the option 'table' must be one of {', '.join(get_args(Table))}")
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**6):
        raise ConfigurationError("accountsPerPartition and workers must be whole numbers of at least 1")
    return int(text)


def _on_error(text: str) -> str:
    if text not in ("raise", "record"):
        raise ConfigurationError("the option 'onError' must be 'raise' or 'record'")
    return text


def _limit(text: str) -> RateLimit | None:
    if text == "none":
        return None
    requests, _, seconds = text.partition("/")
    if not (requests.isascii() and requests.isdigit() and seconds.isascii() and seconds.isdigit()):
        raise ConfigurationError("the option 'rateLimit' must be requests and seconds, such as 180/60, or none")
    return RateLimit(int(requests), float(seconds))


# option name in lower case, as Spark passes it on: (field, function that parses the text)
_OPTIONS: dict[str, tuple[str, Any]] = {
    "table": ("table", _table),
    "accounts": ("accounts", str),
    "only": ("only", lambda text: tuple(part.strip() for part in text.split(",") if part.strip())),
    "accountsperpartition": ("accounts_per_partition", _count),
    "onerror": ("on_error", _on_error),
    "workers": ("workers", _count),
    "ratelimit": ("rate_limit", _limit),
}
