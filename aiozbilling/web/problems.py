"""Converts errors to RFC 9457 problem details for a web client, without internal information.

They contain no hints, no names of environment variables, no text from the provider and no paths. A provider's 401
becomes a 502, because the backend's key was rejected, not the session of the browser.
"""

from __future__ import annotations

import json
import math
from http import HTTPStatus
from typing import Any

import attrs

from aiozbilling.errors import (
    AiozBillingError,
    ApiError,
    AuthenticationError,
    CallTimeoutError,
    ClientClosedError,
    DecodeError,
    FeedError,
    ListingError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    TransportError,
)

__all__ = ["Problem", "problem"]


@attrs.frozen
class Problem:
    """Problem details of one error.

    Attributes:
        status: HTTP status of the response.
        code: name of the problem, for programs: ``"provider-busy"``, ``"provider-timeout"``,
            ``"provider-unavailable"``, ``"provider-credentials"``, ``"provider-refused"``, ``"list-inconsistent"``,
            ``"stream-lost"``, ``"shutting-down"`` or ``"internal"``.
        detail: description, for people.
        retry_after: seconds after which a retry makes sense, or None.
    """

    status: int
    code: str
    detail: str
    retry_after: int | None = None

    media_type = "application/problem+json"

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the response: its content type, and Retry-After where one is known."""
        headers = {"Content-Type": self.media_type}
        return headers if self.retry_after is None else headers | {"Retry-After": str(self.retry_after)}

    def to_dict(self) -> dict[str, Any]:
        """Return the members of the problem details."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }

    @property
    def body(self) -> bytes:
        """Body of the response, JSON."""
        return json.dumps(self.to_dict()).encode()


def problem(error: BaseException) -> Problem:
    """Return the description of an error for a web client: what happened, and whether a retry makes sense.

    Source: RFC 9457, Problem Details for HTTP APIs.
    """
    if isinstance(error, RateLimitedError):
        seconds = _whole_seconds(error.retry_after or 1)
        return Problem(503, "provider-busy", "The billing provider accepts no more requests now.", seconds)
    if isinstance(error, ServerError) and error.retry_after:
        return attrs.evolve(_UNAVAILABLE, retry_after=_whole_seconds(error.retry_after))
    for kinds, found in _PROBLEMS:
        if isinstance(error, kinds):
            return found
    return Problem(500, "internal", "The billing data could not be read.")


_UNAVAILABLE = Problem(502, "provider-unavailable", "The billing provider is not available.")
# The first match decides.
_PROBLEMS: tuple[tuple[type[AiozBillingError] | tuple[type[AiozBillingError], ...], Problem], ...] = (
    (ClientClosedError, Problem(503, "shutting-down", "The service is shutting down.", 1)),
    (CallTimeoutError, Problem(504, "provider-timeout", "The billing provider did not answer in time.")),
    (
        (AuthenticationError, PermissionDeniedError),
        Problem(502, "provider-credentials", "The billing provider refuses this service's access."),
    ),
    ((ServerError, TransportError, DecodeError), _UNAVAILABLE),
    (ApiError, Problem(502, "provider-refused", "The billing provider refuses the request.")),
    (ListingError, Problem(502, "list-inconsistent", "The list changed too much while it was read.")),
    (FeedError, Problem(409, "stream-lost", "Rows were missed: load the list again.")),
)


def _whole_seconds(wait_s: float) -> int | None:
    return max(1, math.ceil(wait_s)) if math.isfinite(wait_s) else None
