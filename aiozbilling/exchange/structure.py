"""From a reply's bytes to records: one strict cattrs converter is the definition, msgspec the quick road to the same.

cattrs by itself is lenient (None → "None", 12.7 → 12, "false" → True); here each primitive is strict, and what is
tolerated stands in the record: a field that may be None takes null, money that may be None takes an empty text, a time
that may be None takes Go's zero time.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin

import attrs
import msgspec

from aiozbilling.errors import DecodeError
from aiozbilling.exchange.mismatch import MismatchError, explained, wire_name
from aiozbilling.records.amounts import checked_amount

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["parse", "quick_decoder", "structure"]

T = TypeVar("T")

_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:[Zz]|([+-])(\d\d):?([0-5]\d))", re.ASCII
)
# msgspec rounds beyond microseconds, so that 23:59:59.9999999 becomes the next day: such bodies take the other road.
_NANOSECONDS = re.compile(rb"\.\d{7}")
# A list's first bad items explain enough: the errors of 250,000 took 9 s and 400 MiB, for a body of half a megabyte.
_MOST_BAD_ITEMS = 30
_document = msgspec.json.Decoder(float_hook=Decimal)


def parse(body: bytes) -> Any:
    """Read JSON, with numbers that have a fraction or an exponent as exact `Decimal`.

    Raises:
        DecodeError: the body is no JSON, or no UTF-8, or nested too deep.
    """
    try:
        return _document.decode(body)
    except UnicodeDecodeError:
        reason = "the body is no UTF-8"
    except RecursionError:
        reason = "the body is nested too deep"
    except (msgspec.DecodeError, ValueError, ArithmeticError):
        reason = "the body is empty" if not body.strip() else "the body is no JSON"
    raise DecodeError([reason], malformed=True)


def quick_decoder(kind: type[T]) -> Callable[[bytes], T | None]:
    """Give the quick road for ``{"data": kind, "status": "success"}``: None means that `structure` has to decide."""
    envelope = attrs.make_class("Envelope", {"data": attrs.field(type=kind), "status": attrs.field(type=str)})
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(envelope).decode

    def quick(body: bytes) -> T | None:
        # Escapes and other alphabets can hide digits that Decimal takes and `_decimal` doesn't.
        if b"\\" in body or not body.isascii() or _NANOSECONDS.search(body):
            return None
        try:
            reply = decode(body)
        except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
            return None
        return reply.data if reply.status == "success" else None

    return quick


def structure(value: Any, kind: type[T], *, path: str, clean: Callable[[str], str]) -> T:
    """Make a record of parsed JSON.

    Raises:
        DecodeError: with a sentence for every bad field.
    """
    try:
        return _converter().structure(value, kind)
    except Exception as error:
        problems = explained(error, path, clean)
    raise DecodeError(problems)


@cache
def _converter() -> Converter:
    from cattrs import Converter  # here: 45 ms of importing that a walk without a bad row never needs

    converter = Converter(detailed_validation=True)
    for kind, hook in ((str, _str), (bool, _bool), (int, _int), (Decimal, _decimal), (datetime, _datetime)):
        converter.register_structure_hook(kind, hook)
    converter.register_structure_hook_factory(attrs.has, lambda kind: _record_hook(converter, kind))
    converter.register_structure_hook_factory(_is_optional, lambda kind: _optional_hook(converter, kind))
    converter.register_structure_hook_factory(_is_list, lambda kind: _list_hook(converter, kind))
    converter.register_structure_hook_factory(_is_dict, lambda kind: _dict_hook(converter, kind))
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
        return int(value)  # 12.0 or 1e9: a float that happens to be whole
    if isinstance(value, bool) or not isinstance(value, int):
        raise MismatchError("an integer", value)
    return value


def _decimal(value: Any, _kind: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise MismatchError("a number", value)
    if isinstance(value, str) and not (value.isascii() and value.isprintable()):
        raise MismatchError("a number", value)  # Decimal takes the digits of any alphabet
    try:
        amount = Decimal(value)
        checked_amount(amount)
    except (ArithmeticError, ValueError):
        raise MismatchError("a number", value) from None
    return amount


def _datetime(value: Any, _kind: Any) -> datetime:
    time = _rfc_3339(value)
    if time is None or time.year == 1:
        raise MismatchError("an RFC 3339 time", value)
    return time


def _rfc_3339(value: Any) -> datetime | None:
    """Read a time; digits beyond microseconds are cut off, never rounded into the next second."""
    match = _RFC_3339.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    microsecond = int((match[7] or "0").ljust(6, "0")[:6])
    offset = timedelta(hours=int(match[9] or 0), minutes=int(match[10] or 0)) * (-1 if match[8] == "-" else 1)
    try:
        zone = timezone(offset)
        return datetime(year, month, day, hour, minute, second, microsecond, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in (list, tuple)


def _is_dict(kind: Any) -> bool:
    return get_origin(kind) is dict


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType) and len(get_args(kind)) == 2 and type(None) in get_args(kind)


def _optional_hook(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    (inner,) = (part for part in get_args(kind) if part is not type(None))
    hook = converter.get_structure_hook(inner)

    def optional(value: Any, _kind: Any) -> Any:
        if value is None or (inner is Decimal and value == ""):
            return None
        if inner is datetime and (time := _rfc_3339(value)) is not None and time.year == 1:
            return None
        return hook(value, inner)

    return optional


def _list_hook(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    # cattrs takes any iterable for a list, "abc" and {"a": 1} too.
    is_tuple = get_origin(kind) is tuple
    inner = get_args(kind)[0]
    hook = converter.get_structure_hook(inner)

    def strict(value: Any, _kind: Any) -> Any:
        if value is None and is_tuple:
            return ()  # of the optional lists of B3OS
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
            if len(bad) == _MOST_BAD_ITEMS:
                break
    if bad:
        raise errors.IterableValidationError("", bad, kind)  # pyright: ignore[reportCallIssue]  # it reads __new__ of the base
    return good


def _record_hook(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    from cattrs.gen import make_dict_structure_fn, override

    names: dict[str, Any] = {field.name: override(rename=wire_name(kind, field.name)) for field in attrs.fields(kind)}
    inner: Any = make_dict_structure_fn(kind, converter, **names)

    def strict(value: Any, _kind: Any) -> Any:
        if not isinstance(value, dict):
            raise MismatchError("an object", value)
        return inner(value, kind)

    return strict
