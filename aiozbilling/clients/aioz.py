"""AIOZ Pin (W3IPFS): top-ups, daily history and this month's usage."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

import attrs

from aiozbilling.clients.client import Client, Settings, refuse_unknown
from aiozbilling.clients.environment import variable
from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.credentials import Credentials, Secret, bearer, concealed, key_pair
from aiozbilling.exchange.endpoint import Endpoint, System
from aiozbilling.exchange.envelope import aioz_envelope
from aiozbilling.exchange.rate import RateLimit
from aiozbilling.listing.listing import Listing, ListOptions
from aiozbilling.listing.source import Source
from aiozbilling.records.aioz import DayUsage, MonthUsage, TopUp

if TYPE_CHECKING:
    from typing_extensions import Unpack

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

_AIOZ = System(
    name="AIOZ",
    envelope=aioz_envelope,
    hints={
        400: "The server refuses what was asked: of a list, try a smaller page_size",
        401: (
            "Check the keys (AIOZ_PIN_API_KEY and AIOZ_PIN_SECRET_KEY, or AIOZ_PIN_TOKEN); if they are right, a proxy"
            " on the way may drop headers with underscores (nginx: underscores_in_headers on), which a token avoids"
        ),
        403: "The key has no scope for billing",
        404: "Does base_url point to the API's root?",
    },
    quick=True,
)


def _check_count(total: int) -> None:
    if not 0 <= total < 2**53:
        raise ValueError(f"expected a total of rows, got {total},")


@attrs.frozen(kw_only=True)
class TopUpPage:
    """``data`` of topUp: the list may be null, and so may single rows."""

    totals: int
    top_up_usages: list[TopUp | None] | None

    def __attrs_post_init__(self) -> None:
        _check_count(self.totals)


@attrs.frozen(kw_only=True)
class HistoryPage:
    """``data`` of historyUsage: the list may be null, and so may single rows."""

    total_days: int
    history_usages: list[DayUsage | None] | None

    def __attrs_post_init__(self) -> None:
        _check_count(self.total_days)


_PAGE = "AIOZ W3IPFS API, Billing, "
THIS_MONTH_USAGE = Endpoint(
    _AIOZ, "/api/billing/thisMonthUsage", MonthUsage, _PAGE + "Get this month usage data for a user"
)
TOP_UP = Endpoint(_AIOZ, "/api/billing/topUp", TopUpPage, _PAGE + "Retrieves top up data")
HISTORY_USAGE = Endpoint(_AIOZ, "/api/billing/historyUsage", HistoryPage, _PAGE + "Retrieves historical usage data")


class AiozBilling(Client):
    """Client of AIOZ Pin's billing.

    Args:
        api_key: of a key pair, with `secret_key`.
        secret_key: of the key pair.
        token: a JWT, instead of the key pair.
        base_url: another host than `AIOZ_PIN_URL`; the earlier ones are `W3IPFS_AIOZ_NETWORK_URL`,
            `W3IPFS_STORAGE_URL` and, for tests, `ATTOAIOZ_TEST_URL`.
        **settings: see `Settings`. The default `rate_limit` is the published 180 requests a minute.

    Raises:
        ConfigurationError: one of these can't be right.
    """

    def __init__(
        self,
        *,
        api_key: str | Secret | None = None,
        secret_key: str | Secret | None = None,
        token: str | Secret | None = None,
        base_url: str = AIOZ_PIN_URL,
        **settings: Unpack[Settings],
    ) -> None:
        api_key, secret_key, token = concealed(api_key), concealed(secret_key), concealed(token)
        refuse_unknown(settings)
        settings.setdefault("rate_limit", AIOZ_RATE_LIMIT)
        super().__init__(base_url, _credentials(api_key, secret_key, token), **settings)

    @classmethod
    def from_env(cls, *, base_url: str | None = None, **settings: Unpack[Settings]) -> Self:
        """Build a client from ``AIOZ_PIN_API_KEY`` and ``AIOZ_PIN_SECRET_KEY``, or from ``AIOZ_PIN_TOKEN``.

        ``AIOZ_PIN_BASE_URL``, or `base_url` before it, names another host than `AIOZ_PIN_URL`.

        Raises:
            ConfigurationError: a variable is missing or can't be right, or both ways are set.
        """
        refuse_unknown(settings)
        api_key, secret_key = variable("AIOZ_PIN_API_KEY"), variable("AIOZ_PIN_SECRET_KEY")
        token = variable("AIOZ_PIN_TOKEN")
        if token is not None and (api_key is not None or secret_key is not None):
            raise ConfigurationError("a token (AIOZ_PIN_TOKEN) and a key pair (AIOZ_PIN_API_KEY) are set: unset one")
        if token is None:
            missing = [
                name
                for name, secret in (("AIOZ_PIN_API_KEY", api_key), ("AIOZ_PIN_SECRET_KEY", secret_key))
                if secret is None
            ]
            if missing:
                either = " (or AIOZ_PIN_TOKEN)" if len(missing) == 2 else ""
                raise ConfigurationError(f"set in the environment: {' and '.join(missing)}{either}")
        base_url = base_url or os.environ.get("AIOZ_PIN_BASE_URL") or AIOZ_PIN_URL
        return cls(api_key=api_key, secret_key=secret_key, token=token, base_url=base_url, **settings)

    def with_credentials(
        self,
        *,
        api_key: str | Secret | None = None,
        secret_key: str | Secret | None = None,
        token: str | Secret | None = None,
    ) -> Self:
        """Give a client for another account on the same connections, with a rate limit and a pause of its own.

        Raises:
            ConfigurationError: the credentials can't be right.
        """
        api_key, secret_key, token = concealed(api_key), concealed(secret_key), concealed(token)
        return self._with(_credentials(api_key, secret_key, token))

    async def this_month_usage(self) -> MonthUsage:
        """Read the usage of the current month.

        Raises:
            TransportError: no usable reply came.
            ApiError: the reply says no.
            DecodeError: the reply is not what the API promises.

        Source: "Get this month usage data for a user", GET /api/billing/thisMonthUsage.
        """
        return await self._exchange.call(THIS_MONTH_USAGE)

    def top_ups(self, **options: Unpack[ListOptions]) -> Listing[TopUp]:
        """List the account's top-ups, each exactly once, in the provider's order (newest first was seen).

        Args:
            **options: see `ListOptions`.

        Raises:
            ConfigurationError: an option can't be right. Walking raises as `Listing` says.

        Source: "Retrieves top up data", GET /api/billing/topUp.
        """
        return Listing(
            self._source(TOP_UP, "totals", "top_up_usages", attrgetter("id"), attrgetter("created_at")), **options
        )

    def history_usage(self, **options: Unpack[ListOptions]) -> Listing[DayUsage]:
        """List the account's usage by day, each day exactly once, in the provider's order (newest first was seen).

        Args:
            **options: see `ListOptions`.

        Raises:
            ConfigurationError: an option can't be right. Walking raises as `Listing` says.

        Source: "Retrieves historical usage data", GET /api/billing/historyUsage. Today's row changes during the day.
        """
        date = attrgetter("date")
        return Listing(self._source(HISTORY_USAGE, "total_days", "history_usages", date, date), **options)

    def _source(
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

        return Source(endpoint.path, fetch, key, time, self._page_sizes)


def _credentials(api_key: Secret | None, secret_key: Secret | None, token: Secret | None) -> Credentials:
    if token is not None and api_key is None and secret_key is None:
        return bearer(token, variable="AIOZ_PIN_TOKEN")
    if token is None and api_key is not None and secret_key is not None:
        return key_pair(api_key, secret_key)
    raise ConfigurationError("give either api_key and secret_key, or token")
