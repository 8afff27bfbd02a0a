"""Interprets replies: pure functions from (status, headers, document) to the payload or to an error.

Sources: the three provider pages and, for what they leave out, replies of the real services (AIOZ: `status` other than
"success" in a 200; B3OS: `code` 0, 200 or 201 for success, and the metered envelope in its introduction).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from aiozbilling.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RejectedError,
    ServerError,
)
from aiozbilling.exchange.retry_after import retry_after_s

__all__ = [
    "MOST_CLEANED",
    "Clean",
    "Envelope",
    "Refusal",
    "aioz_envelope",
    "api_error",
    "b3os_envelope",
    "message_of",
    "metered_envelope",
    "rejected",
]

# Characters of a server's text that are searched for secrets. It is more than is ever shown, because half a secret
# would not be found. Searching 30 MB would block the event loop for half a second.
MOST_CLEANED = 64 * 1024
_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    422: BadRequestError,
    429: RateLimitedError,
}
# Hints for a status if the system has none.
_HINT = "If it happens again, ask the provider"
_HINTS: dict[type[ApiError], str] = {
    BadRequestError: "Check the arguments of the call",
    RateLimitedError: "Make fewer calls at a time, or set a rate limit that the server allows",
    ServerError: "The server failed: try again later",
}
_LONGEST_MESSAGE = 300
# Bounded: with a repeated "<title>", an unbounded search for its end took 6 s for the 64 KiB of an error.
_TITLE = re.compile(r"<title[^>]{0,100}>([^<]{0,1000})", re.IGNORECASE)


@attrs.frozen(repr=False)
class Refusal:
    """The error in an envelope, in the provider's words."""

    message: str
    code: str | None = None
    request_id: str | None = None


# Removes secrets from a text; applied before the text is cut, so that no part of a secret is left.
Clean = Callable[[str], str]
# Returns None for success or the error in the document; raises ValueError if the document is not an envelope.
Envelope = Callable[[Any, Clean], Refusal | None]


def aioz_envelope(document: Any, clean: Clean) -> Refusal | None:
    """Judge ``{"data": …, "status": "success"}``."""
    match document:
        case {"status": "success"}:
            return None
        case {"status": str(status)}:
            return attrs.evolve(_said(document, clean), code=_text(status, clean) or "")
        case _:
            raise ValueError("expected a string at $.status")


def b3os_envelope(document: Any, clean: Clean) -> Refusal | None:
    """Judge ``{"code": 0, "data": …, "message": …, "requestId": …}``, or the metered envelope."""
    match document:
        case {"success": _}:
            return metered_envelope(document, clean)
        case {"code": bool()}:
            raise ValueError("expected an integer at $.code")
        case {"code": int(code)} if code == 0 or 200 <= code <= 299:
            return None
        case {"code": int()}:
            return _said(document, clean)
        case {"code": _}:
            raise ValueError("expected an integer at $.code")
        case {"data": _}:
            return None
        case _:
            raise ValueError("expected an object with code and data at $")


def metered_envelope(document: Any, clean: Clean) -> Refusal | None:
    """Judge ``{"success": true, "data": …}`` or ``{"success": false, "error": {"code": …, "message": …}}``."""
    match document:
        case {"success": True}:
            return None
        case {"success": False}:
            return _said(document, clean)
        case _:
            raise ValueError("expected true or false at $.success")


def api_error(
    status: int, headers: Mapping[str, str], document: Any, text: str, *, clean: Clean, hint: str
) -> ApiError:
    """Return the error of a failed reply, by its status, with the server's message if there is one."""
    said = _said(document, clean)
    message = said.message or _words(clean(text[:MOST_CLEANED]))
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    wait_s = retry_after_s(headers)
    hint = hint or _HINTS.get(kind, _HINT)
    return kind(
        message,
        status=status,
        code=said.code,
        request_id=said.request_id or _text(headers.get("X-Request-Id"), clean),
        retry_after=wait_s,
        hint=f"The server asks to wait {wait_s:.0f} s. {hint}" if wait_s and wait_s >= 1 else hint,
    )


def message_of(document: Any, clean: Clean) -> str:
    """Return the message in a document that is not an envelope, or ""."""
    return _said(document, clean).message


def rejected(status: int, refusal: Refusal) -> RejectedError:
    """Return the error of a 2xx reply whose envelope reports a failure."""
    return RejectedError(
        refusal.message or "the envelope reports a failure without a message",
        status=status,
        code=refusal.code,
        request_id=refusal.request_id,
        hint=_HINT,
    )


def _said(document: Any, clean: Clean) -> Refusal:
    """Return the message in any of the envelopes."""
    if not isinstance(document, dict):
        return Refusal("")
    error = document.get("error")
    source = error if isinstance(error, dict) else document
    words = source.get("message")
    message = _listed(words, clean) or _text(words, clean) or _text(error, clean) or ""
    if details := _listed(document.get("details"), clean):
        message = f"{message} ({details})" if message else details
    message = message[:_LONGEST_MESSAGE]
    return Refusal(message, _text(source.get("code"), clean), _text(document.get("requestId"), clean))


def _listed(details: Any, clean: Clean) -> str:
    """Return the first texts of a list; of an object, its message, or else its texts."""
    return "; ".join(_detail(detail, clean) for detail in details[:3]) if isinstance(details, list) else ""


def _detail(detail: Any, clean: Clean) -> str:
    if isinstance(detail, dict) and "message" not in detail:
        detail = ": ".join(value[:MOST_CLEANED] for value in list(detail.values())[:3] if isinstance(value, str))
    words = detail.get("message") if isinstance(detail, dict) else detail
    return _text(words, clean) or "…"


def _text(value: Any, clean: Clean) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    try:
        text = str(value)
    except ValueError:  # an integer of more digits than Python converts
        return None
    return clean(text[:MOST_CLEANED])[:_LONGEST_MESSAGE]


def _words(body: str) -> str:
    """Return the message of an error page or plain text as one line."""
    if title := _TITLE.search(body):
        return " ".join(title[1].split())[:_LONGEST_MESSAGE]
    if body.lstrip().startswith(("<", "{", "[")):
        return ""
    return " ".join(body.split())[:_LONGEST_MESSAGE]
