"""Makes records usable as fields and response models of pydantic and FastAPI, without importing either.

pydantic's core schemas are plain dicts. A record is accepted as an instance, not as a dict, because the clients check
the provider's replies. It is serialized as by `to_dict`.

Source: https://docs.pydantic.dev/latest/concepts/types/#customizing-validation-with-__get_pydantic_core_schema__
"""

from __future__ import annotations

import datetime as dt
import types
from decimal import Decimal
from typing import Any, get_args, get_origin

from aiozbilling.records.fields import descriptions, json_types, without_none
from aiozbilling.records.json import shallow
from aiozbilling.records.record import Record

__all__ = ["core_schema", "json_schema"]

_SIMPLE = {str: "str", int: "int", bool: "bool", Decimal: "str", dt.datetime: "str", dt.date: "str"}
_FORMATS = {Decimal: "decimal", dt.datetime: "date-time", dt.date: "date"}


def core_schema(kind: type[Record], handler: Any) -> dict[str, Any]:
    """Return pydantic's core schema of a record class."""
    fields = {
        name: {"type": "typed-dict-field", "schema": _schema(type_, handler), "required": True}
        for name, type_ in json_types(kind).items()
    }
    return {
        "type": "is-instance",
        "cls": kind,
        "ref": f"{kind.__module__}.{kind.__qualname__}:{id(kind)}",
        "serialization": {
            "type": "function-plain",
            "function": shallow,
            "return_schema": {"type": "typed-dict", "fields": fields},
        },
    }


def json_schema(kind: type[Record], schema: dict[str, Any], handler: Any) -> dict[str, Any]:
    """Return the JSON schema of a record class, with descriptions from its docstrings."""
    found: dict[str, Any] = handler.resolve_ref_schema(handler(schema["serialization"]["return_schema"]))
    found["title"] = kind.__name__
    found["description"] = (kind.__doc__ or "").partition("\n\n")[0]
    texts = descriptions(kind)
    for name, type_ in json_types(kind).items():
        value = found["properties"][name]
        value.pop("title", None)
        if text := texts.get(name):
            value["description"] = text
        if text_format := _FORMATS.get(without_none(type_)):
            string = next(form for form in value.get("anyOf", [value]) if form.get("type") == "string")
            string["format"] = text_format
    return found


def _schema(type_: Any, handler: Any) -> dict[str, Any]:
    if get_origin(type_) is types.UnionType:
        return {"type": "nullable", "schema": _schema(without_none(type_), handler)}
    if get_origin(type_) is tuple:
        return {"type": "list", "items_schema": _schema(get_args(type_)[0], handler)}
    if get_origin(type_) is dict:
        return {"type": "dict", "values_schema": _schema(get_args(type_)[1], handler)}
    if issubclass(type_, Record):
        return handler.generate_schema(type_)  # type: ignore[no-any-return]
    return {"type": _SIMPLE[type_]}
