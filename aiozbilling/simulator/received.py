"""The requests that the simulator received."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import attrs
from aiohttp import web

from aiozbilling.simulator.accounts import Account

__all__ = ["ReceivedRequest", "RequestLog"]

_REQUESTS_KEPT = 20_000


@attrs.define(eq=False)
class ReceivedRequest:
    """A request as it was received, and how it was answered."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at: float
    """Seconds on the clock of the event loop."""
    account: Account | None = None
    """Who signed it, or None."""
    status: int | None = None
    """The reply's status; None until it is sent, 0 when the connection was cut instead."""
    seconds: float = 0.0
    """From receiving the request to handing over the reply."""


@attrs.define(eq=False)
class RequestLog:
    """What was received so far, and how many requests are being answered."""

    on_request: Callable[[ReceivedRequest], object] | None = None
    requests: list[ReceivedRequest] = attrs.field(factory=list, init=False)
    in_flight: int = attrs.field(default=0, init=False)
    peak_in_flight: int = attrs.field(default=0, init=False)
    peers: set[object] = attrs.field(factory=set, init=False)

    @contextmanager
    def receiving(self, request: web.BaseRequest, account: Account | None) -> Iterator[ReceivedRequest]:
        """Record a request, and count it as in flight until it is answered."""
        clock = asyncio.get_running_loop().time
        received = ReceivedRequest(request.method, request.path, dict(request.query), request.headers, clock(), account)
        self._keep(received)
        if request.transport is not None:
            self.peers.add(request.transport.get_extra_info("peername"))
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            yield received
        finally:
            self.in_flight -= 1
            received.seconds = clock() - received.at
            if self.on_request is not None:
                self.on_request(received)

    def _keep(self, received: ReceivedRequest) -> None:
        if len(self.requests) >= _REQUESTS_KEPT:
            del self.requests[: _REQUESTS_KEPT // 2]
        self.requests.append(received)
