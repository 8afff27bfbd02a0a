"""What is wrong with a document, told as sentences with JSON paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aiozbilling.exchange.envelope import MOST_CLEANED

__all__ = ["MismatchError", "explained", "wire_name"]

_CAMEL_CASED = frozenset({"aiozbilling.records.b3os", "aiozbilling.records.metered"})
_MOST_PROBLEMS = 100
_LONGEST_VALUE = 60


class MismatchError(ValueError):
    """A value is not what its field takes."""

    def __init__(self, expected: str, value: Any) -> None:
        super().__init__(expected)
        self.expected = expected
        self.value = value


def wire_name(record: type, field: str) -> str:
    """Give a field's name on the wire: as it is for AIOZ, camelCase for B3OS and metered billing."""
    if record.__module__ not in _CAMEL_CASED:
        return field
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


def explained(error: BaseException, path: str, clean: Callable[[str], str]) -> list[str]:
    """Turn cattrs' nested errors into a sentence for each bad field, in the document's order."""
    problems: list[str] = []
    _collect(error, path, clean, problems)
    if len(problems) > _MOST_PROBLEMS:
        problems[_MOST_PROBLEMS:] = ["and more problems"]
    return problems


def _collect(error: BaseException, path: str, clean: Callable[[str], str], problems: list[str]) -> None:
    from cattrs.errors import ClassValidationError, IterableValidationError

    rest: Sequence[BaseException] = ()
    if isinstance(error, ClassValidationError):
        fields, rest = error.group_exceptions()
        for inner, note in fields:
            name = wire_name(error.cl, note.name)
            if isinstance(inner, KeyError):
                problems.append(f"expected a value at {path}.{name}, it is missing")
            else:
                _collect(inner, f"{path}.{name}", clean, problems)
    elif isinstance(error, IterableValidationError):
        items, rest = error.group_exceptions()
        for inner, place in items:
            step = f"[{place.index}]" if isinstance(place.index, int) else f".{clean(place.index)[:_LONGEST_VALUE]}"
            _collect(inner, f"{path}{step}", clean, problems)
    else:
        problems.append(_sentence(error, path, clean))
        return
    for inner in rest:
        _collect(inner, path, clean, problems)


def _sentence(error: BaseException, path: str, clean: Callable[[str], str]) -> str:
    if not isinstance(error, MismatchError):
        return f"{clean(str(error))[:_LONGEST_VALUE]} at {path}"
    return f"expected {error.expected} at {path}, got {_shown(error.value, clean)}"


def _shown(value: Any, clean: Callable[[str], str]) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    shown = clean(repr(value[:MOST_CLEANED]) if isinstance(value, str) else str(value))
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}…"
