"""Credentials that change while a client runs, such as a token that expires."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

import attrs

from aiozbilling.errors import CallTimeoutError, ConfigurationError
from aiozbilling.exchange.credentials import Credentials

__all__ = ["CredentialSource"]

_EARLIER = 3


@attrs.define(eq=False, repr=False)
class CredentialSource:
    """Asks the user's function for credentials: before the first call, and again after a 401.

    Attributes:
        ask: the user's function, plain or async.
        build: function that converts its result to credentials, or raises `ConfigurationError`.
        earlier: the latest credentials that were replaced, which may still be in a reply.
    """

    ask: Callable[[], Any] = attrs.field(repr=False)
    build: Callable[[Any], Credentials] = attrs.field(repr=False)
    current: Credentials | None = attrs.field(default=None, init=False, repr=False)
    earlier: tuple[Credentials, ...] = attrs.field(default=(), init=False, repr=False)
    _locks: dict[asyncio.AbstractEventLoop, asyncio.Lock] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not callable(self.ask):
            raise ConfigurationError("credentials must be a plain or async function without arguments")

    async def get(self, refused: Credentials | None, within_s: float) -> Credentials:
        """Return the current credentials, or new ones if the server rejected the current ones.

        Tasks that ask at the same time share one call of the user's function. Its errors are raised here.

        Raises:
            ConfigurationError: the result of the function is invalid.
            CallTimeoutError: the function did not return within this time.
        """
        if self.current is not None and self.current is not refused:
            return self.current
        limit = asyncio.timeout(within_s if within_s < float("inf") else None)
        try:
            async with limit:
                return await self._shared(refused)
        except TimeoutError:
            if not limit.expired():
                raise
        reason = "the function for the credentials did not return before the deadline"
        raise CallTimeoutError(reason, hint="Raise `deadline`")

    async def _shared(self, refused: Credentials | None) -> Credentials:
        async with self._lock(asyncio.get_running_loop()):
            if self.current is None or self.current is refused:
                found = await self._asked()
                self.earlier = () if self.current is None else (self.current, *self.earlier)[:_EARLIER]
                self.current = found
            return self.current

    def _lock(self, loop: asyncio.AbstractEventLoop) -> asyncio.Lock:
        lock = self._locks.get(loop)
        if lock is None:
            for closed in [other for other in list(self._locks) if other.is_closed()]:
                self._locks.pop(closed, None)  # a lock refers to its loop
            lock = self._locks[loop] = asyncio.Lock()
        return lock

    async def _asked(self) -> Credentials:
        found = self.ask()
        if isawaitable(found):
            found = await found
        try:
            return self.build(found)
        finally:
            del found  # so that no traceback shows it
