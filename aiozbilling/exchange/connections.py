"""The HTTP sessions of a client: one for each event loop that uses it, created when first needed."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import attrs

from aiozbilling.errors import ClientClosedError, ConfigurationError

__all__ = ["Connections"]

_AT_ONCE = 256  # connections to all hosts together; further requests wait


class _Connector(aiohttp.TCPConnector):
    """Closes an idle connection on which the server sent something without a request.

    aiohttp (3.14) would take it for the reply to the next request, which may be of another account.
    """

    async def _get(self, *args: Any, **kwargs: Any) -> aiohttp.connector.Connection | None:
        while (connection := await super()._get(*args, **kwargs)) is not None:
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()
        return None


@attrs.frozen(eq=False, repr=False)
class _Opened:
    session: aiohttp.ClientSession
    keeper: AsyncGenerator[None, None]
    finalizer: weakref.finalize[Any, Any]


class Connections:
    """Owns the sessions that it creates. A session of the caller is used but never closed."""

    def __init__(self, session: aiohttp.ClientSession | None = None) -> None:
        self._given = session
        self._opened: dict[asyncio.AbstractEventLoop, _Opened] = {}
        self._is_closed = False

    def session(self) -> aiohttp.ClientSession:
        """Return the session of the running loop, which is opened when first needed.

        Raises:
            ClientClosedError: the client was closed.
            ConfigurationError: the caller's session is closed, belongs to another loop, or has unsuitable settings.
        """
        if self._is_closed:
            raise ClientClosedError
        loop = asyncio.get_running_loop()
        if self._given is not None:
            return _checked(self._given, loop)
        opened = self._opened.get(loop)
        if opened is None or opened.session.closed:
            self._forget_closed()
            opened = self._opened[loop] = _open(self, loop)
        return opened.session

    async def close(self) -> None:
        """Close the session of the running loop. No session is opened after this."""
        self._is_closed = True
        opened = self._opened.get(asyncio.get_running_loop())
        if opened is not None:
            await opened.keeper.aclose()
        self._forget_closed()

    def _forget_closed(self) -> None:
        for loop, opened in list(self._opened.items()):
            if loop.is_closed() or opened.session.closed:
                opened.finalizer.detach()
                self._opened.pop(loop, None)  # another thread may have removed it


def _checked(session: aiohttp.ClientSession, loop: asyncio.AbstractEventLoop) -> aiohttp.ClientSession:
    if session.closed:
        raise ConfigurationError("the session passed to the client is closed")
    if not session.auto_decompress or getattr(session, "auth", None) is not None:
        what = "auto_decompress=False" if not session.auto_decompress else "auth"
        raise ConfigurationError(f"the session passed to the client has {what}, which the client can't use")
    # aiohttp has no public attribute for this; without the check, it fails with "Timeout context manager …".
    if getattr(session, "_loop", loop) is not loop:
        raise ConfigurationError("the session passed to the client belongs to another event loop")
    return session


def _open(owner: Connections, loop: asyncio.AbstractEventLoop) -> _Opened:
    """Open a session. If nobody closes it, it ends with its owner's last reference or with the loop."""
    session = aiohttp.ClientSession(
        connector=_Connector(limit=_AT_ONCE), cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    )
    if hasattr(session, "_retry_connection"):
        # aiohttp sends a GET again by itself if the connection was lost. Its own test client disables this in the same
        # way; a middleware, as for sessions of the caller, takes 7 µs per request.
        session._retry_connection = False
    keeper = _keep(session)
    with contextlib.suppress(StopIteration):
        keeper.__anext__().send(None)  # started, so that the loop closes the generator when it shuts down
    finalizer = weakref.finalize(owner, _close_soon, loop, session, keeper)
    finalizer.atexit = False
    return _Opened(session, keeper, finalizer)


async def _keep(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await session.close()


def _close_soon(
    loop: asyncio.AbstractEventLoop, session: aiohttp.ClientSession, keeper: AsyncGenerator[None, None]
) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(_close_at_once, session, keeper)


def _close_at_once(session: aiohttp.ClientSession, keeper: AsyncGenerator[None, None]) -> None:
    """Close a session without a task, because asyncio would not run a task that is created while the loop ends."""
    if not session.closed and session.connector is not None:
        # This closes the sockets; the public method would create a task to wait for them.
        session.connector._close(abort_ssl=True)
    with contextlib.suppress(StopIteration, RuntimeError):
        keeper.aclose().send(None)  # the session is closed, so there is nothing to wait for
