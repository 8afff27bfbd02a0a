"""Errors as problem details: the right status, and nothing that only operators may know."""

from __future__ import annotations

import json

import pytest

from aiozbilling import errors
from aiozbilling.web import problem

FACTS = {
    "endpoint": "GET /api/billing/topUp",
    "attempts": 4,
    "hint": "Check the keys (AIOZ_PIN_API_KEY)",
}
WORDS = "SELECT * FROM secrets"


def api(kind, status, **more):
    """Build an error with everything in it that must not be shown."""
    return kind(WORDS, status=status, code="400228", request_id="req_1", **FACTS, **more)


CASES = [
    (api(errors.RateLimitedError, 429, retry_after=12.2), 503, "provider-busy", 13),
    (api(errors.RateLimitedError, 429), 503, "provider-busy", 1),
    (api(errors.RateLimitedError, 429, retry_after=float("inf")), 503, "provider-busy", None),
    (errors.ClientClosedError(), 503, "shutting-down", 1),
    (errors.CallTimeoutError(WORDS, **FACTS), 504, "provider-timeout", None),
    (api(errors.ServerError, 503), 502, "provider-unavailable", None),
    (api(errors.ServerError, 503, retry_after=29.5), 502, "provider-unavailable", 30),
    (api(errors.ServerError, 503, retry_after=float("inf")), 502, "provider-unavailable", None),
    (errors.ConnectError(WORDS, **FACTS), 502, "provider-unavailable", None),
    (errors.TLSError(WORDS, **FACTS), 502, "provider-unavailable", None),
    (errors.DecodeError([WORDS], excerpt=WORDS, endpoint="GET /x"), 502, "provider-unavailable", None),
    (api(errors.AuthenticationError, 401), 502, "provider-credentials", None),
    (api(errors.PermissionDeniedError, 403), 502, "provider-credentials", None),
    (api(errors.NotFoundError, 404), 502, "provider-refused", None),
    (api(errors.BadRequestError, 400), 502, "provider-refused", None),
    (errors.DriftError(WORDS), 502, "list-inconsistent", None),
    (errors.FeedError(WORDS), 409, "stream-lost", None),
    (errors.ConfigurationError(WORDS), 500, "internal", None),
    (ZeroDivisionError(WORDS), 500, "internal", None),
]


@pytest.mark.parametrize(("error", "status", "code", "retry_after"), CASES, ids=lambda value: type(value).__name__)
def test_each_error_has_its_problem(error, status, code, retry_after):
    """Status, code and Retry-After are those of the mapping; the body is RFC 9457 and holds nothing of the error."""
    found = problem(error)
    assert (found.status, found.code, found.retry_after) == (status, code, retry_after)
    body = json.loads(found.body)
    assert body["status"] == status
    assert set(body) == {"type", "title", "status", "detail", "code"}
    assert found.headers["Content-Type"] == "application/problem+json"
    assert found.headers.get("Retry-After") == (None if retry_after is None else str(retry_after))
    text = found.body.decode()
    for secret in (WORDS, "AIOZ_PIN", "/api/", "req_1", "400228", "Check", "http"):
        assert secret not in text


@pytest.mark.parametrize("name", errors.__all__)
def test_no_error_is_a_401(name):
    """No error of the library becomes a status that a browser would relate to its own session."""
    kind = getattr(errors, name)
    assert 500 <= problem(kind()).status < 600 or kind is errors.FeedError
