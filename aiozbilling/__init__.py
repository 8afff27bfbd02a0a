"""Async client for the billing and usage APIs of AIOZ Pin (W3IPFS), B3OS and metered SaaS billing.

::

    async with AiozBilling(api_key="…", secret_key="…") as billing:
        async for top_up in billing.top_ups():
            print(top_up.created_at, top_up.amount.value, top_up.amount.symbol, top_up.credit_usd)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiozbilling.clients.aioz import (
        AIOZ_PIN_URL,
        AIOZ_RATE_LIMIT,
        ATTOAIOZ_TEST_URL,
        W3IPFS_AIOZ_NETWORK_URL,
        W3IPFS_STORAGE_URL,
        AiozBilling,
    )
    from aiozbilling.clients.b3os import B3OS_URL, B3osBilling
    from aiozbilling.clients.client import Settings
    from aiozbilling.clients.metered import MeteredBilling
    from aiozbilling.errors import (
        AiozBillingError,
        ApiError,
        AuthenticationError,
        BadRequestError,
        BodyTooLargeError,
        CallTimeoutError,
        CheckpointError,
        ConfigurationError,
        ConnectError,
        DecodeError,
        DriftError,
        ExportError,
        ExportLockedError,
        IncompleteError,
        ListingError,
        NotFoundError,
        PermissionDeniedError,
        ProtocolError,
        RateLimitedError,
        RedirectError,
        RejectedError,
        RunawayError,
        ServerError,
        TLSError,
        TransportError,
    )
    from aiozbilling.exchange.call import Attempt
    from aiozbilling.exchange.credentials import Secret
    from aiozbilling.exchange.rate import RateLimit
    from aiozbilling.exchange.retry import RetryPolicy
    from aiozbilling.listing.cursor import Cursor
    from aiozbilling.listing.listing import Listing, ListOptions, Page
    from aiozbilling.listing.window import WalkReport
    from aiozbilling.records import (
        CuBalance,
        CuDay,
        CuLine,
        CuSummary,
        CuUsage,
        DayUsage,
        EstimatedCost,
        MeteredUsage,
        MetricUsage,
        MonthUsage,
        Period,
        ProjectedUsage,
        TokenAmount,
        TopUp,
    )

__all__ = [
    "AIOZ_PIN_URL",
    "AIOZ_RATE_LIMIT",
    "ATTOAIOZ_TEST_URL",
    "B3OS_URL",
    "W3IPFS_AIOZ_NETWORK_URL",
    "W3IPFS_STORAGE_URL",
    "AiozBilling",
    "AiozBillingError",
    "ApiError",
    "Attempt",
    "AuthenticationError",
    "B3osBilling",
    "BadRequestError",
    "BodyTooLargeError",
    "CallTimeoutError",
    "CheckpointError",
    "ConfigurationError",
    "ConnectError",
    "CuBalance",
    "CuDay",
    "CuLine",
    "CuSummary",
    "CuUsage",
    "Cursor",
    "DayUsage",
    "DecodeError",
    "DriftError",
    "EstimatedCost",
    "ExportError",
    "ExportLockedError",
    "IncompleteError",
    "ListOptions",
    "Listing",
    "ListingError",
    "MeteredBilling",
    "MeteredUsage",
    "MetricUsage",
    "MonthUsage",
    "NotFoundError",
    "Page",
    "Period",
    "PermissionDeniedError",
    "ProjectedUsage",
    "ProtocolError",
    "RateLimit",
    "RateLimitedError",
    "RedirectError",
    "RejectedError",
    "RetryPolicy",
    "RunawayError",
    "Secret",
    "ServerError",
    "Settings",
    "TLSError",
    "TokenAmount",
    "TopUp",
    "TransportError",
    "WalkReport",
]

# Loaded when first used, so that importing one error or the command line's help doesn't load an HTTP library.
_HOMES = {
    "AIOZ_PIN_URL": "clients.aioz",
    "AIOZ_RATE_LIMIT": "clients.aioz",
    "ATTOAIOZ_TEST_URL": "clients.aioz",
    "AiozBilling": "clients.aioz",
    "W3IPFS_AIOZ_NETWORK_URL": "clients.aioz",
    "W3IPFS_STORAGE_URL": "clients.aioz",
    "B3OS_URL": "clients.b3os",
    "B3osBilling": "clients.b3os",
    "Settings": "clients.client",
    "MeteredBilling": "clients.metered",
    "AiozBillingError": "errors",
    "ApiError": "errors",
    "AuthenticationError": "errors",
    "BadRequestError": "errors",
    "BodyTooLargeError": "errors",
    "CallTimeoutError": "errors",
    "CheckpointError": "errors",
    "ConfigurationError": "errors",
    "ConnectError": "errors",
    "DecodeError": "errors",
    "DriftError": "errors",
    "ExportError": "errors",
    "ExportLockedError": "errors",
    "IncompleteError": "errors",
    "ListingError": "errors",
    "NotFoundError": "errors",
    "PermissionDeniedError": "errors",
    "ProtocolError": "errors",
    "RateLimitedError": "errors",
    "RedirectError": "errors",
    "RejectedError": "errors",
    "RunawayError": "errors",
    "ServerError": "errors",
    "TLSError": "errors",
    "TransportError": "errors",
    "Attempt": "exchange.call",
    "Secret": "exchange.credentials",
    "RateLimit": "exchange.rate",
    "RetryPolicy": "exchange.retry",
    "Cursor": "listing.cursor",
    "ListOptions": "listing.listing",
    "Listing": "listing.listing",
    "Page": "listing.listing",
    "WalkReport": "listing.window",
    "CuBalance": "records",
    "CuDay": "records",
    "CuLine": "records",
    "CuSummary": "records",
    "CuUsage": "records",
    "DayUsage": "records",
    "EstimatedCost": "records",
    "MeteredUsage": "records",
    "MetricUsage": "records",
    "MonthUsage": "records",
    "Period": "records",
    "ProjectedUsage": "records",
    "TokenAmount": "records",
    "TopUp": "records",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
