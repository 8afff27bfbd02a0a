"""One call composed: retry(rate → sign → send → open the envelope → structure)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

from aiozbilling.errors import (
    AiozBillingError,
    ApiError,
    CallTimeoutError,
    DecodeError,
    RateLimitedError,
    RedirectError,
    TransportError,
)
from aiozbilling.exchange.connections import Connections
from aiozbilling.exchange.credentials import Credentials, Secret, scrubbed
from aiozbilling.exchange.endpoint import Endpoint
from aiozbilling.exchange.rate import Gate
from aiozbilling.exchange.redirect import NotFollowedError, redirected, shown
from aiozbilling.exchange.reply_body import read, read_at_once
from aiozbilling.exchange.retry import RetryBudget, RetryPolicy, is_retried, wait_s
from aiozbilling.exchange.transport import Reply, send

if TYPE_CHECKING:
    from tenacity import RetryCallState

__all__ = ["Attempt", "Exchange"]

T = TypeVar("T")
logger = logging.getLogger("aiozbilling")
_HOPS = 3
_FOLLOWED = frozenset({301, 302, 303, 307, 308})


@attrs.frozen
class Attempt:
    """One attempt of a call, for metrics and traces; holds nothing of headers or bodies.

    Attributes:
        endpoint: method and path template, such as ``"GET /api/billing/topUp"``.
        number: 1 for the first.
        status: of HTTP, or None where no reply came.
        duration_s: seconds from the start of the request to the decoded record or the error, without waits.
        error: class name of the error that the attempt ended in, or None.
        wait_s: seconds that are waited before the next attempt, or None where there is none.
    """

    endpoint: str
    number: int
    status: int | None
    duration_s: float
    error: str | None = None
    wait_s: float | None = None


@attrs.define(eq=False)
class Exchange:
    """Makes calls to one server with one account's credentials.

    `budget` and `paths` belong to the server and are shared by the accounts that use the same connections.
    """

    base_url: str
    credentials: Credentials
    connections: Connections
    gate: Gate
    budget: RetryBudget
    paths: dict[str, str]
    retry: RetryPolicy
    timeout_s: float
    deadline_s: float
    max_body: int
    on_attempt: Callable[[Attempt], object] | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    # The last body, kept until the next has come: freed at once, its memory goes back to the system and is faulted in
    # again page by page (4,000 faults for 20 pages of 1000 rows, 6 % of their time).
    kept: Secret | None = None

    async def call(self, endpoint: Endpoint[T], query: str = "", **names: str) -> T:
        """Make one call with its retries.

        Args:
            endpoint: what to call.
            query: the encoded query, without "?".
            names: what the path's ``{names}`` stand for, safe in a URL as they are.

        Raises:
            TransportError: no usable reply came.
            ApiError: the reply says no.
            DecodeError: the reply is not what the API promises.
        """
        call = _Call(self, endpoint, endpoint.path.format_map(names), query, self.clock() + self.deadline_s)
        try:
            return await call.attempt()
        except (ApiError, TransportError, DecodeError) as error:
            call.first_failure = error
        from tenacity import AsyncRetrying

        # Only a call that failed pays for tenacity: a fifth of a request's time goes into its asking whether each of
        # our functions is a coroutine. Fresh for every call, as one that tasks share mixes up their states.
        retrying = AsyncRetrying(
            sleep=self.sleep,
            wait=call.wait,
            retry=call.is_retried,
            stop=call.gives_up,
            before_sleep=call.before_sleep,
            reraise=True,
        )
        return await retrying(call.next_attempt)

    def clean(self, text: str) -> str:
        """Take this account's credentials out of a text of the server's."""
        return scrubbed(text, self.credentials)


@attrs.define(eq=False)
class _Call(Generic[T]):
    """The state of one call: tenacity asks it what to do after each attempt."""

    exchange: Exchange
    endpoint: Endpoint[T]
    path: str
    query: str
    until: float
    number: int = 0
    sent: bool = False
    status: int | None = None
    started: float = 0.0
    duration_s: float = 0.0
    wait_s: float = 0.0
    first_failure: AiozBillingError | None = None

    async def next_attempt(self) -> T:
        failure, self.first_failure = self.first_failure, None
        if failure is not None:
            raise failure
        return await self.attempt()

    async def attempt(self) -> T:
        exchange, gate, hop = self.exchange, self.exchange.gate, 0
        url = exchange.base_url + exchange.paths.get(self.path, self.path) + (f"?{self.query}" if self.query else "")
        self.number += 1
        self.sent = False
        reply: Reply | None = None
        self.status = None
        self.started = exchange.clock()
        try:
            while reply is None:
                is_limited = not gate.is_open
                if is_limited:
                    await gate.turn(self.until)
                self.started = exchange.clock()
                left = self.until - self.started
                if left <= 0:
                    raise CallTimeoutError("the deadline passed", hint="Raise `deadline`")
                self.sent = True
                timeout_s = min(left, exchange.timeout_s)
                reply = await send(exchange.connections, url, exchange.credentials, timeout_s, exchange.max_body)
                self.status = reply.status
                if is_limited:
                    gate.replied(exchange.clock() - self.started)
                if 300 <= reply.status < 400:
                    url, reply, hop = self._redirected(url, reply, hop), None, hop + 1
            record = read_at_once(self.endpoint, reply, exchange.clean)
            if record is None:
                record = await asyncio.to_thread(read, self.endpoint, reply, exchange.clean)
        except (ApiError, TransportError, DecodeError) as error:
            if self.status == 404:
                exchange.paths.pop(self.path, None)  # what was learned of it holds no more
            self._failed(error)
            # Neither in this frame nor in those below is left what the server said, which may repeat the credentials.
            del url, reply
            raise error.with_traceback(None) from None
        exchange.budget.earn()
        exchange.kept = Secret(reply.body)
        self.duration_s = exchange.clock() - self.started
        self._tell(None, None)
        return record

    def _redirected(self, url: str, reply: Reply, hop: int) -> str:
        location = reply.headers.get("Location", "")
        if reply.status not in _FOLLOWED:
            refused = NotFollowedError("is none that a call can follow")
        elif hop == _HOPS:
            refused = NotFollowedError("is one too many")
        else:
            try:
                target = redirected(url, location)
            except NotFollowedError as error:
                refused = error
            else:
                self._learn(url, target)
                return target
        where = self.exchange.clean(shown(url, location))[:200] if location else ""
        raise RedirectError(
            f"the redirect{f' to {where}' if where else ''} {refused}",
            status=reply.status,
            location=where,
            hint=refused.hint,
        )

    def _learn(self, url: str, target: str) -> None:
        """Remember the slash form that the server wants of this path, for the client's life."""
        paths = self.exchange.paths
        here, there = url.partition("?")[0], target.partition("?")[0]
        asked = self.exchange.base_url + paths.get(self.path, self.path)
        if here == asked and here != there and here.rstrip("/") == there.rstrip("/"):
            paths[self.path] = self.path.rstrip("/") + ("/" if there.endswith("/") else "")

    def _failed(self, error: ApiError | TransportError | DecodeError) -> None:
        exchange = self.exchange
        self.duration_s = exchange.clock() - self.started
        error.endpoint = self.endpoint.title
        error.attempts = self.number if self.sent else self.number - 1
        self.wait_s = wait_s(exchange.retry, error, self.number)
        if isinstance(error, RateLimitedError) and self.sent:
            exchange.gate.pause(self.wait_s)

    def is_retried(self, state: RetryCallState) -> bool:
        error = _error(state)
        if self.sent and is_retried(error, self.number):
            return True
        if isinstance(error, AiozBillingError):
            self._tell(error, None)
        return False

    def wait(self, _state: RetryCallState) -> float:
        return self.wait_s

    def gives_up(self, state: RetryCallState) -> bool:
        exchange, error = self.exchange, _error(state)
        if (
            self.number < exchange.retry.attempts
            and self.wait_s <= exchange.retry.max_retry_after_s
            and exchange.clock() + self.wait_s < self.until
            and exchange.budget.spend(error)
        ):
            return False
        self._tell(error, None)
        return True

    def before_sleep(self, state: RetryCallState) -> None:
        self._tell(_error(state), self.wait_s)

    def _tell(self, error: BaseException | None, wait_s: float | None) -> None:
        on_attempt = self.exchange.on_attempt
        if on_attempt is None and not logger.isEnabledFor(logging.DEBUG):
            return
        name = None if error is None else type(error).__name__
        attempt = Attempt(self.endpoint.title, self.number, self.status, self.duration_s, name, wait_s)
        logger.debug(
            "%s attempt %d: status %s%s in %.3f s%s",
            attempt.endpoint,
            attempt.number,
            attempt.status,
            f", {name}" if name else "",
            attempt.duration_s,
            "" if wait_s is None else f", next in {wait_s:.3f} s",
        )
        if on_attempt is not None:
            try:
                on_attempt(attempt)
            except Exception:
                logger.exception("on_attempt failed")


def _error(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()
