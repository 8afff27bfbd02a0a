"""Registration of one observer of calls, attempts, walks, polls, exports and syncs; OpenTelemetry uses it.

An operation calls `began` at its start. If that returns an object, it calls the object's `ended` at its end. Without an
observer, this costs one read of a variable.
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
    """A running operation."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers to send with the request, for an attempt."""
        ...

    def inside(self) -> AbstractContextManager[object]:
        """Return a context manager in which new operations become children. It must not contain a ``yield``."""
        ...

    def ended(self, facts: Facts, error: BaseException | None = None) -> None:
        """Report the end of the operation. A second call does nothing."""
        ...


class Observer(Protocol):
    """An observer for `observe`."""

    def began(self, kind: Kind, name: str, facts: Facts) -> Observed:
        """Report the start of an operation."""
        ...


_observers: list[Observer] = []  # at most one


def observe(new: Observer | None) -> None:
    """Set the observer of this process, or remove it with None."""
    _observers[:] = [] if new is None else [new]


def observer() -> Observer | None:
    """Return the observer of this process."""
    return _observers[0] if _observers else None


def began(kind: Kind, name: str, facts: Facts | None = None) -> Observed | None:
    """Report the start of an operation to the observer, if there is one."""
    return _observers[0].began(kind, name, facts or {}) if _observers else None


async def watched(kind: Kind, name: str, work: Awaitable[T], facts: Callable[[T], Facts]) -> T:
    """Await work as one operation, such as a poll, an export or a sync. `facts` describes its result."""
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
