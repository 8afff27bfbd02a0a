"""Interpretation of each envelope: success, or the class of the error with the provider's message."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from multidict import CIMultiDict

from aiozbilling import errors
from aiozbilling.exchange.envelope import (
    Refusal,
    aioz_envelope,
    api_error,
    b3os_envelope,
    metered_envelope,
    rejected,
)


def plain(text: str) -> str:
    """Clean nothing."""
    return text


def blackened(text: str) -> str:
    """Clean one word."""
    return text.replace("CANARY", "***")


def error_of(status: int, body: str | dict, headers: dict[str, str] | None = None, clean=plain) -> errors.ApiError:
    """Return the error of a reply."""
    text = body if isinstance(body, str) else json.dumps(body)
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    return api_error(status, CIMultiDict(headers or {}), document, text, clean=clean, hint="Do this")


@pytest.mark.parametrize("document", [{"status": "success", "data": {}}, {"status": "success"}])
def test_aioz_success(document):
    """AIOZ reports success only in `status`."""
    assert aioz_envelope(document, plain) is None


@pytest.mark.parametrize("status", ["fail", "error", "Success", "successful", "", "pending"])
def test_aioz_failure_inside_a_200(status):
    """Any other word in `status` is a failure, even with good data, and the word is its code."""
    document = {"status": status, "message": "no such user", "data": {"totals": 1}}
    assert aioz_envelope(document, plain) == Refusal("no such user", code=status)


@pytest.mark.parametrize("document", [None, [], "success", 5, {}, {"status": None}, {"status": True}, {"data": {}}])
def test_what_is_no_aioz_envelope(document):
    """A document without a text in `status` is not a reply of AIOZ."""
    with pytest.raises(ValueError, match=r"\$\.status"):
        aioz_envelope(document, plain)


@pytest.mark.parametrize("code", [0, 200, 201, 202, 250, 299])
def test_b3os_codes_of_success(code):
    """Codes 0 and 200 to 299 mean success, whatever the message is."""
    assert b3os_envelope({"code": code, "data": {}, "message": "failure!"}, plain) is None


@pytest.mark.parametrize("code", [1, -1, 100, 199, 300, 400, 500, 400228, 10**30])
def test_b3os_codes_of_failure(code):
    """Any other number is a failure; the error has it as its code, with the message and the request id."""
    document = {"code": code, "data": {}, "message": "invalid yearMonth", "requestId": "req_7"}
    assert b3os_envelope(document, plain) == Refusal("invalid yearMonth", str(code), "req_7")


def test_b3os_without_a_code():
    """A document with data and no code is success."""
    assert b3os_envelope({"data": {}}, plain) is None


@pytest.mark.parametrize("code", ["0", "200", None, True, False, Decimal("0.0"), [], {}])
def test_b3os_codes_that_are_none(code):
    """A code must be an integer: true is not 1, and "0" is not 0."""
    with pytest.raises(ValueError, match=r"\$\.code"):
        b3os_envelope({"code": code, "data": {}}, plain)


@pytest.mark.parametrize("document", [None, [], "x", 5, {}, {"message": "ok"}])
def test_what_is_no_b3os_envelope(document):
    """A document without code, data and success is not a reply of B3OS."""
    with pytest.raises(ValueError, match="code and data"):
        b3os_envelope(document, plain)


def test_b3os_takes_the_metered_envelope():
    """The introduction of the API shows the other envelope, so both are accepted."""
    assert b3os_envelope({"success": True, "data": {}}, plain) is None
    document = {"success": False, "error": {"code": "FORBIDDEN", "message": "not yours"}}
    assert b3os_envelope(document, plain) == Refusal("not yours", "FORBIDDEN")


def test_metered_success_and_failure():
    """Metered billing reports the result in `success`, and the reason in `error`."""
    assert metered_envelope({"success": True, "data": {}}, plain) is None
    document = {"success": False, "data": {}, "error": {"code": "BAD_REQUEST", "message": "Invalid date range"}}
    assert metered_envelope(document, plain) == Refusal("Invalid date range", "BAD_REQUEST")
    assert metered_envelope({"success": False}, plain) == Refusal("")
    assert metered_envelope({"success": False, "error": "broken"}, plain) == Refusal("broken")


@pytest.mark.parametrize("success", [1, 0, "true", None, []])
def test_what_is_no_metered_envelope(success):
    """`success` must be true or false; 1 is not accepted."""
    with pytest.raises(ValueError, match=r"\$\.success"):
        metered_envelope({"success": success, "data": {}}, plain)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequestError),
        (401, errors.AuthenticationError),
        (402, errors.ApiError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (408, errors.ApiError),
        (418, errors.ApiError),
        (422, errors.BadRequestError),
        (425, errors.ApiError),
        (429, errors.RateLimitedError),
        (499, errors.ApiError),
        (500, errors.ServerError),
        (502, errors.ServerError),
        (503, errors.ServerError),
        (504, errors.ServerError),
        (599, errors.ServerError),
    ],
)
def test_each_status_has_its_class(status, kind):
    """The class of the error depends only on the HTTP status, whatever the body is."""
    for body in ("", "null", "[]", "<html>", {"status": "success"}, {"success": True}, {"code": 0}, "\x00"):
        error = error_of(status, body)
        assert type(error) is kind
        assert error.status == status
        assert error.hint == "Do this"


@pytest.mark.parametrize(
    ("body", "message", "code", "request_id"),
    [
        ({"status": "fail", "message": "wrong key"}, "wrong key", None, None),
        ({"message": "wrong key"}, "wrong key", None, None),
        ({"code": 400228, "message": "bad month", "requestId": "req_abc"}, "bad month", "400228", "req_abc"),
        (
            {"code": 400228, "message": "bad", "details": ["yearMonth", {"field": "x", "issue": "y"}, {"n": 5}]},
            "bad (yearMonth; x: y; …)",
            "400228",
            None,
        ),
        (
            {"code": 400001, "message": "bad", "details": list("abcde"), "requestId": "r"},
            "bad (a; b; c)",
            "400001",
            "r",
        ),
        (
            {"success": False, "error": {"code": "UNAUTHORIZED", "message": "Authentication required"}},
            "Authentication required",
            "UNAUTHORIZED",
            None,
        ),
        (
            {"message": ["a is missing", "b is no date"], "error": "Bad Request"},
            "a is missing; b is no date",
            None,
            None,
        ),
        ({"message": "", "details": ["a", {"message": "b"}]}, "a; b", None, None),
        ({"error": "not found"}, "not found", None, None),
        ({"message": 7, "code": "E7"}, "7", "E7", None),
        ({"message": None, "error": None, "details": None, "code": True}, "", None, None),
        ({"message": {"a": 1}, "error": ["x"]}, "", None, None),
        ("404 page not found", "404 page not found", None, None),
        ("  Bad\n\tGateway  ", "Bad Gateway", None, None),
        ("<html><head><TITLE lang=en>502 Bad\n Gateway</TITLE></head></html>", "502 Bad Gateway", None, None),
        ("<!doctype html><p>no title", "", None, None),
        ("", "", None, None),
        ('{"half": ', "", None, None),
        ("[1, 2]", "", None, None),
    ],
)
def test_the_servers_message_is_found(body, message, code, request_id):
    """Message, code and request id are found in each known form of an error."""
    error = error_of(400, body)
    assert (error.message, error.code, error.request_id) == (message, code, request_id)


def test_the_request_id_of_the_body_goes_before_the_headers():
    """The id comes from the body or else from `X-Request-Id`, in upper or lower case."""
    headers = {"x-request-id": "from-header"}
    assert error_of(500, {"requestId": "from-body"}, headers).request_id == "from-body"
    assert error_of(500, "down", headers).request_id == "from-header"
    assert error_of(500, "down").request_id is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_retry_after_is_read(status):
    """Errors for 429 and for server failures have the seconds of `Retry-After`."""
    assert error_of(status, "busy", {"Retry-After": "7"}).retry_after == 7.0
    assert error_of(status, "busy").retry_after is None


@pytest.mark.parametrize(
    ("headers", "hint"),
    [
        ({"Retry-After": "7"}, "The server asks to wait 7 s. Do this"),
        ({"retry-after-ms": "1500"}, "The server asks to wait 2 s. Do this"),
        ({"retry-after-ms": "400"}, "Do this"),
        ({"Retry-After": "0"}, "Do this"),
        ({"Retry-After": "9" * 400}, "The server asks to wait 100000000000000000000 s. Do this"),
    ],
)
def test_the_hint_has_the_wait_that_the_server_asks_for(headers, hint):
    """The hint of a throttled call says how long to wait; an absurd time causes no other error."""
    assert error_of(429, "busy", headers).hint == hint


@pytest.mark.parametrize(
    "body",
    [
        "x" * 10**6,
        {"message": "x" * 10**6},
        {"error": {"message": "x" * 10**6, "code": "y" * 10**6}},
        {"message": "x", "details": ["y" * 10**6]},
        {"message": "x", "requestId": "y" * 10**6},
        "<title>" + "x" * 10**6 + "</title>",
        "<title>" * 20_000,
    ],
)
def test_words_are_bounded(body):
    """However long the server's text is, the message of the error is short."""
    assert len(str(error_of(400, body, {"X-Request-Id": "z" * 10**5}))) < 1100


@pytest.mark.parametrize(
    "body",
    [
        {"message": "CANARY"},
        {"error": {"message": "no", "code": "CANARY"}},
        {"message": "no", "details": [{"key": "CANARY"}, "CANARY"]},
        {"message": "no", "requestId": "CANARY"},
        "CANARY",
        "<title>CANARY</title>",
        {"message": "x" * 297 + "CANARY"},
        "x" * 297 + "CANARY",
        "<title>" + "x" * 297 + "CANARY</title>",
        {"message": "x" * 295, "details": ["CANARY"]},
    ],
)
def test_words_are_cleaned_before_they_are_cut(body):
    """A secret in the server's text is masked before the text is cut, so that no part of it is left."""
    error = error_of(400, body, {"X-Request-Id": "CANARY"}, clean=blackened)
    assert "CA" not in str(error)
    assert "CA" not in repr(vars(error))


@pytest.mark.timeout(120)  # one second in all
@pytest.mark.parametrize("page", ["<title>", "<title", "<title x", "<", "</title><title>", "{", "\\n "])
def test_no_error_page_makes_reading_slow(page):
    """A hostile page of 64 KiB, the longest body of an error, does not take minutes, which the timeout would end."""
    for _ in range(100):
        error_of(500, page * (65_536 // len(page)))


def test_a_refusal_in_a_200_is_a_rejection():
    """A 2xx whose envelope reports a failure has its own error class, with the provider's message."""
    error = rejected(200, Refusal("no such user", "fail", "req_1"))
    assert type(error) is errors.RejectedError
    assert (error.status, error.message, error.code, error.request_id) == (200, "no such user", "fail", "req_1")
    assert "without a message" in str(rejected(201, Refusal("")))
