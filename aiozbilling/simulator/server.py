"""The simulator itself: one loopback port for the three systems."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self

import attrs
from aiohttp import web

from aiozbilling.simulator.accounts import Account
from aiozbilling.simulator.behaviour import Behaviour
from aiozbilling.simulator.faults import Fault, PlannedFault
from aiozbilling.simulator.services import Services
from aiozbilling.simulator.strikes import Strike, send

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiozbilling.simulator.reply import Reply

__all__ = ["ReceivedRequest", "Simulator"]

_NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_REQUESTS_KEPT = 20_000


@attrs.define(eq=False)
class ReceivedRequest:
    """Remember a request. `status` is None until it is answered, and 0 when its connection was cut instead."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at: float
    """Seconds on the clock of the event loop."""
    status: int | None = None


class Simulator:
    """Serve AIOZ, B3OS and metered billing on one loopback port, the same way for the same seed.

    `top_ups` and `days` are the sizes of the first account's lists; rows are made when they are asked for, so
    millions are fine. `port=0` takes a free one. The clock stands at `now` until `advance`. It can be started again
    after it was stopped, in another event loop too, and keeps its rows.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        top_ups: int = 250,
        days: int = 120,
        host: str = "127.0.0.1",
        port: int = 0,
        now: datetime = _NOW,
        behaviour: Behaviour | None = None,
    ) -> None:
        if now.tzinfo is None:
            raise ValueError("now must be an aware datetime")
        self.seed = seed
        self._behaviour = behaviour or Behaviour()
        self.accounts: list[Account] = []
        self.requests: list[ReceivedRequest] = []
        """What was received, oldest first; the last ten thousand at least. Holds the simulated credentials."""
        self.in_flight = 0
        self.peak_in_flight = 0
        self._now = now.astimezone(UTC)
        self._host, self._port = host, port
        self._peers: set[object] = set()
        self._planned: list[PlannedFault] = []
        self._random = random.Random(seed)
        self._services = Services(self._behaviour, self.accounts, lambda days: self.advance(days=days))
        self._runner: web.ServerRunner | None = None
        self._closing = asyncio.Event()
        self.account = first = self.add_account(top_ups=top_ups, days=days)
        self.api_key, self.secret_key, self.token = first.api_key, first.secret_key, first.token
        self.b3os_token, self.organization = first.b3os_token, first.organization
        self.metered_token = first.metered_token

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
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every connection, answered or not, and stop listening."""
        runner, self._runner = self._runner, None
        self._closing.set()
        if runner is not None:
            await runner.cleanup()

    @property
    def behaviour(self) -> Behaviour:
        """How replies are made; change its fields at any time."""
        return self._behaviour

    @property
    def port(self) -> int:
        """The port that is listened on."""
        if self._runner is None or not self._runner.addresses:
            raise RuntimeError("the simulator isn't running: use `async with Simulator() as simulator`")
        return int(self._runner.addresses[0][1])

    @property
    def url(self) -> str:
        """The base URL of all three systems."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections brought a request so far."""
        return len(self._peers)

    @property
    def now(self) -> datetime:
        """The simulated time."""
        return self._now

    def add_account(self, *, top_ups: int = 0, days: int = 0) -> Account:
        """Open another account, with credentials, rows and a rate limit of its own."""
        account = Account(f"{self.seed}/{len(self.accounts)}", top_ups, days, self._now, self._behaviour)
        self.accounts.append(account)
        return account

    def fail(
        self,
        fault: Fault | str,
        times: int = 1,
        path: str | None = None,
        *,
        every: int = 1,
        body: Literal["json", "html", "text"] = "json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Let the next `times` requests whose path contains `path` suffer a fault. Faults wait in line.

        With `every=3` only each third of these requests suffers. `body` is what comes with an `http-…` fault; `headers`
        are added to any fault that is a whole reply.
        """
        self._planned.append(PlannedFault(Fault(fault), times, path, every, body, dict(headers or {})))

    def forgive(self) -> None:
        """Forget the faults that wait."""
        self._planned.clear()

    def advance(self, *, days: float = 0, seconds: float = 0) -> None:
        """Let simulated time pass: today's usage grows, new days begin."""
        self._now += timedelta(days=days, seconds=seconds)
        for account in self.accounts:
            account.pass_time(self._now)

    def top_up_rows(self) -> list[dict[str, Any] | None]:
        """List the first account's top-ups as a perfect walk would see them now, nulls included."""
        return self.account.top_up_rows()

    def top_up_ids(self) -> list[str]:
        """List the ids of the first account's top-ups that are no nulls, in list order."""
        return self.account.top_up_ids()

    def history_rows(self) -> list[dict[str, Any] | None]:
        """List the first account's days as a perfect walk would see them now, nulls included."""
        return self.account.history_rows()

    def add_top_ups(self, count: int = 1) -> list[str]:
        """Let deposits come in for the first account, and return their ids, oldest first."""
        return self.account.add_top_ups(count)

    def remove_top_up(self, which: str | int) -> str:
        """Delete one of the first account's top-ups, by id or by position, and return its id."""
        return self.account.remove_top_up(which)

    def restore_top_up(self, id: str) -> None:  # noqa: A002 - the provider's name
        """Put one of the first account's removed top-ups back where it was, amid the list."""
        self.account.restore_top_up(id)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        received = self._receive(request)
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            if request.body_exists:
                await request.release()  # the provider's own samples send a body with a GET
            system = self._services.system_of(request.path)
            reply = self._answer(request, received.at)
            planned = self._next_fault(request.path)
            strike = Strike(request, system, reply, self._behaviour, self._closing)
            await self._delay(strike)
            response = await (strike.with_fault(planned) if planned else send(reply))
            cut = request.transport is None or request.transport.is_closing()
            received.status = 0 if cut else response.status
        except ConnectionError:  # the client went away, or the simulator stops
            received.status = 0
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        else:
            return response
        finally:
            self.in_flight -= 1

    def _answer(self, request: web.BaseRequest, at: float) -> Reply:
        return self._services.answer(
            request.method, request.path, request.query, request.headers, raw_query=request.query_string, at=at
        )

    def _next_fault(self, path: str) -> PlannedFault | None:
        planned = next((fault for fault in self._planned if fault.strikes(path)), None)
        self._planned = [fault for fault in self._planned if fault.times > 0]
        return planned

    def _receive(self, request: web.BaseRequest) -> ReceivedRequest:
        received = ReceivedRequest(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=request.headers,
            at=asyncio.get_running_loop().time(),
        )
        if len(self.requests) >= _REQUESTS_KEPT:
            del self.requests[: _REQUESTS_KEPT // 2]
        self.requests.append(received)
        if request.transport is not None:
            self._peers.add(request.transport.get_extra_info("peername"))
        return received

    async def _delay(self, strike: Strike) -> None:
        seconds = self._behaviour.latency_s + self._behaviour.jitter_s * self._random.random()
        if seconds > 0:
            await strike.pause(seconds)
