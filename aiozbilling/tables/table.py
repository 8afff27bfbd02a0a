"""The two lists that can be exported, as tables."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.records import DayUsage, TopUp
from aiozbilling.tables.columns import MISFITS, Cell, Column, cells_of, columns_of

__all__ = ["HISTORY", "TOP_UPS", "Table", "table_of"]


@attrs.frozen
class Table:
    """The table of a list: its columns and how records become cells.

    Attributes:
        name: of the table in a database.
        endpoint: path of the list.
        kind: record class of the rows.
        columns: in order.
        cells: returns the cells of records, column by column.
        time: returns a record's time, or None.
        key: returns a record's unique key.
        key_column: name of the column that holds the key.
        misfits: name of the column for values that do not fit into their own columns.
    """

    name: str
    endpoint: str
    kind: type
    columns: tuple[Column, ...]
    cells: Callable[[Sequence[Any]], list[list[Cell]]]
    time: Callable[[Any], datetime | None]
    key: Callable[[Any], Hashable]
    key_column: str
    misfits: str = MISFITS


def _table(name: str, endpoint: str, kind: type, time: str, key: str) -> Table:
    return Table(name, endpoint, kind, columns_of(kind), cells_of(kind), attrgetter(time), attrgetter(key), key)


TOP_UPS = _table("top_ups", "/api/billing/topUp", TopUp, "created_at", "id")
HISTORY = _table("history", "/api/billing/historyUsage", DayUsage, "date", "date")


def table_of(endpoint: str) -> Table:
    """Return the table of a list, by its path.

    Raises:
        ConfigurationError: the list has no table.
    """
    for table in (TOP_UPS, HISTORY):
        if table.endpoint == endpoint:
            return table
    raise ConfigurationError(f"there is no table for {endpoint}: export top_ups() or history_usage()")
