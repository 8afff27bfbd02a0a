"""Every exception of the library, in one tree.

::

    AiozBillingError
    ├─ ConfigurationError(ValueError)     wrong arguments, before any I/O
    │  └─ ClientClosedError               the client was closed
    ├─ TransportError                     no usable reply
    │  ├─ ConnectError(ConnectionError)   no connection, or it was lost
    │  ├─ CallTimeoutError(TimeoutError)  an attempt or the whole call took too long
    │  ├─ TLSError                        the server's certificate or TLS was refused
    │  ├─ ProtocolError                   the reply is not valid HTTP
    │  └─ BodyTooLargeError               the body is larger than `max_body`
    ├─ ApiError                           the server replied with an error
    │  ├─ BadRequestError                 400, 422
    │  ├─ AuthenticationError             401
    │  ├─ PermissionDeniedError           403
    │  ├─ NotFoundError                   404
    │  ├─ RateLimitedError                429
    │  │  └─ NotSentError                 the library's rate limit or a pause refused the call; nothing was sent
    │  ├─ ServerError                     5xx
    │  ├─ RedirectError                   3xx that must not be followed
    │  └─ RejectedError                   2xx whose envelope reports a failure
    ├─ DecodeError(ValueError)            the reply does not match the API's description
    ├─ ListingError                       a list could not be read exactly once
    │  ├─ DriftError                      the list changed in a way that can't be repaired
    │  ├─ IncompleteError                 the server sent fewer rows than its total
    │  └─ RunawayError                    the list does not end
    ├─ FeedError                          a subscriber of `aiozbilling.web.Feed` missed rows
    └─ ExportError                        an export could not be written
       ├─ ExportLockedError               another export is writing the same file
       └─ CheckpointError                 the checkpoint does not belong to this export, or is damaged

Each has structured attributes, from which its message is built. It survives `pickle` and `copy`, and holds neither a
secret nor an object of the HTTP library.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AiozBillingError",
    "ApiError",
    "AuthenticationError",
    "BadRequestError",
    "BodyTooLargeError",
    "CallTimeoutError",
    "CheckpointError",
    "ClientClosedError",
    "ConfigurationError",
    "ConnectError",
    "DecodeError",
    "DriftError",
    "ExportError",
    "ExportLockedError",
    "FeedError",
    "IncompleteError",
    "ListingError",
    "NotFoundError",
    "NotSentError",
    "PermissionDeniedError",
    "ProtocolError",
    "RateLimitedError",
    "RedirectError",
    "RejectedError",
    "RunawayError",
    "ServerError",
    "TLSError",
    "TransportError",
]


class AiozBillingError(Exception):
    """Base of every error that this library raises."""


class ConfigurationError(AiozBillingError, ValueError):
    """An argument, a credential or a setting is invalid; raised before any request is made."""


class ClientClosedError(ConfigurationError):
    """The client was closed: its running calls end, and it makes no new ones.

    Attributes:
        hint: what to do about it.
    """

    hint = "Build another client, or close this one after its last call"

    def __init__(self, reason: str = "the client is closed") -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return _sentence("", self.reason, 0, self.hint)


class TransportError(AiozBillingError):
    """There was no usable reply.

    Attributes:
        reason: description of the failure.
        endpoint: method and path of the call, such as ``"GET /api/billing/topUp"``.
        attempts: number of requests that were sent.
        hint: what to do about it, or "".
    """

    def __init__(self, reason: str = "", *, endpoint: str = "", attempts: int = 0, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.endpoint = endpoint
        self.attempts = attempts
        self.hint = hint

    def __str__(self) -> str:
        return _sentence(self.endpoint, self.reason, self.attempts, self.hint)


class ConnectError(TransportError, ConnectionError):
    """No connection could be made, or it was lost before the reply was complete.

    Attributes:
        before_reply: whether the connection was lost before the first byte of the reply, as when the server closes it.
    """

    before_reply = False


class CallTimeoutError(TransportError, TimeoutError):
    """An attempt took longer than `timeout`, or the call longer than `deadline` (seconds)."""


class TLSError(TransportError):
    """The server's certificate was refused, or TLS failed; never retried."""


class ProtocolError(TransportError):
    """The reply is not valid HTTP, or a proxy refused to connect to the server."""


class BodyTooLargeError(TransportError):
    """The reply's body, decompressed, is larger than `max_body` bytes."""


class ApiError(AiozBillingError):
    """The server replied with an error.

    Attributes:
        message: the server's message, or "".
        status: the HTTP status.
        code: the provider's error code as text, or None.
        request_id: the provider's id of the request, or None.
        retry_after: seconds that the server asks to wait before the next request, or None.
        endpoint: method and path of the call; for a 404, the whole URL of the request without its query.
        attempts: number of requests that were sent.
        hint: what to do about it, or "".
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 0,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        endpoint: str = "",
        attempts: int = 0,
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.endpoint = endpoint
        self.attempts = attempts
        self.hint = hint

    def __str__(self) -> str:
        # Some tools, such as Celery, create an error of another process again from its message alone.
        what = f"HTTP {self.status}" if self.status else type(self).__name__
        if self.code and self.code != str(self.status):
            what += f" {self.code}"
        if self.message:
            what += f": {self.message}"
        if self.request_id:
            what += f" [request {self.request_id}]"
        return _sentence(self.endpoint, what, self.attempts, self.hint)


class BadRequestError(ApiError):
    """400 or 422: the server refuses the arguments."""


class AuthenticationError(ApiError):
    """401: the credentials are missing or wrong."""


class PermissionDeniedError(ApiError):
    """403: the credentials are valid, but do not allow this call."""


class NotFoundError(ApiError):
    """404: the resource does not exist, or these credentials can't see it."""


class RateLimitedError(ApiError):
    """429: too many requests."""


class NotSentError(RateLimitedError):
    """The library's rate limit, or a pause that the server asked for, does not allow the request in time.

    Nothing was sent. A request is possible after `retry_after` seconds. `status` is 429, as for a refusal by the
    server.
    """

    def __str__(self) -> str:
        return _sentence(self.endpoint, f"not sent: {self.message}", self.attempts, self.hint)


class ServerError(ApiError):
    """5xx: the server failed."""


class RedirectError(ApiError):
    """3xx that is not followed, because the credentials would be sent to another server.

    Attributes:
        location: the URL to which the server redirected, without query and user info.
    """

    def __init__(self, message: str = "", *, location: str = "", **facts: Any) -> None:
        super().__init__(message, **facts)
        self.location = location


class RejectedError(ApiError):
    """2xx whose envelope reports a failure."""


_NOT_JSON = "Does base_url point to the API? A proxy or a login page may have answered"
_CHANGED = "The API may have changed: look for a newer release, or report it"


class DecodeError(AiozBillingError, ValueError):
    """The reply does not match the API's description.

    Attributes:
        problems: a sentence for each wrong field, with its JSON path.
        excerpt: the beginning of the body, at most 200 characters.
        malformed: whether the body is not JSON at all.
        endpoint: method and path of the call.
        attempts: number of requests that were sent.
        hint: what to do about it.
    """

    def __init__(
        self,
        problems: tuple[str, ...] | list[str] = (),
        *,
        excerpt: str = "",
        malformed: bool = False,
        endpoint: str = "",
        attempts: int = 0,
        hint: str = "",
    ) -> None:
        super().__init__(tuple(problems))
        self.problems: tuple[str, ...] = tuple(problems)
        self.excerpt = excerpt
        self.malformed = malformed
        self.endpoint = endpoint
        self.attempts = attempts
        self.hint: str = hint or (_NOT_JSON if malformed else _CHANGED)

    def __str__(self) -> str:
        shown = "; ".join(self.problems[:5])
        if len(self.problems) > 5:
            shown += f"; and {len(self.problems) - 5} more in .problems"
        if self.malformed and self.excerpt:
            shown += f", it begins with {self.excerpt[:60]!r}"
        return _sentence(self.endpoint, shown, self.attempts, self.hint)


class ListingError(AiozBillingError):
    """A list could not be read exactly once; the rows delivered before the error are correct.

    Attributes:
        reason: description of the failure.
        delivered: number of rows delivered before.
        report: the walk's `WalkReport` up to the error, or None.
        cursor: a `Cursor` after the last delivered row, to continue from later, or None.
        hint: what to do about it, or "".
    """

    def __init__(
        self, reason: str = "", *, delivered: int = 0, report: Any = None, cursor: Any = None, hint: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delivered = delivered
        self.report = report
        self.cursor = cursor
        self.hint = hint

    def __str__(self) -> str:
        rows = "row was" if self.delivered == 1 else "rows were"
        text = f"{self.reason} ({self.delivered} {rows} delivered before)"
        return f"{text}. {self.hint}" if self.hint else text


class DriftError(ListingError):
    """The list changed in a way that can't be repaired: the order changed, keys repeat, or known rows are gone."""


class IncompleteError(ListingError):
    """The server's total is higher than the number of rows that it sent."""


class RunawayError(ListingError):
    """The server keeps sending pages without new rows, or far more rows than its total."""


class FeedError(AiozBillingError):
    """A subscriber of a `Feed` cannot get every row any more, and must load the list again.

    Attributes:
        reason: description of the failure.
        hint: what to do about it, or "".
    """

    def __init__(self, reason: str = "", *, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        return _sentence("", self.reason, 0, self.hint)


class ExportError(AiozBillingError):
    """An export could not be written.

    Attributes:
        reason: description of the failure.
        path: path of the file, as text.
        hint: what to do about it, or "".
    """

    def __init__(self, reason: str = "", *, path: str = "", hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path
        self.hint = hint

    def __str__(self) -> str:
        return _sentence(self.path, self.reason, 0, self.hint)


class ExportLockedError(ExportError):
    """Another export is writing the same file."""


class CheckpointError(ExportError):
    """The checkpoint next to the file belongs to another export, has another version, or is damaged."""


def _sentence(subject: str, what: str, attempts: int, hint: str) -> str:
    text = f"{subject}: {what}" if subject else what
    if attempts > 1:
        text += f" (after {attempts} attempts)"
    return f"{text}. {hint}" if hint else text
