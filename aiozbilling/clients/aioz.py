"""AIOZ Pin (W3IPFS): top-ups, daily history and this month's usage."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import aiohttp

from aiozbilling.clients.aioz_credentials import AiozCredentials, aioz_credentials, credentials_from_env
from aiozbilling.clients.aioz_endpoints import HISTORY_USAGE, THIS_MONTH_USAGE, TOP_UP
from aiozbilling.clients.client import MAX_BODY, Client
from aiozbilling.clients.environment import url_variable
from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.call import Received
from aiozbilling.exchange.credentials import Secret, concealed
from aiozbilling.exchange.endpoint import Endpoint
from aiozbilling.exchange.events import Attempt, CallEvent
from aiozbilling.exchange.rate import Limiter, RateLimit
from aiozbilling.exchange.retry import RetryPolicy
from aiozbilling.listing.cursor import Cursor
from aiozbilling.listing.listing import Listing
from aiozbilling.listing.misuse import explains_limit
from aiozbilling.listing.source import Source
from aiozbilling.records.aioz import DayUsage, MonthUsage, TopUp

__all__ = [
    "AIOZ_PIN_URL",
    "AIOZ_RATE_LIMIT",
    "ATTOAIOZ_TEST_URL",
    "W3IPFS_AIOZ_NETWORK_URL",
    "W3IPFS_STORAGE_URL",
    "AiozBilling",
]

AIOZ_PIN_URL = "https://api.aiozpin.network"
W3IPFS_AIOZ_NETWORK_URL = "https://api.w3ipfs.aioz.network"
W3IPFS_STORAGE_URL = "https://api.w3ipfs.storage"
ATTOAIOZ_TEST_URL = "https://api-ipfs.attoaioz.cyou"
AIOZ_RATE_LIMIT = RateLimit(180, per_s=60)  # the provider's page on limits


class AiozBilling(Client):
    """Client of AIOZ Pin's billing.

    Args:
        api_key: key of a key pair; needs `secret_key`.
        secret_key: secret key of the key pair.
        token: JWT, instead of the key pair.
        base_url: URL of the server. Earlier hosts are `W3IPFS_AIOZ_NETWORK_URL`, `W3IPFS_STORAGE_URL` and, for tests,
            `ATTOAIOZ_TEST_URL`.
        credentials: plain or async function that returns a token or a pair ``(api_key, secret_key)``, instead of these
            arguments. It is called before the first call, and again when the server replies with 401.
        account: your label for the account, for events, logs and traces; it is not secret.
        session: your own `aiohttp.ClientSession`, which the client uses but does not close. Default: the client creates
            one.
        timeout: seconds for one attempt, including its body.
        deadline: seconds for one call, including retries and waits; None for no limit.
        max_wait_s: longest wait for the rate limit or for a pause of the account, in seconds; a call that must wait
            longer raises `NotSentError` at once. None: calls wait until the deadline.
        retry: how failed attempts are retried; None for ``RetryPolicy()``.
        rate_limit: limit for the requests of the account, a `RateLimit`, `SharedRateLimit` or `Limiter`; None for no
            limit. Default: the provider's published limit, 180 requests per minute.
        allow_http: whether plain http to other machines is allowed.
        max_body: largest decompressed body in bytes. Default: 64 MiB.
        on_attempt: function that is called with an `Attempt` after each attempt.
        on_event: function that is called with a `CallEvent` at the end of each call.

    Raises:
        ConfigurationError: an argument is invalid.
    """

    def __init__(
        self,
        *,
        api_key: str | Secret | None = None,
        secret_key: str | Secret | None = None,
        token: str | Secret | None = None,
        credentials: AiozCredentials | None = None,
        base_url: str = AIOZ_PIN_URL,
        account: str = "",
        session: aiohttp.ClientSession | None = None,
        timeout: float = 30.0,
        deadline: float | None = 300.0,
        max_wait_s: float | None = None,
        retry: RetryPolicy | None = None,
        rate_limit: Limiter | None = AIOZ_RATE_LIMIT,
        allow_http: bool = False,
        max_body: int = MAX_BODY,
        on_attempt: Callable[[Attempt], object] | None = None,
        on_event: Callable[[CallEvent], object] | None = None,
    ) -> None:
        api_key, secret_key, token = concealed(api_key), concealed(secret_key), concealed(token)
        super().__init__(
            base_url,
            aioz_credentials(api_key, secret_key, token, credentials),
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

    @classmethod
    def from_env(
        cls,
        *,
        base_url: str | None = None,
        account: str = "",
        session: aiohttp.ClientSession | None = None,
        timeout: float = 30.0,
        deadline: float | None = 300.0,
        max_wait_s: float | None = None,
        retry: RetryPolicy | None = None,
        rate_limit: Limiter | None = AIOZ_RATE_LIMIT,
        allow_http: bool = False,
        max_body: int = MAX_BODY,
        on_attempt: Callable[[Attempt], object] | None = None,
        on_event: Callable[[CallEvent], object] | None = None,
    ) -> Self:
        """Create a client from ``AIOZ_PIN_API_KEY`` and ``AIOZ_PIN_SECRET_KEY``, or from ``AIOZ_PIN_TOKEN``.

        The server is `base_url`, or ``AIOZ_PIN_BASE_URL``, or `AIOZ_PIN_URL`. The other keywords are those of the
        class.

        Raises:
            ConfigurationError: a variable is missing or invalid, or both the key pair and the token are set.
        """
        api_key, secret_key, token = credentials_from_env()
        base_url = base_url or url_variable("AIOZ_PIN_BASE_URL", allow_http=allow_http) or AIOZ_PIN_URL
        return cls(
            api_key=api_key,
            secret_key=secret_key,
            token=token,
            base_url=base_url,
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

    def with_credentials(
        self,
        *,
        api_key: str | Secret | None = None,
        secret_key: str | Secret | None = None,
        token: str | Secret | None = None,
        credentials: AiozCredentials | None = None,
        account: str = "",
    ) -> Self:
        """Return a client for another account on the same connections, with its own rate limit and pause.

        Args:
            api_key: key of a key pair; needs `secret_key`.
            secret_key: secret key of the key pair.
            token: JWT, instead of the key pair.
            credentials: function that returns them, as for the class.
            account: your label for the account, for events, logs and traces; it is not secret.

        Raises:
            ConfigurationError: the credentials or the label are invalid.
        """
        api_key, secret_key, token = concealed(api_key), concealed(secret_key), concealed(token)
        return self._with(aioz_credentials(api_key, secret_key, token, credentials), account)

    async def this_month_usage(self) -> MonthUsage:
        """Read the usage of the current month.

        Raises:
            TransportError: there was no usable reply.
            ApiError: the server replied with an error.
            DecodeError: the reply does not match the API's description.

        Source: "Get this month usage data for a user", GET /api/billing/thisMonthUsage.
        """
        return await self._exchange.call(THIS_MONTH_USAGE)

    @explains_limit
    def top_ups(
        self,
        *,
        offset: int = 0,
        page_size: int | None = None,
        max_items: int | None = None,
        concurrency: int = 4,
        on_drift: Literal["repair", "raise"] = "repair",
        after: Cursor | str | None = None,
    ) -> Listing[TopUp]:
        """List the account's top-ups, each exactly once, in the provider's order (so far newest first).

        Args:
            offset: number of rows to skip at the beginning of the list.
            page_size: rows per request, at least 2; None for the largest page that the server accepts.
            max_items: maximum number of rows; None for all.
            concurrency: maximum number of pages that are requested at the same time.
            on_drift: what to do if the list changes during the walk. ``"repair"`` continues without losing or repeating
                a row; ``"raise"`` raises `DriftError` at the first change other than an append.
            after: `Cursor` or its text, to continue after the row where it was taken.

        Raises:
            ConfigurationError: an option is invalid. Iteration raises the errors of `Listing`.

        Source: "Retrieves top up data", GET /api/billing/topUp.
        """
        return Listing(
            self._list(TOP_UP, "totals", "top_up_usages", attrgetter("id"), attrgetter("created_at")),
            offset=offset,
            page_size=page_size,
            max_items=max_items,
            concurrency=concurrency,
            on_drift=on_drift,
            after=after,
        )

    @explains_limit
    def history_usage(
        self,
        *,
        offset: int = 0,
        page_size: int | None = None,
        max_items: int | None = None,
        concurrency: int = 4,
        on_drift: Literal["repair", "raise"] = "repair",
        after: Cursor | str | None = None,
    ) -> Listing[DayUsage]:
        """List the account's usage by day, each day exactly once, in the provider's order (so far newest first).

        Args:
            offset: number of rows to skip at the beginning of the list.
            page_size: rows per request, at least 2; None for the largest page that the server accepts.
            max_items: maximum number of rows; None for all.
            concurrency: maximum number of pages that are requested at the same time.
            on_drift: what to do if the list changes during the walk. ``"repair"`` continues without losing or repeating
                a row; ``"raise"`` raises `DriftError` at the first change other than an append.
            after: `Cursor` or its text, to continue after the row where it was taken.

        Raises:
            ConfigurationError: an option is invalid. Iteration raises the errors of `Listing`.

        Source: "Retrieves historical usage data", GET /api/billing/historyUsage. Today's row changes during the day.
        """
        date = attrgetter("date")
        return Listing(
            self._list(HISTORY_USAGE, "total_days", "history_usages", date, date),
            offset=offset,
            page_size=page_size,
            max_items=max_items,
            concurrency=concurrency,
            on_drift=on_drift,
            after=after,
        )

    def _list(
        self,
        endpoint: Endpoint[Any],
        total: str,
        rows: str,
        key: Callable[[Any], Hashable],
        time: Callable[[Any], datetime | None],
    ) -> Source[Any]:
        exchange, totals, lists = self._exchange, attrgetter(total), attrgetter(rows)

        async def fetch(offset: int, limit: int, received: Received | None) -> tuple[Sequence[Any], int]:
            page = await exchange.call(endpoint, f"offset={offset}&limit={limit}", received)
            return lists(page) or (), totals(page)

        sleep, host = exchange.lifetime.sleep, urlsplit(self.base_url).netloc
        return Source(endpoint.path, fetch, key, time, self._page_sizes, host, self._fingerprint_if_any, sleep)

    def _fingerprint_if_any(self, key: bytes) -> str:
        try:
            return self.fingerprint(key)
        except ConfigurationError:  # the credentials come from a function, and there is no label
            return ""
