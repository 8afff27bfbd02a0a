"""Describes what is wrong with a document, in sentences with JSON paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from aiozbilling.exchange.envelope import MOST_CLEANED
from aiozbilling.records.wire import wire_name

__all__ = ["MismatchError", "bounded", "explained"]

_MOST_PROBLEMS = 100
_LONGEST_VALUE = 60


class MismatchError(ValueError):
    """A value that its field does not accept."""

    def __init__(self, expected: str, value: Any) -> None:
        super().__init__(expected)
        self.expected = expected
        self.value = value


def explained(error: BaseException, path: str, clean: Callable[[str], str]) -> list[str]:
    """Return a sentence for each invalid field in cattrs' nested errors, in the order of the document."""
    problems: list[str] = []
    _collect(error, path, clean, problems)
    return bounded(problems)


def bounded(problems: list[str]) -> list[str]:
    """Return the first problems, and a last line if there are more."""
    return problems if len(problems) <= _MOST_PROBLEMS else [*problems[:_MOST_PROBLEMS], "and more problems"]


def _collect(error: BaseException, path: str, clean: Callable[[str], str], problems: list[str]) -> None:
    from cattrs.errors import ClassValidationError, IterableValidationError

    rest: Sequence[BaseException] = ()
    if isinstance(error, ClassValidationError):
        fields, rest = error.group_exceptions()
        for inner, note in fields:
            name = wire_name(error.cl, note.name)
            if isinstance(inner, KeyError):
                problems.append(f"expected a value at {path}.{name}, but it is missing")
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
    shown = clean(repr(value[:MOST_CLEANED]) if isinstance(value, str) else _number(value))
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}…"


def _number(value: Any) -> str:
    """Return a number as text. Converting a Decimal with 30 MB of digits would take 0.7 s."""
    if isinstance(value, Decimal) and value.__sizeof__() > MOST_CLEANED:
        return "a number with too many digits"
    return str(value)
