"""Converts records to JSON: exact decimals as text, times as ISO 8601, as in a CSV export."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from aiozbilling.records.fields import json_names
from aiozbilling.records.record import Record
from aiozbilling.records.texts import decimal_text, time_text

__all__ = ["shallow", "to_dict", "to_json"]


def to_dict(record: Record) -> dict[str, Any]:
    """Return a record as a dict that any JSON encoder accepts.

    It contains the record's fields in order, and then the computed values (``credit_usd``, ``value``, ``symbol``, …).
    Decimals are text with all their digits, times are text in UTC (``2026-11-21T12:00:00.000000Z``), nested records are
    dicts, and tuples are lists. Whole numbers, booleans and None are unchanged.

    Raises:
        TypeError: it is not a record of this library.
    """
    if not isinstance(record, Record):
        raise TypeError(f"to_dict needs a record such as TopUp, not {type(record).__name__}")
    return _dict(record)


def to_json(records: Record | Iterable[Record]) -> str:
    """Return a record as a JSON object, or any number of records as a JSON array, without line breaks.

    Raises:
        TypeError: it is neither a record nor an iterable of records.
    """
    if isinstance(records, Record):
        encodable: Any = _dict(records)
    elif isinstance(records, Iterable):
        encodable = [to_dict(record) for record in records]
    else:
        raise TypeError(
            f"to_json needs a record or an iterable of records, not {type(records).__name__}: "
            "collect a listing first, `to_json(await listing.collect())`"
        )
    return json.dumps(encodable, ensure_ascii=False, separators=(",", ":"))


def shallow(record: Record) -> dict[str, Any]:
    """Return the result of `to_dict` without converting nested records, which pydantic serializes itself."""
    return {name: _shallow_value(getattr(record, name)) for name in json_names(type(record))}


def _dict(record: Record) -> dict[str, Any]:
    return {name: _value(getattr(record, name)) for name in json_names(type(record))}


def _value(value: Any) -> Any:
    convert: _Converter | None = _CONVERTERS.get(type(value), _dict)
    return value if convert is None else convert(value)


def _shallow_value(value: Any) -> Any:
    convert = _TEXTS.get(type(value))
    if convert is not None:
        return convert(value)
    return list(value) if isinstance(value, tuple) else value


_Converter = Callable[[Any], Any]
_TEXTS: dict[Any, _Converter] = {Decimal: decimal_text, dt.datetime: time_text, dt.date: dt.date.isoformat}
_CONVERTERS: dict[Any, _Converter | None] = {
    **_TEXTS,
    **dict.fromkeys((str, int, bool, float, type(None)), None),
    tuple: lambda rows: [_value(row) for row in rows],
    dict: lambda rows: {name: _value(row) for name, row in rows.items()},
}
