"""Makes calls: counts them, runs them and reports their outcomes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import TypeVar

import attrs

from aiozbilling.exchange.account import Account
from aiozbilling.exchange.bounds import Bounds
from aiozbilling.exchange.call import Call
from aiozbilling.exchange.endpoint import Endpoint
from aiozbilling.exchange.events import Hooks
from aiozbilling.exchange.lifetime import Lifetime
from aiozbilling.exchange.observer import Observed, began
from aiozbilling.exchange.server import Server

__all__ = ["Exchange"]

T = TypeVar("T")


@attrs.define(eq=False, repr=False)
class Exchange:
    """Makes calls to one server with one account's credentials.

    Attributes:
        server: the server, shared by the accounts that use the same connections.
        account: credentials, throttle and label.
        bounds: limits of a call.
        hooks: functions that receive the facts of calls.
        lifetime: ends the calls of a closed client.
    """

    server: Server
    account: Account
    bounds: Bounds
    hooks: Hooks
    lifetime: Lifetime
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def call(self, endpoint: Endpoint[T], query: str = "", **names: str) -> T:
        """Make one call with its retries.

        Args:
            endpoint: the endpoint to call.
            query: encoded query, without "?".
            names: values for the path's ``{names}``, already safe in a URL.

        Raises:
            ClientClosedError: the client is closed, or was closed during the call.
            TransportError: there was no usable reply.
            ApiError: the server replied with an error.
            DecodeError: the reply does not match the API's description.
        """
        call = Call(self, endpoint, endpoint.path.format_map(names), query, asyncio.get_running_loop(), self.clock())
        self.lifetime.begin(call)
        observed = began("call", endpoint.title, {"account": self.account.label})
        if observed is None and not self.hooks.want_events:
            try:
                return await call.run()
            finally:
                self.lifetime.ended(call)
        return await self._told(call, observed)

    async def _told(self, call: Call[T], observed: Observed | None) -> T:
        """Run a call, and report its outcome."""
        error: BaseException | None = None
        try:
            with nullcontext() if observed is None else observed.inside():
                return await call.run()
        except BaseException as failure:
            error = failure
            raise
        finally:
            self.lifetime.ended(call)
            event = call.event(error)
            if observed is not None:
                facts = {"attempts": event.attempts, "limiter_wait_s": event.limiter_wait_s}
                observed.ended(facts | {"backoff_s": event.backoff_s, "outcome": event.outcome}, error)
            self.hooks.ended(event)
            del error
