"""Names, types and descriptions of the values in a record's JSON form, read from its class."""

from __future__ import annotations

from inspect import cleandoc
from itertools import pairwise
from types import NoneType
from typing import Any, get_args, get_type_hints

import attrs

__all__ = ["descriptions", "json_names", "json_types", "without_none"]


_names: dict[type, tuple[str, ...]] = {}


def json_names(kind: type) -> tuple[str, ...]:
    """List the fields of a record class in order, then its computed values."""
    if kind not in _names:
        _names[kind] = (*(field.name for field in attrs.fields(kind)), *_computed_names(kind))
    return _names[kind]


def _computed_names(kind: type) -> tuple[str, ...]:
    """List the properties of a record class that are part of its JSON form.

    `CuDay.day` is not: it repeats `date`, and raises an error if the provider's text is not a date.
    """
    return tuple(
        name
        for name, member in vars(kind).items()
        if isinstance(member, property) and not (name == "day" and kind.__name__ == "CuDay")
    )


def json_types(kind: type) -> dict[str, Any]:
    """Return the Python type of each value of a record's JSON form, by name."""
    hints = get_type_hints(kind)
    for name in _computed_names(kind):
        hints[name] = get_type_hints(vars(kind)[name].fget)["return"]
    return {name: hints[name] for name in json_names(kind)}


def without_none(hint: Any) -> Any:
    """Return the type of an optional value, or any other type as it is."""
    return next((part for part in get_args(hint) if part is not NoneType), hint)


def descriptions(kind: type) -> dict[str, str]:
    """Return what the docstrings say about each value of a record's JSON form, by name.

    The docstring below a field is not available at run time, so it is read from the source. If the source is not
    installed, fields have no descriptions.
    """
    computed = {name: _first_sentence(vars(kind)[name].__doc__) for name in _computed_names(kind)}
    return _field_docstrings(kind) | computed


def _field_docstrings(kind: type) -> dict[str, str]:
    import ast
    from inspect import getsource

    try:
        body = next(node.body for node in ast.parse(getsource(kind)).body if isinstance(node, ast.ClassDef))
    except (OSError, SyntaxError, StopIteration):
        return {}
    found = {}
    for field, below in pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found


def _first_sentence(doc: str | None) -> str:
    return cleandoc(doc or "").partition("\n\n")[0].replace("\n", " ")
