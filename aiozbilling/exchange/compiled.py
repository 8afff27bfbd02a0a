"""The fast path from bytes to records: code generated from the record classes.

msgspec decodes a reply into structs with the fields of the records, in which amounts are text. Generated code then
checks the texts and fills the records. msgspec could decode into the attrs classes directly. But then it would read
each attribute of each object again (a fifth of its time), call the checks of each record (another fifth), and accept
``"1_000"`` and the digits of other alphabets as amounts.

Values that this path does not accept are left to `structure`, which defines what is accepted. A property test compares
both.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import attrs
import msgspec

from aiozbilling.records.amounts import EXACT
from aiozbilling.records.fields import without_none
from aiozbilling.records.wire import wire_name, wire_order

__all__ = ["OddError", "draft_of", "quick_decoder", "row_field", "rows_decoder"]

T = TypeVar("T")
# An amount has no more digits than `refuse_bad_amount` accepts.
_TEXTS: dict[Any, Any] = {Decimal: Annotated[str, msgspec.Meta(max_length=100)], datetime: str}
_UNSET = "0001-01-01T00:00:00Z"
_LONGEST_TIME = 27  # with microseconds
_MOST_DIGITS = 12  # of a fraction of a second
_times: Callable[[str], list[datetime]] = msgspec.json.Decoder(list[datetime]).decode


class OddError(ValueError):
    """The fast path leaves a value to `structure`."""


class _Field(NamedTuple):
    """A field of a record, as the fast path sees it."""

    name: str
    kind: Any
    optional: bool


def quick_decoder(kind: type[T]) -> Callable[[bytes], T | None]:
    """Return a decoder of ``{"data": kind, "status": "success"}``, which returns None if `structure` must decide."""
    record: Any = kind
    rows = row_field(record)
    data, build = (_struct(record), _single(record)) if rows is None else _page(record, *rows)
    envelope: Any = msgspec.defstruct("Envelope", [("data", data), ("status", str)], gc=False)
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(envelope).decode

    def quick(body: bytes) -> T | None:
        try:
            _refuse_odd(body)
            reply: Any = decode(body)
            return build(reply.data) if reply.status == "success" else None
        except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
            return None

    return quick


def rows_decoder(kind: type[T]) -> Callable[[bytes], list[T | None]]:
    """Return the function from a JSON list to its records, with None for null.

    It raises ValueError, ArithmeticError, RecursionError or msgspec.MsgspecError if `structure` must decide.
    """
    row: Any = kind
    build, decode = _many_or_null(row), msgspec.json.Decoder(_list_of(row)).decode

    def rows(body: bytes) -> list[T | None]:
        _refuse_odd(body)
        return build(decode(body))

    return rows


@cache
def row_field(kind: type) -> tuple[str, type] | None:
    """Return the name of a page's list and the class of its rows, or None if the record is not a page."""
    for name, hint in get_type_hints(kind).items():
        for part in get_args(hint):
            if get_origin(part) is list:
                return name, without_none(get_args(part)[0])
    return None


def _list_of(kind: Any) -> Any:
    return list.__class_getitem__(_struct(kind) | None)


def _page(kind: Any, name: str, row: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return the struct of a page, and the function from it to the page, whose class checks the other fields."""
    build_rows = _many_or_null(row)
    hints: dict[str, Any] = {**get_type_hints(kind), name: _list_of(row) | None}
    place = [*hints].index(name)

    def build(wire: Any) -> Any:
        fields = [*msgspec.structs.astuple(wire)]
        if fields[place] is not None:
            fields[place] = build_rows(fields[place])
        return kind(*fields)

    return msgspec.defstruct(kind.__name__, [*hints.items()], gc=False), build


def _many_or_null(kind: Any) -> Callable[[list[Any]], list[Any]]:
    """Return the function from structs to records, with None for null."""
    build = _many(kind)

    def rows(wires: list[Any]) -> list[Any]:
        try:
            return build(wires)
        except AttributeError:  # there is a null row
            built = iter(build([wire for wire in wires if wire is not None]))
            return [None if wire is None else next(built) for wire in wires]

    return rows


def _single(kind: Any) -> Callable[[Any], Any]:
    build = _many(kind)
    return lambda wire: build([wire])[0]


def _read_times(texts: list[Any]) -> list[datetime | None]:
    """Return the times of a column, None for those that are not set. Together, this takes a third of single calls."""
    if not texts:
        return []
    try:
        if max(map(len, texts)) > _LONGEST_TIME:
            texts = [_cut(text) for text in texts]
        column = '["' + '","'.join(texts) + '"]'
    except TypeError:  # a time is missing
        return _read_times([_UNSET if text is None else text for text in texts])
    times: list[Any] = _times(column)
    if column.count("Z") != len(times) and any(time.tzinfo is not UTC for time in times):
        raise OddError  # `structure` converts other time zones to UTC
    if '"0001' in column:
        return [None if time.year == 1 else time for time in times]
    return times


def _cut(text: str) -> str:
    """Cut off nanoseconds, which msgspec would round, possibly to the next day."""
    if not text[20:27].isdecimal():
        return text
    zone = text[26:].lstrip("0123456789")
    if len(text) - len(zone) > len("2026-10-01T12:00:00.") + _MOST_DIGITS:
        raise OddError
    return text[:26] + zone


@cache
def _struct(kind: Any) -> Any:
    fields = [_struct_field(kind, field) for field in _fields(kind)]
    return msgspec.defstruct(kind.__name__, fields, gc=False, kw_only=True)


def _struct_field(kind: Any, field: _Field) -> tuple[str, Any, Any]:
    one = _struct(field.kind) if attrs.has(field.kind) else _TEXTS.get(field.kind, field.kind)
    options: dict[str, Any] = {"name": wire_name(kind, field.name)}
    default: Any = getattr(attrs.fields(kind), field.name).default
    if default is not attrs.NOTHING:
        options["default"] = default
    return field.name, one | None if field.optional else one, msgspec.field(**options)


@cache
def _fields(kind: Any) -> list[_Field]:
    hints = get_type_hints(kind)
    names = wire_order(kind)  # msgspec looks for each key after the previous one first
    return [_Field(name, without_none(hints[name]), NoneType in get_args(hints[name])) for name in names]


@cache
def _many(kind: Any) -> Callable[[list[Any]], list[Any]]:
    """Return the function from structs to records."""
    names: dict[str, Any] = {"decimal": EXACT.create_decimal, "OddError": OddError, "read_times": _read_times}
    times = [field.name for field in _fields(kind) if field.kind is datetime]
    columns = [f"read_times([wire.{name} for wire in wires])" for name in times]
    lines = [
        "def build(wires):",
        " records = []",
        f" for {', '.join(['wire', *times])}, in zip({', '.join(['wires', *columns])}):",
        *(f"  {line}" for line in _record_lines(kind, "record", "wire", names)),
        "  records.append(record)",
        " return records",
    ]
    exec("\n".join(lines), names)  # noqa: S102 - generated from our record classes, as attrs generates __init__
    build: Callable[[list[Any]], list[Any]] = names["build"]
    return build


def draft_of(kind: Any) -> Any:
    """Return a subclass of a frozen class whose objects can be filled, and then become objects of the class.

    This takes half the time of `__init__`, which would also repeat the checks that a record's text has passed.
    """
    open_ = {name: getattr(object, name) for name in ("__init__", "__setattr__", "__delattr__")} | {"__slots__": ()}
    return type(kind.__name__, (kind,), open_)


def _record_lines(kind: Any, target: str, wire: str, names: dict[str, Any]) -> list[str]:
    """Return the code that creates the record `target` from the struct `wire`."""
    names |= {f"Record_{target}": kind, f"Draft_{target}": draft_of(kind)}
    lines = [f"{target} = Draft_{target}()"]
    for field in _fields(kind):
        lines += _field_lines(field, target, f"{wire}.{field.name}", names)
    return [*lines, f"{target}.__class__ = Record_{target}"]


def _field_lines(field: _Field, record: str, source: str, names: dict[str, Any]) -> list[str]:
    goal = f"{record}.{field.name}"
    absent = f"{goal} = None" if field.optional else "raise OddError"
    if field.kind is Decimal:
        check = " if not text.encode().isdigit(): raise OddError"
        return [f"text = {source}", "if text:", check, f" {goal} = decimal(text)", f"else: {absent}"]
    if field.kind is datetime:
        return [f"{goal} = {field.name}", *([] if field.optional else [f"if {field.name} is None: {absent}"])]
    if attrs.has(field.kind):
        inner = f"{record}_{field.name}"
        return [
            f"{inner}_wire = {source}",
            *_record_lines(field.kind, inner, f"{inner}_wire", names),
            f"{goal} = {inner}",
        ]
    return [f"{goal} = {source}"]


def _refuse_odd(body: bytes) -> None:
    """Raise an error for bytes with escapes, which may hide a quotation mark in a time, or that are not UTF-8.

    Raises:
        ValueError: it is so.
    """
    if b"\\" in body:
        raise OddError
    if not body.isascii():
        body.decode()
