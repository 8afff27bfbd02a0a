"""Explains which options to use instead of ``limit``, the keyword of the API."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

__all__ = ["explains_limit"]

M = TypeVar("M", bound=Callable[..., Any])


def explains_limit(method: M) -> M:
    """Decorate a method that returns a listing: a call with ``limit`` raises a TypeError that names our options.

    The signature stays as it is, for editors and for type checkers.
    """

    @wraps(method)
    def call(*args: Any, **options: Any) -> Any:
        if "limit" in options:
            raise TypeError(
                f"{method.__name__}() takes no limit: max_items is the number of rows in all,"
                " page_size the number of rows in one request"
            )
        return method(*args, **options)

    return cast("M", call)
