"""The HTTP sessions of a client: one for each event loop that uses it, made when first needed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from weakref import WeakKeyDictionary

import aiohttp

from aiozbilling.errors import ConfigurationError

__all__ = ["Connections"]

_AT_ONCE = 256  # connections to all hosts together; further requests wait for one


class Connections:
    """Owns the sessions that it makes; a session of the caller's is used and never closed."""

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        self._given = session
        self._opened: WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[aiohttp.ClientSession, AsyncGenerator[None, None]]
        ] = WeakKeyDictionary()

    def session(self) -> aiohttp.ClientSession:
        """Give the running loop's session.

        Raises:
            ConfigurationError: the caller's session is closed or belongs to another loop.
        """
        if self._given is not None:
            return self._checked_given(self._given)
        loop = asyncio.get_running_loop()
        opened = self._opened.get(loop)
        if opened is None or opened[0].closed:
            opened = self._opened[loop] = _open()
        return opened[0]

    def _checked_given(self, session: aiohttp.ClientSession) -> aiohttp.ClientSession:
        if session.closed:
            raise ConfigurationError("the session given to the client is closed")
        # aiohttp has no public way to ask; without the check it fails with "Timeout context manager …".
        if getattr(session, "_loop", None) not in (None, asyncio.get_running_loop()):
            raise ConfigurationError("the session given to the client belongs to another event loop")
        return session

    async def close(self) -> None:
        """Close the running loop's session; a later call opens a new one."""
        opened = self._opened.pop(asyncio.get_running_loop(), None)
        if opened is not None:
            await opened[1].aclose()


def _open() -> tuple[aiohttp.ClientSession, AsyncGenerator[None, None]]:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_AT_ONCE),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )
    keeper = _keep(session)
    # Starts the generator: from now on the loop's own shutdown (asyncio.run, Runner.close) closes the session where
    # the user did not, and so does the garbage collector.
    with contextlib.suppress(StopIteration):
        keeper.__anext__().send(None)
    return session, keeper


async def _keep(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await session.close()
