"""Conversion of a reply to its record or to an error."""

from __future__ import annotations

import json
from decimal import Decimal

import attrs
import pytest
from multidict import CIMultiDict

from aiozbilling import CuUsage, DecodeError, MeteredUsage, MonthUsage, RejectedError, errors
from aiozbilling.clients import aioz_endpoints as aioz
from aiozbilling.clients import b3os, metered
from aiozbilling.exchange import reply_body
from aiozbilling.exchange.endpoint import Endpoint
from aiozbilling.exchange.transport import Reply
from tests.calls import counted_calls

MONTH = {
    "total_storage": 1,
    "storage_usage": 2,
    "bandwidth_usage": 3,
    "storage_cost": "2173368724836762",
    "bandwidth_cost": "5",
}


def reply(body: bytes | str | dict | list, status: int = 200, **headers: str) -> Reply:
    """Return a reply."""
    if isinstance(body, dict | list):
        body = json.dumps(body)
    return Reply(status, CIMultiDict(headers), body.encode() if isinstance(body, str) else body)


def read(endpoint: Endpoint, reply: Reply, clean):
    """Read a reply as a call does."""
    record = reply_body.read_at_once(endpoint, reply, clean)
    return reply_body.read(endpoint, reply, clean) if record is None else record


def plain(text: str) -> str:
    """Clean nothing."""
    return text


def blackened(text: str) -> str:
    """Clean one long word."""
    return text.replace(SECRET, "***")


SECRET = "".join(f"{number:x}." for number in range(500))  # as long as the tokens of some session services


@pytest.mark.parametrize("body", [{"message": f"key expired {SECRET}"}, {"error": f"key expired {SECRET}"}])
@pytest.mark.parametrize("endpoint", [aioz.TOP_UP, b3os.CU_USAGE, metered.USAGE])
def test_the_message_of_another_document_is_shown(endpoint, body):
    """A 200 without an envelope is a DecodeError that repeats the message, which may be the reason, without secrets."""
    with pytest.raises(DecodeError, match=r"not a reply of .*, but has the message 'key expired \*\*\*'") as caught:
        read(endpoint, reply(body), blackened)
    assert SECRET not in str(caught.value)


def test_each_system_opens_its_envelope():
    """A success of each system becomes its record, on the fast path or the slow path."""
    month = MonthUsage(
        total_storage=1,
        storage_usage=2,
        bandwidth_usage=3,
        storage_cost=Decimal(2173368724836762),
        bandwidth_cost=Decimal(5),
    )
    assert read(aioz.THIS_MONTH_USAGE, reply({"data": MONTH, "status": "success"}), plain) == month
    lame = MONTH | {"bandwidth_cost": ""}
    assert read(aioz.THIS_MONTH_USAGE, reply({"data": lame, "status": "success"}), plain) == attrs.evolve(
        month, bandwidth_cost=None
    )
    for envelope in ({"code": 0}, {"code": 201, "message": "x", "requestId": "r"}, {}, {"success": True}):
        assert read(b3os.CU_USAGE, reply(envelope | {"data": {"yearMonth": "2026-10"}}), plain) == CuUsage(
            year_month="2026-10"
        )
    usage = {
        "period": {"start": "2024-01-01T00:00:00Z", "end": "2024-01-31T23:59:59Z"},
        "metrics": {},
        "estimatedCost": {"base": 29, "overage": 0, "total": 29, "currency": "usd"},
    }
    assert isinstance(read(metered.USAGE, reply({"success": True, "data": usage}), plain), MeteredUsage)


@pytest.mark.parametrize(
    ("endpoint", "document"),
    [
        (aioz.THIS_MONTH_USAGE, {"status": "fail", "message": "m"}),
        (aioz.THIS_MONTH_USAGE, {"status": "error", "message": "m", "data": MONTH}),
        (aioz.TOP_UP, {"status": "fail", "message": "m", "data": {"totals": 0, "top_up_usages": []}}),
        (b3os.CU_USAGE, {"code": 300, "message": "m", "data": {}}),
        (b3os.CU_USAGE, {"code": 400228, "message": "m"}),
        (b3os.CU_USAGE, {"success": False, "error": {"code": "X", "message": "m"}}),
        (metered.USAGE, {"success": False, "error": {"code": "X", "message": "m"}, "data": {}}),
    ],
)
@pytest.mark.parametrize("status", [200, 201, 206])
def test_a_failure_inside_a_2xx_is_a_rejection(endpoint, document, status):
    """A failure in the envelope is an error with status and message, and its data is not read."""
    with pytest.raises(RejectedError) as caught:
        read(endpoint, reply(document, status), plain)
    assert (caught.value.status, caught.value.message) == (status, "m")


@pytest.mark.parametrize(
    ("endpoint", "status", "body", "kind", "message"),
    [
        (metered.USAGE, 401, '{"success":false,"error":{"code":"UNAUTHORIZED","message":"Authentication required"}}',
         errors.AuthenticationError, "Authentication required"),
        (metered.USAGE, 400, '{"success":false,"error":{"code":"BAD_REQUEST","message":"Invalid date range: a"}}',
         errors.BadRequestError, "Invalid date range: a"),
        (b3os.CU_USAGE, 400, '{"code":400228,"message":"bad month","details":[],"requestId":"req_1"}',
         errors.BadRequestError, "bad month"),
        (b3os.CU_USAGE, 404, '{"code":404001,"message":"not found"}', errors.NotFoundError, "not found"),
        (b3os.CU_USAGE, 500, '{"code":500001,"message":"oops"}', errors.ServerError, "oops"),
        (b3os.CU_USAGE, 403, "<html><title>Forbidden</title>", errors.PermissionDeniedError, "Forbidden"),
        (aioz.TOP_UP, 502, '{"status":"error","message":"database"}', errors.ServerError, "database"),
        (aioz.TOP_UP, 404, "404 page not found", errors.NotFoundError, "404 page not found"),
        (aioz.TOP_UP, 429, "slow down", errors.RateLimitedError, "slow down"),
        (aioz.TOP_UP, 422, '{"status":"fail","message":"limit"}', errors.BadRequestError, "limit"),
        (aioz.TOP_UP, 503, "", errors.ServerError, ""),
        (aioz.TOP_UP, 500, b"\xff\xfe caf\xe9", errors.ServerError, "\ufffd\ufffd caf\ufffd"),
        (aioz.TOP_UP, 500, b"[" * 50_000, errors.ServerError, ""),
        (aioz.TOP_UP, 401, '{"status":"success","data":{"totals":0}}', errors.AuthenticationError, ""),
    ],
)  # fmt: skip
def test_each_documented_and_seen_error(endpoint, status, body, kind, message):
    """Each known error has its own class, the server's message and a hint."""
    with pytest.raises(errors.ApiError) as caught:
        read(endpoint, reply(body, status), plain)
    assert type(caught.value) is kind
    assert caught.value.message == message
    assert caught.value.hint
    assert caught.value.hint == endpoint.system.hints.get(status, caught.value.hint)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_hints_for_a_401():
    """The hint names the environment variables, and for AIOZ the proxy that drops headers with underscores."""
    hints = {endpoint: endpoint.system.hints[401] for endpoint in (aioz.TOP_UP, b3os.CU_USAGE, metered.USAGE)}
    assert "AIOZ_PIN_API_KEY" in hints[aioz.TOP_UP]
    assert "underscores" in hints[aioz.TOP_UP]
    assert "B3OS_API_KEY" in hints[b3os.CU_USAGE]
    assert "METERED_BILLING_TOKEN" in hints[metered.USAGE]


@pytest.mark.parametrize(
    "endpoint", [aioz.TOP_UP, aioz.HISTORY_USAGE, aioz.THIS_MONTH_USAGE, b3os.CU_USAGE, metered.USAGE]
)
@pytest.mark.parametrize(
    ("body", "malformed"),
    [
        (b"", True),
        (b"<html><title>Please log in</title>", True),
        (b"null", False),
        (b"[]", False),
        (b"{}", False),
        (b'"text"', False),
        (b"5", False),
        (b'{"status":"success","success":true,"code":0}', False),
        (b'{"status":"success","success":true,"code":0,"data":null}', False),
        (b'{"status":"success","success":true,"code":0,"data":["wrong","shape"]}', False),
        (b'[{"totals":1},"success"]', False),
    ],
)
def test_a_2xx_that_is_no_reply_is_a_decode_error(endpoint, body, malformed):
    """The error for any other 2xx has the path, the beginning of the body, and whether it is JSON."""
    with pytest.raises(DecodeError) as caught:
        read(endpoint, reply(body), plain)
    assert caught.value.malformed is malformed
    assert caught.value.excerpt == body.decode()
    assert caught.value.problems
    assert malformed or "$" in str(caught.value)


def test_a_204_is_a_decode_error():
    """A success without a body is a DecodeError."""
    with pytest.raises(DecodeError, match="the body is empty"):
        read(aioz.TOP_UP, reply(b"", 204), plain)


def test_missing_data_is_reported():
    """A success without `data` names its path."""
    with pytest.raises(DecodeError, match=r"expected a value at \$\.data, but it is missing"):
        read(aioz.TOP_UP, reply({"status": "success"}), plain)


def test_the_excerpt_is_short():
    """The error contains two hundred characters of an invalid body, even of a megabyte."""
    with pytest.raises(DecodeError) as caught:
        read(aioz.TOP_UP, reply("ä" * 10**6), plain)
    assert caught.value.excerpt == "ä" * 200
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("before", [0, 1, 150, 199, 500, 799])
@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_long_secret_is_cleaned_before_the_excerpt_is_cut(before, times):
    """No part of a token is left if it is longer than the excerpt or crosses its end."""
    body = "x" * before + SECRET * times
    with pytest.raises(DecodeError) as caught:
        read(aioz.TOP_UP, reply(body), blackened)
    assert caught.value.excerpt == ("x" * before + "***" * times)[:200]


@pytest.mark.parametrize(
    "data",
    [
        {"totals": SECRET, "top_up_usages": []},
        {"totals": 0, "top_up_usages": [{"id": 5, "amount": {"denom": "x", "amount": SECRET}}]},
        {"totals": 0, "top_up_usages": [{"created_at": f"x {SECRET}"}]},
    ],
)
def test_a_secret_as_a_value_is_masked(data):
    """A secret in an invalid value is masked in the problem, even if the value is cut."""
    with pytest.raises(DecodeError) as caught:
        read(aioz.TOP_UP, reply({"data": data, "status": "success"}), blackened)
    assert SECRET[:8] not in repr(vars(caught.value)) + str(caught.value)


def test_a_secret_as_a_key_is_masked():
    """A secret in the id of a metric, which is a text from the server, is masked."""
    with pytest.raises(DecodeError) as caught:
        read(metered.USAGE, reply({"success": True, "data": {"metrics": {SECRET: 5}}}), blackened)
    assert SECRET[:8] not in repr(vars(caught.value)) + str(caught.value)
    assert "$.data.metrics.***" in str(caught.value)


def test_an_error_does_not_describe_each_of_a_thousand_invalid_rows():
    """The error of a page with a thousand invalid rows takes few calls for each of them."""
    rows = [{"id": 5, "amount": [], "status": "x"}] * 1000
    body = reply({"data": {"totals": 1, "top_up_usages": rows}, "status": "success"})
    with counted_calls() as calls, pytest.raises(DecodeError) as caught:
        read(aioz.TOP_UP, body, plain)
    assert calls.number < 20 * len(rows)
    assert len(caught.value.problems) == 101


def test_only_aioz_has_a_fast_path():
    """The endpoints of AIOZ, whose envelope the fast path knows, have a decoder for it, and no other ones."""
    for endpoint in (aioz.TOP_UP, aioz.HISTORY_USAGE, aioz.THIS_MONTH_USAGE):
        assert endpoint.quick is not None
    for endpoint in (b3os.CU_USAGE, b3os.CU_BALANCE, metered.USAGE):
        assert endpoint.quick is None
