"""One call and its attempts: wait for the rate limit, send, open the envelope, structure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

import attrs

from aiozbilling.errors import (
    ApiError,
    CallTimeoutError,
    ClientClosedError,
    DecodeError,
    NotFoundError,
    NotSentError,
    RateLimitedError,
    TransportError,
)
from aiozbilling.exchange.credentials import Credentials, Secret
from aiozbilling.exchange.endpoint import Endpoint
from aiozbilling.exchange.events import Attempt, CallEvent, outcome_of
from aiozbilling.exchange.latest_attempt import LatestAttempt
from aiozbilling.exchange.observer import Observed, observer
from aiozbilling.exchange.reply_body import read, read_at_once
from aiozbilling.exchange.retry import wait_s
from aiozbilling.exchange.retrying import retried
from aiozbilling.exchange.transport import Reply, send

if TYPE_CHECKING:
    from aiozbilling.exchange.exchange import Exchange
    from aiozbilling.exchange.redirect import Redirects

__all__ = ["Call", "Received"]

T = TypeVar("T")
Received: TypeAlias = Callable[[], object]
_NEVER = float("inf")
_NO_REPLY = Reply(0, {}, b"")


@attrs.define(eq=False, repr=False)
class Call(Generic[T]):
    """The state of one call."""

    exchange: Exchange
    endpoint: Endpoint[T]
    path: str
    query: str
    received: Received | None
    loop: asyncio.AbstractEventLoop
    begun: float
    number: int = 0  # of the attempt
    sent: int = 0  # attempts that were sent
    limiter_wait_s: float = 0.0
    backoff_s: float = 0.0
    is_sending: bool = False
    latest: LatestAttempt = attrs.field(factory=LatestAttempt)
    scope: asyncio.Timeout | None = None
    expires: float = _NEVER  # the attempt, by the loop's clock

    @property
    def until(self) -> float:
        """The deadline of the call, on the exchange's clock."""
        return self.begun + self.exchange.bounds.deadline_s

    async def run(self) -> T:
        """Make the first attempt and, if it fails, further ones.

        Raises:
            ClientClosedError: the client is closed, or was closed during the call.
        """
        lifetime = self.exchange.lifetime
        lifetime.begin(self)
        try:
            try:
                return await self.attempt()
            except (ApiError, TransportError, DecodeError) as error:
                failure = error
            return await retried(self, failure)
        finally:
            lifetime.ended(self)

    async def attempt(self) -> T:
        """Make one attempt: wait for the rate limit, send, open the envelope, structure."""
        exchange, latest = self.exchange, self.latest
        self.number += 1
        latest.begin(exchange.clock())
        failure: Exception | None = None
        reply, record = _NO_REPLY, None
        try:
            async with asyncio.Timeout(None) as self.scope:
                reply = await self._reply()
            if self.received is not None and reply.status < 300:
                self.received()
                await asyncio.sleep(0)  # so that the request that it starts is sent before this reply is decoded
            record = read_at_once(self.endpoint, reply, exchange.account.clean)
            if record is None:
                record = await asyncio.to_thread(read, self.endpoint, reply, exchange.account.clean)
        except (ApiError, TransportError, DecodeError) as error:
            failure = error
        except TimeoutError:
            if self.scope is not None and not self.scope.expired():
                raise  # from the user's function for the credentials
            failure = self._out_of_time()
        except asyncio.CancelledError:
            self._cancelled()
            raise
        finally:
            self.is_sending, self.expires = False, _NEVER
        if failure is not None:
            # The reply, which may repeat the credentials, must not stay in this stack frame or in those below it.
            del reply
            raise self._failed(failure).with_traceback(None)
        exchange.server.budget.earn()
        exchange.account.throttle.budget.earn()
        exchange.server.latest_body = Secret(reply.body)
        if exchange.hooks.want_attempts:
            latest.duration_s = exchange.clock() - latest.started
            self.tell(None, None)
        return record  # type: ignore[return-value]  # a call of `cast` takes time

    async def _reply(self) -> Reply:
        exchange = self.exchange
        server, account, source = exchange.server, exchange.account, exchange.account.source
        redirects: Redirects | None = None
        url = server.url(self.path, self.query)
        while True:
            if isinstance(source, Credentials):
                credentials = source
            else:
                credentials = await source.get(self.latest.refused, self.until - exchange.clock())
            is_limited = not account.throttle.is_open
            arrival = await self._turn() if is_limited else 0.0
            self.latest.started = started = exchange.clock()
            left = self.begun + exchange.bounds.deadline_s - started  # `until`, without a call
            if left <= 0:
                raise CallTimeoutError("the deadline passed", hint="Raise `deadline`")
            timeout_s = exchange.bounds.timeout_s
            if timeout_s > left:
                timeout_s = left
            if not self.latest.is_sent:
                exchange.lifetime.refuse_closed()  # `end` may have come at the end of the wait
            exchange.lifetime.expire(self, self.loop.time() + timeout_s)
            self.latest.is_sent = self.is_sending = True
            reply = await self._send(url, credentials, timeout_s)
            self.latest.status = reply.status
            if is_limited:
                account.throttle.replied(exchange.clock() - started, arrival)
            if not 300 <= reply.status < 400:
                return reply
            if redirects is None:
                # Imported here to start faster, because few servers redirect.
                from aiozbilling.exchange.redirect import Redirects

                redirects = Redirects(server, self.path, account.clean)
            url = redirects.target(url, reply.status, reply.headers.get("Location", ""))

    async def _turn(self) -> float:
        """Wait until the account may send a request, and return the time by which it will have arrived."""
        exchange = self.exchange
        begun = exchange.clock()
        until, deadline = begun + exchange.bounds.max_wait_s, self.until
        advice = ", or raise `max_wait_s`"
        if until >= deadline:
            until, advice = deadline, ""
        if not self.latest.is_sent:
            exchange.lifetime.refuse_closed()  # `end` may have come at the end of the previous wait
        if until < _NEVER:
            exchange.lifetime.expire(self, self.loop.time() + max(0.0, until - begun))
        self.is_sending = False
        try:
            return await exchange.account.throttle.turn(until, advice=advice)
        finally:
            self.limiter_wait_s += exchange.clock() - begun

    def _send(self, url: str, credentials: Credentials, timeout_s: float) -> Awaitable[Reply]:
        """Send one request, and report it to the observer."""
        server, observing = self.exchange.server, observer()
        self.latest.credentials = credentials
        if observing is None:
            return send(server.connections, url, credentials, timeout_s / 2, server.max_body)
        facts: dict[str, str | int] = {"url": url, "resends": self.number - 1, "account": self.exchange.account.label}
        observed = observing.began("attempt", self.endpoint.title, facts)
        return self._observed_send(observed, url, credentials, timeout_s)

    async def _observed_send(self, observed: Observed, url: str, credentials: Credentials, timeout_s: float) -> Reply:
        server = self.exchange.server
        try:
            with observed.inside():
                reply = await send(
                    server.connections, url, credentials, timeout_s / 2, server.max_body, observed.headers
                )
        except BaseException as error:
            observed.ended({}, error)
            raise
        observed.ended({"status": reply.status})
        return reply

    def _out_of_time(self) -> Exception:
        """Return the error that names the limit which ended the attempt."""
        exchange = self.exchange
        if exchange.lifetime.is_closed:
            return ClientClosedError()
        if not self.latest.is_sent:
            return exchange.account.throttle.refusal()
        seconds = min(exchange.bounds.timeout_s, max(0.0, self.until - self.latest.started))
        hint = "Raise `timeout` if the server is known to be slow"
        return CallTimeoutError(f"no complete reply within {seconds:.3g} s", hint=hint)

    def _failed(self, error: Exception) -> Exception:
        """Add the facts of the attempt to its error, and return it."""
        exchange, latest = self.exchange, self.latest
        if isinstance(error, NotSentError) and latest.failure is not None:
            error = latest.failure  # the rate limit leaves no time for another attempt
        latest.duration_s = exchange.clock() - latest.started
        self.sent += latest.is_sent
        latest.wait_s = wait_s(exchange.bounds.retry, error, self.number)
        if isinstance(error, ApiError | TransportError | DecodeError):
            error.endpoint = self.endpoint.title
            error.attempts = self.sent
        if isinstance(error, NotFoundError):
            error.endpoint = f"GET {exchange.account.clean(exchange.server.url(self.path, ''))}"
            exchange.server.paths.pop(self.path, None)  # the remembered form of the path may be wrong
        if isinstance(error, RateLimitedError) and latest.is_sent:
            exchange.account.throttle.pause(latest.wait_s)
        if isinstance(error, ClientClosedError):
            self.tell(error, None)
        return error

    def _cancelled(self) -> None:
        latest = self.latest
        latest.duration_s = self.exchange.clock() - latest.started
        if latest.is_sent:
            self.sent += 1
            self.tell(asyncio.CancelledError(), None)

    async def wait(self, seconds: float) -> None:
        """Wait before the next attempt."""
        begun = self.exchange.clock()
        try:
            async with asyncio.timeout(None) as self.scope:
                await self.exchange.sleep(seconds)
        except TimeoutError:
            raise ClientClosedError from None
        finally:
            self.backoff_s += self.exchange.clock() - begun

    def end(self) -> None:
        """End the call with `ClientClosedError`."""
        if self.scope is not None:
            with suppress(RuntimeError):  # it ends at this moment
                self.scope.reschedule(self.loop.time())

    def event(self, error: BaseException | None) -> CallEvent:
        """Return the event that describes the finished call."""
        exchange = self.exchange
        return CallEvent(
            account=exchange.account.label,
            endpoint=self.endpoint.title,
            attempts=self.sent + (error is None),
            limiter_wait_s=self.limiter_wait_s,
            backoff_s=self.backoff_s,
            duration_s=exchange.clock() - self.begun,
            outcome=outcome_of(error),
            status=self.latest.status,
        )

    def tell(self, error: BaseException | None, wait_s: float | None) -> None:
        """Report the latest attempt to the user's hooks. `wait_s` is the time until the next one, or None."""
        hooks, latest = self.exchange.hooks, self.latest
        if not hooks.want_attempts:
            return
        name, label = None if error is None else type(error).__name__, self.exchange.account.label
        facts = (self.endpoint.title, self.number, latest.status, latest.duration_s, name, wait_s, label)
        hooks.attempted(Attempt(*facts))
