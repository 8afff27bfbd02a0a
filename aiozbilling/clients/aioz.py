"""AIOZ Pin (W3IPFS): top-ups, daily history and this month's usage."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import aiohttp

from aiozbilling.clients.aioz_credentials import AiozCredentials, aioz_credentials, credentials_from_env
from aiozbilling.clients.aioz_endpoints import HISTORY_USAGE, THIS_MONTH_USAGE, TOP_UP
from aiozbilling.clients.client import MAX_BODY, Client
from aiozbilling.errors import ConfigurationError
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
        api_key: of a key pair, with `secret_key`.
        secret_key: of the key pair.
        token: a JWT, instead of the key pair.
        base_url: another host than `AIOZ_PIN_URL`; the earlier ones are `W3IPFS_AIOZ_NETWORK_URL`,
            `W3IPFS_STORAGE_URL` and, for tests, `ATTOAIOZ_TEST_URL`.
        credentials: a function, plain or async, that returns a token or a pair ``(api_key, secret_key)``, instead of
            these. It is asked before the first call, and once more when the server answers 401.
        account: a label of yours, which is no secret, for events, logs and traces.
        session: an `aiohttp.ClientSession` of yours, used and never closed; by default the client makes its own.
        timeout: seconds for one attempt, its body included.
        deadline: seconds for one whole call with its retries and waits; None for no end.
        max_wait_s: where the rate limit or a pause of the account asks for a longer wait, a call raises
            `NotSentError` at once; None waits up to the deadline.
        retry: how failed attempts are repeated; None for ``RetryPolicy()``.
        rate_limit: requests that one account may make, a `RateLimit`, `SharedRateLimit` or `Limiter`; by default the
            provider's published 180 requests a minute; None for no limit.
        allow_http: permit plain http to other machines than this one.
        max_body: largest body in bytes, decompressed; 64 MiB.
        on_attempt: a function that is called with an `Attempt` after each attempt.
        on_event: a function that is called with a `CallEvent` at the end of each call.

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
        """Build a client from ``AIOZ_PIN_API_KEY`` and ``AIOZ_PIN_SECRET_KEY``, or from ``AIOZ_PIN_TOKEN``.

        ``AIOZ_PIN_BASE_URL``, or `base_url` before it, names another host than `AIOZ_PIN_URL`. The other keywords
        are those of the class.

        Raises:
            ConfigurationError: a variable is missing or invalid, or both ways are set.
        """
        api_key, secret_key, token = credentials_from_env()
        base_url = base_url or os.environ.get("AIOZ_PIN_BASE_URL") or AIOZ_PIN_URL
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
            api_key: of a key pair, with `secret_key`.
            secret_key: of the key pair.
            token: a JWT, instead of the key pair.
            credentials: a function that returns them, as for the class.
            account: a label of yours, which is no secret, for events, logs and traces.

        Raises:
            ConfigurationError: the credentials or the label are invalid.
        """
        api_key, secret_key, token = concealed(api_key), concealed(secret_key), concealed(token)
        return self._with(aioz_credentials(api_key, secret_key, token, credentials), account)

    async def this_month_usage(self) -> MonthUsage:
        """Read the usage of the current month.

        Raises:
            TransportError: no usable reply came.
            ApiError: the reply says no.
            DecodeError: the reply is not what the API promises.

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
        """List the account's top-ups, each exactly once, in the provider's order (newest first was seen).

        Args:
            offset: rows of the list to leave out at its beginning.
            page_size: rows of one request, at least 2; None finds the largest that the server takes.
            max_items: rows at most; None for all.
            concurrency: pages in flight at most.
            on_drift: when the list changes meanwhile, ``"repair"`` continues without loss or repetition; ``"raise"``
                stops with `DriftError` at the first change that is no append.
            after: a `Cursor` or its text, to continue after the row where it was taken.

        Raises:
            ConfigurationError: an option is invalid. Walking raises as `Listing` says.

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
        """List the account's usage by day, each day exactly once, in the provider's order (newest first was seen).

        Args:
            offset: rows of the list to leave out at its beginning.
            page_size: rows of one request, at least 2; None finds the largest that the server takes.
            max_items: rows at most; None for all.
            concurrency: pages in flight at most.
            on_drift: when the list changes meanwhile, ``"repair"`` continues without loss or repetition; ``"raise"``
                stops with `DriftError` at the first change that is no append.
            after: a `Cursor` or its text, to continue after the row where it was taken.

        Raises:
            ConfigurationError: an option is invalid. Walking raises as `Listing` says.

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

        async def fetch(offset: int, limit: int) -> tuple[Sequence[Any], int]:
            page = await exchange.call(endpoint, f"offset={offset}&limit={limit}")
            return lists(page) or (), totals(page)

        sleep, host = exchange.lifetime.sleep, urlsplit(self.base_url).netloc
        return Source(endpoint.path, fetch, key, time, self._page_sizes, host, self._fingerprint_if_any, sleep)

    def _fingerprint_if_any(self, key: bytes) -> str:
        try:
            return self.fingerprint(key)
        except ConfigurationError:  # the credentials come from a function, and there is no label
            return ""
