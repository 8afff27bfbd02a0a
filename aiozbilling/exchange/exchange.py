"""Makes calls: counts them, runs them and reports their outcomes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import nullcontext
from typing import Any, TypeVar

import attrs

from aiozbilling.exchange.account import Account
from aiozbilling.exchange.bounds import Bounds
from aiozbilling.exchange.call import Call, Received
from aiozbilling.exchange.endpoint import Endpoint
from aiozbilling.exchange.events import Hooks
from aiozbilling.exchange.lifetime import Lifetime
from aiozbilling.exchange.observer import began, observer
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

    def call(
        self, endpoint: Endpoint[T], query: str = "", received: Received | None = None, **names: str
    ) -> Coroutine[Any, Any, T]:
        """Make one call with its retries.

        Args:
            endpoint: the endpoint to call.
            query: encoded query, without "?".
            received: called when a successful reply has come, before it is decoded; it may start the next request.
            names: values for the path's ``{names}``, already safe in a URL.

        Raises:
            ClientClosedError: the client is closed, or was closed during the call.
            TransportError: there was no usable reply.
            ApiError: the server replied with an error.
            DecodeError: the reply does not match the API's description.
        """
        path = endpoint.path.format_map(names) if names else endpoint.path
        call = Call(self, endpoint, path, query, received, asyncio.get_running_loop(), self.clock())
        if observer() is None and not self.hooks.want_events:
            return call.run()
        return self._told(call)

    async def _told(self, call: Call[T]) -> T:
        """Run a call, and report its outcome."""
        self.lifetime.refuse_closed()
        observed = began("call", call.endpoint.title, {"account": self.account.label})
        error: BaseException | None = None
        try:
            with nullcontext() if observed is None else observed.inside():
                return await call.run()
        except BaseException as failure:
            error = failure
            raise
        finally:
            event = call.event(error)
            if observed is not None:
                facts = {"attempts": event.attempts, "limiter_wait_s": event.limiter_wait_s}
                observed.ended(facts | {"backoff_s": event.backoff_s, "outcome": event.outcome}, error)
            self.hooks.ended(event)
            del error
