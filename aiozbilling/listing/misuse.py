"""The keyword of the API that users try on a list, and the options that do what they mean."""

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
                f"{method.__name__}() takes no limit: max_items is how many rows you get,"
                " page_size how many rows one request asks for"
            )
        return method(*args, **options)

    return cast("M", call)
