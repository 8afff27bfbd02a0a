"""The simulator itself: one loopback port for the three systems."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, Self

from aiohttp import web

from aiozbilling.simulator.accounts import Account
from aiozbilling.simulator.behaviour import Behaviour
from aiozbilling.simulator.clock import Clock
from aiozbilling.simulator.faults import Fault, PlannedFault
from aiozbilling.simulator.first_account import FirstAccount
from aiozbilling.simulator.received import ReceivedRequest, RequestLog
from aiozbilling.simulator.reply import Reply
from aiozbilling.simulator.services import Services
from aiozbilling.simulator.socket_faults import FaultyExchange, response_of

__all__ = ["Simulator"]

_NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Simulator(FirstAccount):
    """A server of AIOZ, B3OS and metered billing on one loopback port. The same seed generates the same data.

    Rows are generated when they are requested, so millions are fine. A stopped simulator can be started again, also in
    another event loop, and keeps its rows.

    Args:
        seed: determines credentials and rows.
        accounts: initial number of accounts; `add_account` adds more.
        top_ups: number of top-ups of each account.
        days: number of days in the history of each account.
        host: address to listen on.
        port: port to listen on; 0 chooses a free one.
        now: the simulated time, which only `advance` changes; or a function that returns it, such as
            ``lambda: datetime.now(UTC)`` for a running clock.
        behaviour: settings of the replies.
        on_request: called with each `ReceivedRequest` after its reply, for logs.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        accounts: int = 1,
        top_ups: int = 250,
        days: int = 120,
        host: str = "127.0.0.1",
        port: int = 0,
        now: datetime | Callable[[], datetime] = _NOW,
        behaviour: Behaviour | None = None,
        on_request: Callable[[ReceivedRequest], object] | None = None,
    ) -> None:
        self.seed = seed
        self.accounts: list[Account] = []
        self._behaviour = behaviour or Behaviour()
        self._clock = Clock(now)
        self._address = host, port
        self._log = RequestLog(on_request)
        self._planned: list[PlannedFault] = []
        self._random = random.Random(seed)
        self._services = Services(self._behaviour, lambda days: self.advance(days=days))
        self._runner: web.ServerRunner | None = None
        self._closing = asyncio.Event()
        if accounts < 1:
            raise ValueError("accounts must be at least 1")
        for _ in range(accounts):
            self.add_account(top_ups=top_ups, days=days)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin to listen."""
        if self._runner is not None:
            raise RuntimeError("the simulator is running already")
        self._closing = asyncio.Event()
        server = web.Server(self._serve, handler_cancellation=True, access_log=None, lingering_time=0.0)
        self._runner = runner = web.ServerRunner(server, shutdown_timeout=0.2)
        await runner.setup()
        try:
            await web.TCPSite(runner, *self._address).start()
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every connection, answered or not, and stop listening."""
        runner, self._runner = self._runner, None
        self._closing.set()
        if runner is None:
            return
        handlers = [] if runner.server is None else runner.server.connections
        transports = [handler.transport for handler in handlers if handler.transport is not None]
        await runner.cleanup()
        for transport in transports:  # one whose reader has stopped would stay open
            transport.abort()
        await asyncio.sleep(0)  # in which the sockets are closed

    @property
    def behaviour(self) -> Behaviour:
        """Settings of the replies; its fields can be changed at any time."""
        return self._behaviour

    @property
    def port(self) -> int:
        """The port that it listens on."""
        if self._runner is None or not self._runner.addresses:
            raise RuntimeError("the simulator isn't running: use `async with Simulator() as simulator`")
        return int(self._runner.addresses[0][1])

    @property
    def url(self) -> str:
        """The base URL of all three systems."""
        host = f"[{self._address[0]}]" if ":" in self._address[0] else self._address[0]
        return f"http://{host}:{self.port}"

    @property
    def connections(self) -> int:
        """Number of connections on which a request has come so far."""
        return len(self._log.peers)

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The received requests, oldest first; at least the last ten thousand. They contain simulated credentials."""
        return self._log.requests

    @property
    def in_flight(self) -> int:
        """Number of requests that are being answered."""
        return self._log.in_flight

    @property
    def peak_in_flight(self) -> int:
        """Highest number of requests that were being answered at the same time."""
        return self._log.peak_in_flight

    @property
    def now(self) -> datetime:
        """The simulated time."""
        now = self._clock.now()
        for account in self.accounts:
            account.pass_time(now)
        return now

    def add_account(self, *, top_ups: int = 0, days: int = 0, behaviour: Behaviour | None = None) -> Account:
        """Add an account with credentials, rows and its own rate limit.

        Args:
            top_ups: length of its list of top-ups.
            days: length of its daily history.
            behaviour: settings of the replies to this account; by default, those of the simulator.
        """
        number = len(self.accounts)
        seed, now = f"{self.seed}/{number}", self._clock.now()
        account = Account(f"account-{number + 1}", seed, top_ups, days, now, behaviour or self._behaviour)
        self.accounts.append(account)
        self._services.add(account)
        return account

    def fail(
        self,
        fault: Fault | str,
        times: int | None = None,
        path: str | None = None,
        *,
        account: Account | None = None,
        after: int = 0,
        every: int = 1,
        for_s: float | None = None,
        body: Literal["json", "html", "text"] = "json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Replace good replies with a fault. A request has at most one fault, the one that was planned first.

        Args:
            fault: the fault.
            times: number of affected requests. Default: 1, or any number with `for_s`.
            path: affect only requests whose path contains this text.
            account: affect only requests of this account.
            after: number of these requests that get a good reply first.
            every: affect only every n-th of these requests.
            for_s: seconds after the first affected request at which the fault ends.
            body: form of the body of an ``http-…`` fault.
            headers: headers that are added to a fault that is a whole reply, such as ``{"Retry-After": "30"}``.
        """
        if times is None and for_s is None:
            times = 1
        planned = PlannedFault(Fault(fault), times, path, account, after, every, for_s, body, dict(headers or {}))
        self._planned.append(planned)

    def forgive(self) -> None:
        """Drop all planned faults."""
        self._planned.clear()

    def advance(self, *, days: float = 0, seconds: float = 0) -> datetime:
        """Move the simulated time forward and return it: today's usage grows, new days begin."""
        self._clock.ahead += timedelta(days=days, seconds=seconds)
        return self.now

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        account = self._services.account_of(request.path, request.headers)
        with self._log.receiving(request, account) as received:
            try:
                response = await self._respond(request, received)
            except ConnectionError:  # the client went away, or the simulator stops
                received.status = 0
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            cut = request.transport is None or request.transport.is_closing()
            received.status = 0 if cut else response.status
            return response

    async def _respond(self, request: web.BaseRequest, received: ReceivedRequest) -> web.StreamResponse:
        if request.body_exists:
            await request.release()  # the provider's own samples send a body with a GET
        reply = self._answer(request, received)
        planned = self._next_fault(received)
        system = self._services.system_of(request.path)
        behaviour = self._behaviour if received.account is None else received.account.behaviour
        exchange = FaultyExchange(request, system, reply, behaviour, self._closing)
        seconds = behaviour.latency_s + behaviour.jitter_s * self._random.random()
        if seconds > 0:
            await exchange.pause(seconds)
        return await exchange.with_fault(planned) if planned else response_of(reply)

    def _answer(self, request: web.BaseRequest, received: ReceivedRequest) -> Reply:
        if received.account is not None:
            received.account.pass_time(self._clock.now())
        return self._services.answer(
            request.method,
            request.path,
            request.query,
            received.account,
            raw_query=request.query_string,
            at=received.at,
        )

    def _next_fault(self, received: ReceivedRequest) -> PlannedFault | None:
        path, account, at = received.path, received.account, received.at
        planned = next((fault for fault in self._planned if fault.applies(path, account, at)), None)
        self._planned = [fault for fault in self._planned if not fault.is_over(at)]
        return planned
