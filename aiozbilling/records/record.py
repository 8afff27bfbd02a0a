"""The base class of all records: a readable `repr`, and support for pydantic and FastAPI."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from aiozbilling.records.fields import json_names
from aiozbilling.records.texts import decimal_text, time_text

__all__ = ["Record"]


class Record:
    """Base class of all records, which `to_dict` and `to_json` accept."""

    __slots__ = ("__weakref__",)

    def __repr__(self) -> str:
        shown = (f"{name}={_shown(getattr(self, name))}" for name in json_names(type(self)))
        return f"{type(self).__name__}({', '.join(shown)})"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: Any) -> Any:
        from aiozbilling.records.pydantic_schema import core_schema

        return core_schema(cls, handler)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        from aiozbilling.records.pydantic_schema import json_schema

        return json_schema(cls, schema, handler)


def _shown(value: Any) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, dt.datetime):
        return time_text(value).replace(".000000Z", "Z")
    return value.isoformat() if isinstance(value, dt.date) else repr(value)
