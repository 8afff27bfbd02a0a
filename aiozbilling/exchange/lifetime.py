"""The running calls of a client, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from typing import Protocol

from aiozbilling.errors import ClientClosedError

__all__ = ["Lifetime"]


class Running(Protocol):
    """A running call."""

    loop: asyncio.AbstractEventLoop
    is_sending: bool

    def end(self) -> None:
        """End the call with `ClientClosedError`. Must be called in the call's event loop."""


class _Sleep:
    """A pause between two calls, which counts as a running call."""

    is_sending = False

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()

    def end(self) -> None:
        self.ended.set()


class Lifetime:
    """The running calls of one client, and the clients that were derived from it and end with it."""

    def __init__(self) -> None:
        self.is_closed: bool = False
        self._running: set[Running] = set()
        self._derived: weakref.WeakSet[Lifetime] = weakref.WeakSet()

    def derived(self) -> Lifetime:
        """Return the lifetime of a client that ends with this one."""
        other = Lifetime()
        other.is_closed = self.is_closed
        self._derived.add(other)
        return other

    def begin(self, call: Running) -> None:
        """Register a new call.

        Raises:
            ClientClosedError: the client is closed.
        """
        self.refuse_closed()
        self._running.add(call)

    def refuse_closed(self) -> None:
        """Refuse new calls of a closed client.

        Raises:
            ClientClosedError: the client is closed.
        """
        if self.is_closed:
            raise ClientClosedError

    def ended(self, call: Running) -> None:
        """Remove a finished call."""
        self._running.discard(call)

    async def sleep(self, seconds: float) -> None:
        """Wait between two calls.

        Raises:
            ClientClosedError: the client is closed, or was closed during the wait.
        """
        pause = _Sleep()
        self.begin(pause)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await pause.ended.wait()
                    raise ClientClosedError
        finally:
            self.ended(pause)

    async def close(self, grace_s: float) -> None:
        """Reject new calls and end waiting ones. Calls whose request was sent may take `grace_s` more seconds."""
        calls = self._close()
        _end([call for call in calls if not call.is_sending])
        if grace_s:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self._until_ended()
        _end([call for call in calls if call in self._all_running()])
        await self._until_ended()

    def _close(self) -> list[Running]:
        self.is_closed = True
        return [*self._running, *(call for other in list(self._derived) for call in other._close())]

    def _all_running(self) -> set[Running]:
        return self._running.union(*(other._all_running() for other in list(self._derived)))

    async def _until_ended(self) -> None:
        """Wait for the calls of this event loop, by polling every few milliseconds."""
        loop, pause_s = asyncio.get_running_loop(), 0.0
        while any(call.loop is loop for call in self._all_running()):
            await asyncio.sleep(pause_s)
            pause_s = min(0.01, pause_s + 0.001)


def _end(calls: list[Running]) -> None:
    loop = asyncio.get_running_loop()
    for call in calls:
        if call.loop is loop:
            call.end()
        elif not call.loop.is_closed():
            call.loop.call_soon_threadsafe(call.end)
