# Each public name, once, with its module. `lazy.py` reads this file; type checkers and editors do too.

from aiozbilling.clients.aioz import (
    AIOZ_PIN_URL as AIOZ_PIN_URL,
)
from aiozbilling.clients.aioz import (
    AIOZ_RATE_LIMIT as AIOZ_RATE_LIMIT,
)
from aiozbilling.clients.aioz import (
    ATTOAIOZ_TEST_URL as ATTOAIOZ_TEST_URL,
)
from aiozbilling.clients.aioz import (
    W3IPFS_AIOZ_NETWORK_URL as W3IPFS_AIOZ_NETWORK_URL,
)
from aiozbilling.clients.aioz import (
    W3IPFS_STORAGE_URL as W3IPFS_STORAGE_URL,
)
from aiozbilling.clients.aioz import (
    AiozBilling as AiozBilling,
)
from aiozbilling.clients.b3os import (
    B3OS_URL as B3OS_URL,
)
from aiozbilling.clients.b3os import (
    B3osBilling as B3osBilling,
)
from aiozbilling.clients.client import (
    Settings as Settings,
)
from aiozbilling.clients.metered import (
    MeteredBilling as MeteredBilling,
)
from aiozbilling.errors import (
    AiozBillingError as AiozBillingError,
)
from aiozbilling.errors import (
    ApiError as ApiError,
)
from aiozbilling.errors import (
    AuthenticationError as AuthenticationError,
)
from aiozbilling.errors import (
    BadRequestError as BadRequestError,
)
from aiozbilling.errors import (
    BodyTooLargeError as BodyTooLargeError,
)
from aiozbilling.errors import (
    CallTimeoutError as CallTimeoutError,
)
from aiozbilling.errors import (
    CheckpointError as CheckpointError,
)
from aiozbilling.errors import (
    ClientClosedError as ClientClosedError,
)
from aiozbilling.errors import (
    ConfigurationError as ConfigurationError,
)
from aiozbilling.errors import (
    ConnectError as ConnectError,
)
from aiozbilling.errors import (
    DecodeError as DecodeError,
)
from aiozbilling.errors import (
    DriftError as DriftError,
)
from aiozbilling.errors import (
    ExportError as ExportError,
)
from aiozbilling.errors import (
    ExportLockedError as ExportLockedError,
)
from aiozbilling.errors import (
    FeedError as FeedError,
)
from aiozbilling.errors import (
    IncompleteError as IncompleteError,
)
from aiozbilling.errors import (
    ListingError as ListingError,
)
from aiozbilling.errors import (
    NotFoundError as NotFoundError,
)
from aiozbilling.errors import (
    NotSentError as NotSentError,
)
from aiozbilling.errors import (
    PermissionDeniedError as PermissionDeniedError,
)
from aiozbilling.errors import (
    ProtocolError as ProtocolError,
)
from aiozbilling.errors import (
    RateLimitedError as RateLimitedError,
)
from aiozbilling.errors import (
    RedirectError as RedirectError,
)
from aiozbilling.errors import (
    RejectedError as RejectedError,
)
from aiozbilling.errors import (
    RunawayError as RunawayError,
)
from aiozbilling.errors import (
    ServerError as ServerError,
)
from aiozbilling.errors import (
    TLSError as TLSError,
)
from aiozbilling.errors import (
    TransportError as TransportError,
)
from aiozbilling.exchange.credentials import (
    Secret as Secret,
)
from aiozbilling.exchange.events import (
    Attempt as Attempt,
)
from aiozbilling.exchange.events import (
    CallEvent as CallEvent,
)
from aiozbilling.exchange.rate import (
    Limiter as Limiter,
)
from aiozbilling.exchange.rate import (
    RateLimit as RateLimit,
)
from aiozbilling.exchange.rate import (
    Window as Window,
)
from aiozbilling.exchange.retry import (
    RetryPolicy as RetryPolicy,
)
from aiozbilling.exchange.shared_rate import (
    SharedRateLimit as SharedRateLimit,
)
from aiozbilling.listing.cursor import (
    Cursor as Cursor,
)
from aiozbilling.listing.listing import (
    Listing as Listing,
)
from aiozbilling.listing.options import (
    ListOptions as ListOptions,
)
from aiozbilling.listing.page import (
    Page as Page,
)
from aiozbilling.listing.window import (
    WalkReport as WalkReport,
)
from aiozbilling.records import (
    CuBalance as CuBalance,
)
from aiozbilling.records import (
    CuDay as CuDay,
)
from aiozbilling.records import (
    CuLine as CuLine,
)
from aiozbilling.records import (
    CuSummary as CuSummary,
)
from aiozbilling.records import (
    CuUsage as CuUsage,
)
from aiozbilling.records import (
    DayUsage as DayUsage,
)
from aiozbilling.records import (
    EstimatedCost as EstimatedCost,
)
from aiozbilling.records import (
    MeteredUsage as MeteredUsage,
)
from aiozbilling.records import (
    MetricUsage as MetricUsage,
)
from aiozbilling.records import (
    MonthUsage as MonthUsage,
)
from aiozbilling.records import (
    Period as Period,
)
from aiozbilling.records import (
    ProjectedUsage as ProjectedUsage,
)
from aiozbilling.records import (
    TokenAmount as TokenAmount,
)
from aiozbilling.records import (
    TopUp as TopUp,
)
from aiozbilling.records.amounts import (
    exact_sum as exact_sum,
)
from aiozbilling.records.json import (
    to_dict as to_dict,
)
from aiozbilling.records.json import (
    to_json as to_json,
)

__version__: str
