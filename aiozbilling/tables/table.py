"""What is known of each list that can be exported."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import attrs

from aiozbilling.clients.aioz import HISTORY_USAGE, TOP_UP
from aiozbilling.errors import ConfigurationError
from aiozbilling.records import DayUsage, TopUp
from aiozbilling.tables.columns import Cell, Column, cells_of, columns

__all__ = ["HISTORY", "TOP_UPS", "Table", "table_of"]


@attrs.frozen
class Table:
    """How the rows of a list lie in a file.

    Attributes:
        name: of the table in a database.
        columns: in order.
        cells: makes the cells of records, column by column.
        time: gives a record's time, or None.
        key: gives a record's unique key.
        tells_accounts: whether another account's rows have other keys, as ids are and days are not.
    """

    name: str
    columns: tuple[Column, ...]
    cells: Callable[[Sequence[Any]], list[list[Cell]]]
    time: Callable[[Any], datetime | None]
    key: Callable[[Any], Hashable]
    tells_accounts: bool = False


TOP_UPS = Table(
    "top_ups", columns(TopUp), cells_of(TopUp), attrgetter("created_at"), attrgetter("id"), tells_accounts=True
)
HISTORY = Table("history", columns(DayUsage), cells_of(DayUsage), attrgetter("date"), attrgetter("date"))
_BY_ENDPOINT = {TOP_UP.path: TOP_UPS, HISTORY_USAGE.path: HISTORY}


def table_of(endpoint: str) -> Table:
    """Find the table of a list.

    Raises:
        ConfigurationError: the list has none.
    """
    if endpoint not in _BY_ENDPOINT:
        raise ConfigurationError(f"there is no table for {endpoint}: export top_ups() or history_usage()")
    return _BY_ENDPOINT[endpoint]
