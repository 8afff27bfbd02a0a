"""The B3OS workflow API: compute units (CU) of an organization."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import aiohttp
import attrs

from aiozbilling.clients.client import MAX_BODY
from aiozbilling.clients.months import Month, by_month, checked_month, checked_months
from aiozbilling.clients.token import TokenClient, TokenSource
from aiozbilling.errors import ConfigurationError, DecodeError, NotFoundError
from aiozbilling.exchange.checks import checked_concurrency
from aiozbilling.exchange.credentials import Secret, concealed
from aiozbilling.exchange.endpoint import Endpoint, System
from aiozbilling.exchange.envelope import b3os_envelope
from aiozbilling.exchange.events import Attempt, CallEvent
from aiozbilling.exchange.rate import Limiter
from aiozbilling.exchange.retry import RetryPolicy
from aiozbilling.records.b3os import CuBalance, CuUsage

__all__ = ["B3OS_URL", "B3osBilling"]

B3OS_URL = "https://api.b3os.org"

_B3OS = System(
    name="B3OS",
    envelope=b3os_envelope,
    hints={
        401: "Check the token (B3OS_API_KEY; it begins with b3sk_)",
        403: "The token has no access to this organization",
        404: "The organization id is wrong, or not visible to this token",
    },
)
CU_USAGE = Endpoint(_B3OS, "/v1/organizations/{organization}/cu/usage", CuUsage)
CU_BALANCE = Endpoint(_B3OS, "/v1/organizations/{organization}/cu", CuBalance)
# A ".." or a "/" would be normalized into another path.
_ORGANIZATION = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_YEAR_MONTH = re.compile(r"\d{4}-\d\d", re.ASCII)


class B3osBilling(TokenClient):
    """Client of the B3OS workflow API.

    Args:
        token: a server key, ``b3sk_…``.
        credentials: plain or async function that returns the token, instead of `token`. It is called before the first
            call, and again when the server replies with 401.
        base_url: URL of the server.
        account: your label for the account, for events, logs and traces; it is not secret.
        session: your own `aiohttp.ClientSession`, which the client uses but does not close. Default: the client creates
            one.
        timeout: seconds for one attempt, including its body.
        deadline: seconds for one call, including retries and waits; None for no limit.
        max_wait_s: longest wait for the rate limit or for a pause of the account, in seconds; a call that must wait
            longer raises `NotSentError` at once. None: calls wait until the deadline.
        retry: how failed attempts are retried; None for ``RetryPolicy()``.
        rate_limit: limit for the requests of the account, a `RateLimit`, `SharedRateLimit` or `Limiter`. Default: None,
            because the provider publishes no limit.
        allow_http: whether plain http to other machines is allowed.
        max_body: largest decompressed body in bytes. Default: 64 MiB.
        on_attempt: function that is called with an `Attempt` after each attempt.
        on_event: function that is called with a `CallEvent` at the end of each call.

    Raises:
        ConfigurationError: an argument is invalid.
    """

    _VARIABLES = ("B3OS_API_KEY", "B3OS_SERVER_URL")
    _DEFAULT_URL = B3OS_URL

    def __init__(
        self,
        *,
        token: str | Secret | None = None,
        credentials: TokenSource | None = None,
        base_url: str = B3OS_URL,
        account: str = "",
        session: aiohttp.ClientSession | None = None,
        timeout: float = 30.0,
        deadline: float | None = 300.0,
        max_wait_s: float | None = None,
        retry: RetryPolicy | None = None,
        rate_limit: Limiter | None = None,
        allow_http: bool = False,
        max_body: int = MAX_BODY,
        on_attempt: Callable[[Attempt], object] | None = None,
        on_event: Callable[[CallEvent], object] | None = None,
    ) -> None:
        token = concealed(token)
        super().__init__(
            base_url,
            token=token,
            credentials=credentials,
            account=account,
            session=session,
            timeout=timeout,
            deadline=deadline,
            max_wait_s=max_wait_s,
            retry=retry,
            rate_limit=rate_limit,
            allow_http=allow_http,
            max_body=max_body,
            on_attempt=on_attempt,
            on_event=on_event,
        )

    async def cu_usage(self, organization: str, month: Month) -> CuUsage:
        """Read the compute units of an organization in a month.

        Args:
            organization: id of the organization, ``"org_…"``.
            month: ``"2026-10"``, or a date or datetime in that month.

        Raises:
            ConfigurationError: the id or the month is invalid; no request is made.
            TransportError: there was no usable reply.
            ApiError: the server replied with an error.
            DecodeError: the reply does not match the API's description, or is about another month.

        Source: B3OS API reference, "Get CU usage".
        """
        return await self._cu_usage(_checked(organization), checked_month(month))

    def cu_usage_by_month(
        self, organization: str, *, since: Month, until: Month | None = None, concurrency: int = 4
    ) -> AsyncGenerator[CuUsage, None]:
        """Iterate the months from `since` to `until`, including both, oldest first. `until` None is the current month.

        The organization may not have existed in the first months: those for which the server replies with 404 are left
        out, unless it does so for the last month, too. If a reply does not name its month, `year_month` is the
        requested one.

        Raises:
            ConfigurationError: an argument is invalid; raised at the call. Iteration raises the errors of `cu_usage`.
        """
        organization = _checked(organization)

        async def fetch(month: str) -> CuUsage | NotFoundError:
            try:
                usage = await self._cu_usage(organization, month)
            except NotFoundError as error:
                return error
            return attrs.evolve(usage, year_month=month)

        *earlier, newest = checked_months(since, until)
        return _existing(by_month([newest, *earlier], fetch, checked_concurrency(concurrency)))

    async def cu_balance(self, organization: str) -> CuBalance:
        """Read the remaining compute units of an organization.

        Raises:
            ConfigurationError: the id is invalid. Other errors are those of `cu_usage`.

        Source: B3OS API reference, "Get CU balance".
        """
        return await self._exchange.call(CU_BALANCE, organization=_checked(organization))

    async def _cu_usage(self, organization: str, month: str) -> CuUsage:
        usage = await self._exchange.call(CU_USAGE, f"yearMonth={month}", organization=organization)
        found = usage.year_month or ""
        if _YEAR_MONTH.fullmatch(found) and found != month:
            problem = f"expected {month} at $.data.yearMonth, got {found}"
            raise DecodeError([problem], endpoint=CU_USAGE.title, attempts=1)
        return usage


async def _existing(months: AsyncGenerator[CuUsage | NotFoundError, None]) -> AsyncGenerator[CuUsage, None]:
    """Leave out the errors before the first month, and move the newest month from the first place to the last.

    If it is an error, too, the organization is wrong, and no further month is requested.
    """
    is_found = False
    async with aclosing(months):
        newest = await anext(months)
        async for month in months:
            if isinstance(month, CuUsage):
                is_found = True
                yield month
            elif is_found or isinstance(newest, NotFoundError):
                raise month
    if isinstance(newest, NotFoundError):
        raise newest
    yield newest


def _checked(organization: object) -> str:
    if not isinstance(organization, str) or not _ORGANIZATION.fullmatch(organization):
        raise ConfigurationError(
            f"organization must be an id such as 'org_1', of letters, digits, '_' and '-', not {organization!r}"
        )
    return organization
