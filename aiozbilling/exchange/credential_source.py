"""Credentials that change while a client runs, such as a token that expires."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.credentials import Credentials

__all__ = ["CredentialSource"]


@attrs.define(eq=False)
class CredentialSource:
    """Asks a function of the user's for credentials: before the first call, and again after a 401.

    Attributes:
        ask: the user's function, plain or async.
        build: makes credentials of what it returned, or raises `ConfigurationError`.
    """

    ask: Callable[[], Any] = attrs.field(repr=False)
    build: Callable[[Any], Credentials] = attrs.field(repr=False)
    current: Credentials | None = attrs.field(default=None, init=False, repr=False)
    _locks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = attrs.field(
        factory=weakref.WeakKeyDictionary, init=False, repr=False
    )

    def __attrs_post_init__(self) -> None:
        if not callable(self.ask):
            raise ConfigurationError("credentials must be a function, plain or async, that takes no argument")

    async def get(self, refused: Credentials | None = None) -> Credentials:
        """Return the current credentials, or others than those that the server refused.

        Tasks that ask at once share one question. What the user's function raises is raised here.

        Raises:
            ConfigurationError: what the function returned is invalid.
        """
        if self.current is not None and self.current is not refused:
            return self.current
        async with self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if self.current is None or self.current is refused:
                self.current = await self._asked()
            return self.current

    async def _asked(self) -> Credentials:
        found = self.ask()
        if isawaitable(found):
            found = await _value(found)
        try:
            return self.build(found)
        finally:
            del found  # no traceback shows it


async def _value(found: Awaitable[Any]) -> Any:
    return await found
