"""Explains likely mistakes: ``limit``, the keyword of the API, and arguments that are no listing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from aiozbilling.errors import ConfigurationError
from aiozbilling.listing.listing import Listing

__all__ = ["explains_limit", "refuse_no_listing"]

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


def refuse_no_listing(listing: object) -> None:
    """Raise an error if an argument is a client, a method, a page or a coroutine instead of a listing.

    Raises:
        ConfigurationError: it is not a `Listing`.
    """
    if not isinstance(listing, Listing):
        raise ConfigurationError(f"the list must be a Listing, such as billing.top_ups(), not {type(listing).__name__}")
