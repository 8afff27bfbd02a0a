"""A place for one observer of calls, attempts, walks, polls, exports and syncs: `integrations.opentelemetry` sets it.

Whoever runs an operation calls `began` and, where that returns something, its `ended`. Without an observer this costs
one look at a variable.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Literal, Protocol, TypeVar

__all__ = ["Kind", "Observed", "Observer", "began", "observe", "observer", "watched"]

T = TypeVar("T")
Kind = Literal["call", "attempt", "walk", "poll", "export", "sync"]
Facts = Mapping[str, str | int | float | bool]


class Observed(Protocol):
    """An operation that was begun."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers to send with the request; of attempts only."""
        ...

    def inside(self) -> AbstractContextManager[object]:
        """Make what begins inside a part of this operation; never to be held across a ``yield``."""
        ...

    def ended(self, facts: Facts, error: BaseException | None = None) -> None:
        """Say how the operation ended. A second call does nothing."""
        ...


class Observer(Protocol):
    """What `observe` takes."""

    def began(self, kind: Kind, name: str, facts: Facts) -> Observed:
        """Say that an operation begins."""
        ...


_observers: list[Observer] = []  # at most one


def observe(new: Observer | None) -> None:
    """Set the observer of this process, or take it away."""
    _observers[:] = [] if new is None else [new]


def observer() -> Observer | None:
    """Return the observer of this process."""
    return _observers[0] if _observers else None


def began(kind: Kind, name: str, facts: Facts | None = None) -> Observed | None:
    """Notify the observer, if there is one, that an operation begins."""
    return _observers[0].began(kind, name, facts or {}) if _observers else None


async def watched(kind: Kind, name: str, work: Awaitable[T], facts: Callable[[T], Facts]) -> T:
    """Do work that is one operation, such as a poll, an export or a sync; `facts` describes its result."""
    observed = began(kind, name)
    if observed is None:
        return await work
    try:
        with observed.inside():
            result = await work
    except BaseException as error:
        observed.ended({}, error)
        raise
    observed.ended(facts(result))
    return result
