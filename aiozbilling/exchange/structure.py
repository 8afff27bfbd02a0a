"""Converts parsed JSON to records. One strict cattrs converter defines what is accepted.

cattrs itself is lenient (None → "None", 12.7 → 12, "false" → True). Here, each primitive type is strict, and the record
class declares the exceptions: a field that may be None accepts null, an amount that may be None accepts an empty text,
a time that may be None accepts Go's zero time, and null is a missing value for a field with a default factory.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin

import attrs
import msgspec

from aiozbilling.errors import DecodeError
from aiozbilling.exchange.validation import MismatchError, explained
from aiozbilling.records.amounts import refuse_bad_amount
from aiozbilling.records.fields import without_none
from aiozbilling.records.times import time_from_text
from aiozbilling.records.wire import wire_name

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["MOST_BAD_ITEMS", "parse", "structure"]

T = TypeVar("T")

# The first invalid items of a list are enough: the errors of 250,000 items, in half a megabyte, took 9 s and 400 MiB.
MOST_BAD_ITEMS = 30
_LONGEST_NUMBER = 1000  # characters
_document = msgspec.json.Decoder(float_hook=Decimal)


def parse(body: bytes) -> Any:
    """Parse JSON. Numbers with a fraction or an exponent become exact `Decimal` values.

    Raises:
        DecodeError: the body is not JSON, not UTF-8 or nested too deeply.
    """
    try:
        return _document.decode(body)
    except UnicodeDecodeError:
        reason = "the body is not UTF-8"
    except RecursionError:
        reason = "the body is nested too deeply"
    except (msgspec.DecodeError, ValueError, ArithmeticError) as error:
        if "UTF-8" in str(error):  # msgspec 0.23; earlier versions raise a UnicodeDecodeError
            reason = "the body is not UTF-8"
        else:
            reason = "the body is empty" if not body.strip() else "the body is not JSON"
    raise DecodeError([reason], malformed=True)


def structure(value: Any, kind: type[T], *, path: str, clean: Callable[[str], str]) -> T:
    """Convert parsed JSON to a record.

    Raises:
        DecodeError: fields are invalid; it describes each of them.
    """
    try:
        return _converter().structure(value, kind)
    except Exception as error:
        problems = explained(error, path, clean)
    raise DecodeError(problems)


@cache
def _converter() -> Converter:
    # Imported here: it takes 45 ms, and a walk without invalid rows does not need it.
    from cattrs import Converter
    from cattrs.cols import is_mapping, is_sequence

    converter = Converter(detailed_validation=True)
    for kind, hook in ((str, _str), (bool, _bool), (int, _int), (Decimal, _decimal), (datetime, _datetime)):
        converter.register_structure_hook(kind, hook)
    converter.register_structure_hook_factory(attrs.has, lambda kind: _record_hook(converter, kind))
    converter.register_structure_hook_factory(_is_optional, lambda kind: _optional_hook(converter, kind))
    converter.register_structure_hook_factory(is_sequence, lambda kind: _list_hook(converter, kind))
    converter.register_structure_hook_factory(is_mapping, lambda kind: _dict_hook(converter, kind))
    return converter


def _str(value: Any, _kind: Any) -> str:
    if not isinstance(value, str):
        raise MismatchError("a string", value)
    return value


def _bool(value: Any, _kind: Any) -> bool:
    if not isinstance(value, bool):
        raise MismatchError("true or false", value)
    return value


def _int(value: Any, _kind: Any) -> int:
    if isinstance(value, Decimal) and abs(value.adjusted()) < 30 and value == value.to_integral_value():
        return int(value)  # 12.0 or 1e9 is accepted as a whole number
    if isinstance(value, bool) or not isinstance(value, int):
        raise MismatchError("an integer", value)
    return value


def _decimal(value: Any, _kind: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise MismatchError("a number", value)
    if isinstance(value, str) and not (len(value) <= _LONGEST_NUMBER and value.isascii() and value.isprintable()):
        raise MismatchError("a number", value)  # Decimal accepts digits of any alphabet, and needs 0.7 s for 30 MB
    if isinstance(value, str) and "_" in value:
        raise MismatchError("a number", value)  # Python accepts it, but it is not an amount
    try:
        amount = Decimal(value)
        refuse_bad_amount(amount)
    except (ArithmeticError, ValueError):
        raise MismatchError("a number", value) from None
    return amount


def _datetime(value: Any, _kind: Any) -> datetime:
    time = _time(value)
    if time is None or time.year == 1:
        raise MismatchError("an RFC 3339 time", value)
    return time


def _time(value: Any) -> datetime | None:
    return time_from_text(value) if isinstance(value, str) else None


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType) and len(get_args(kind)) == 2 and type(None) in get_args(kind)


def _optional_hook(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    inner = without_none(kind)
    hook = converter.get_structure_hook(inner)

    def optional(value: Any, _kind: Any) -> Any:
        if value is None or (inner is Decimal and value == ""):
            return None
        if inner is datetime and (time := _time(value)) is not None and time.year == 1:
            return None
        return hook(value, inner)

    return optional


def _list_hook(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    # cattrs accepts any iterable as a list, even "abc" and {"a": 1}.
    is_tuple = get_origin(kind) is tuple
    inner = get_args(kind)[0]
    hook = converter.get_structure_hook(inner)

    def strict(value: Any, _kind: Any) -> Any:
        if value is None and is_tuple:
            return ()  # B3OS's optional lists may be null
        if not isinstance(value, list):
            raise MismatchError("a list", value)
        items = [item for _, item in _structured(enumerate(value), inner, hook)]
        return tuple(items) if is_tuple else items

    return strict


def _dict_hook(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    inner = get_args(kind)[1]
    hook = converter.get_structure_hook(inner)

    def strict(value: Any, _kind: Any) -> Any:
        if not isinstance(value, dict):
            raise MismatchError("an object", value)
        return dict(_structured(value.items(), inner, hook))

    return strict


def _structured(items: Iterable[tuple[Any, Any]], kind: Any, hook: Callable[[Any, Any], Any]) -> list[tuple[Any, Any]]:
    from cattrs import errors

    good: list[tuple[Any, Any]] = []
    bad: list[Exception] = []
    for place, item in items:
        try:
            good.append((place, hook(item, kind)))
        except Exception as error:
            error.add_note(errors.IterableValidationNote("", place, kind))
            bad.append(error)
            if len(bad) == MOST_BAD_ITEMS:
                break
    if bad:
        raise errors.IterableValidationError("", bad, kind)  # pyright: ignore[reportCallIssue]  # it reads __new__ of the base
    return good


def _record_hook(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    from cattrs.gen import make_dict_structure_fn, override

    names: dict[str, Any] = {field.name: override(rename=wire_name(kind, field.name)) for field in attrs.fields(kind)}
    inner: Any = make_dict_structure_fn(kind, converter, **names)
    made = [wire_name(kind, field.name) for field in attrs.fields(kind) if hasattr(field.default, "factory")]

    def strict(value: Any, _kind: Any) -> Any:
        if not isinstance(value, dict):
            raise MismatchError("an object", value)
        if any(value.get(name, made) is None for name in made):
            value = {name: part for name, part in value.items() if part is not None or name not in made}
        return inner(value, kind)

    return strict
