"""The first chunk of a download before its headers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, NoReturn, TypeVar

__all__ = ["started"]

T = TypeVar("T")


async def started(chunks: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """Read the first chunk, and return an iterator of all chunks, the first one included.

    Call it before the response is created: then an error of the first page becomes an error response instead of a
    download that ends early after a 200.

    Raises:
        AiozBillingError: reading the first chunk failed.
    """
    try:
        first = [await anext(chunks)]
    except StopAsyncIteration:
        first = []
    return _Started(first, chunks)


class _Started(AsyncGenerator[T, None]):
    # A class, since an async generator that never began would not close the one inside it.
    def __init__(self, first: list[T], rest: AsyncIterator[T]) -> None:
        self._first = first
        self._rest = rest

    async def asend(self, _value: None) -> T:
        return self._first.pop() if self._first else await anext(self._rest)

    async def athrow(self, error: Any, *_: Any) -> NoReturn:
        await self.aclose()
        raise error

    async def aclose(self) -> None:
        self._first.clear()
        close: Any = getattr(self._rest, "aclose", None)
        if close is not None:
            await close()
