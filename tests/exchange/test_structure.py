"""Conversion of JSON to records: strict, with declared exceptions, and the same on the fast path and the slow path."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiozbilling import CuBalance, CuUsage, DecodeError, MeteredUsage, MonthUsage, TopUp
from aiozbilling.clients.aioz_endpoints import HistoryPage, TopUpPage
from aiozbilling.exchange.compiled import quick_decoder
from aiozbilling.exchange.structure import parse, structure
from tests.calls import counted_calls

TOP_UP = {
    "cosmos_tx_hash": "DAF0",
    "event_index": 1,
    "evm_tx_hash": "0x84",
    "id": "5a82",
    "sender": "aioz1g",
    "recipient": "aioz1z",
    "block_number": 29210395,
    "status": True,
    "amount": {"denom": "attoaioz", "amount": "1022000000000000000000"},
    "total_amount": "2173368724836762",
    "created_at": "2026-11-21T11:59:35.984144Z",
    "updated_at": "2026-11-21T11:59:36Z",
}
DAY = {"date": "2026-10-01T00:00:00Z", "total_storage": 10, "total_bandwidth": 20, "total_amount": "30"}
PAGES = {
    TopUpPage: {"totals": 2, "top_up_usages": [TOP_UP, {**TOP_UP, "id": "5a83"}]},
    HistoryPage: {"total_days": 2, "history_usages": [DAY, {**DAY, "date": "2026-10-02T00:00:00Z"}]},
    MonthUsage: {
        "total_storage": 1,
        "storage_usage": 2,
        "bandwidth_usage": 3,
        "storage_cost": "4",
        "bandwidth_cost": "5",
    },
    CuUsage: {
        "yearMonth": "2026-10",
        "daily": [
            {
                "date": "2026-10-01",
                "used": 1.5,
                "breakdown": [{"count": 3, "cu": 1.5, "nodeType": "http", "type": "action"}],
            }
        ],
        "summary": {"deposited": 100, "granted": 5, "used": 1.5},
    },
    CuBalance: {"balance": 12.25, "minThreshold": 5},
    MeteredUsage: {
        "period": {"start": "2024-01-01T00:00:00Z", "end": "2024-01-31T23:59:59Z"},
        "metrics": {
            "apiCalls": {
                "name": "API Calls",
                "unit": "requests",
                "included": 100000,
                "used": 45230,
                "overage": 0,
                "percentage": 45.23,
            }
        },
        "estimatedCost": {"base": 29, "overage": 0, "total": 29, "currency": "usd"},
        "projectedUsage": {"apiCalls": {"projected": 52000, "percentage": 52}},
    },
}
AIOZ = [TopUpPage, HistoryPage, MonthUsage]

TEXT, NUMBER, INTEGER, FLAG, TIME, OBJECT, LIST = (
    "a string",
    "a number",
    "an integer",
    "true or false",
    "an RFC 3339 time",
    "an object",
    "a list",
)
# Path of a value in the page, its type, and whether it may be null or missing.
FIELDS = [
    (TopUpPage, "totals", INTEGER, False),
    (TopUpPage, "top_up_usages", LIST, True),
    (TopUpPage, "top_up_usages[1]", OBJECT, True),
    (TopUpPage, "top_up_usages[1].id", TEXT, False),
    (TopUpPage, "top_up_usages[1].sender", TEXT, False),
    (TopUpPage, "top_up_usages[1].recipient", TEXT, False),
    (TopUpPage, "top_up_usages[1].cosmos_tx_hash", TEXT, False),
    (TopUpPage, "top_up_usages[1].evm_tx_hash", TEXT, True),
    (TopUpPage, "top_up_usages[1].event_index", INTEGER, True),
    (TopUpPage, "top_up_usages[1].block_number", INTEGER, True),
    (TopUpPage, "top_up_usages[1].status", FLAG, False),
    (TopUpPage, "top_up_usages[1].amount", OBJECT, False),
    (TopUpPage, "top_up_usages[1].amount.denom", TEXT, False),
    (TopUpPage, "top_up_usages[1].amount.amount", NUMBER, False),
    (TopUpPage, "top_up_usages[1].total_amount", NUMBER, True),
    (TopUpPage, "top_up_usages[1].credit", NUMBER, True),
    (TopUpPage, "top_up_usages[1].created_at", TIME, True),
    (TopUpPage, "top_up_usages[1].updated_at", TIME, True),
    (HistoryPage, "total_days", INTEGER, False),
    (HistoryPage, "history_usages", LIST, True),
    (HistoryPage, "history_usages[0]", OBJECT, True),
    (HistoryPage, "history_usages[0].date", TIME, False),
    (HistoryPage, "history_usages[0].total_storage", INTEGER, False),
    (HistoryPage, "history_usages[0].total_bandwidth", INTEGER, False),
    (HistoryPage, "history_usages[0].total_amount", NUMBER, True),
    (MonthUsage, "total_storage", INTEGER, False),
    (MonthUsage, "storage_usage", INTEGER, False),
    (MonthUsage, "bandwidth_usage", INTEGER, False),
    (MonthUsage, "storage_cost", NUMBER, True),
    (MonthUsage, "bandwidth_cost", NUMBER, True),
    (CuUsage, "yearMonth", TEXT, True),
    (CuUsage, "daily", LIST, True),
    (CuUsage, "daily[0]", OBJECT, False),
    (CuUsage, "daily[0].date", TEXT, True),
    (CuUsage, "daily[0].used", NUMBER, True),
    (CuUsage, "daily[0].breakdown", LIST, True),
    (CuUsage, "daily[0].breakdown[0]", OBJECT, False),
    (CuUsage, "daily[0].breakdown[0].count", INTEGER, True),
    (CuUsage, "daily[0].breakdown[0].cu", NUMBER, True),
    (CuUsage, "daily[0].breakdown[0].nodeType", TEXT, True),
    (CuUsage, "daily[0].breakdown[0].type", TEXT, True),
    (CuUsage, "summary", OBJECT, True),
    (CuUsage, "summary.deposited", NUMBER, True),
    (CuUsage, "summary.granted", NUMBER, True),
    (CuUsage, "summary.used", NUMBER, True),
    (CuBalance, "balance", NUMBER, True),
    (CuBalance, "minThreshold", NUMBER, True),
    (MeteredUsage, "period", OBJECT, False),
    (MeteredUsage, "period.start", TIME, False),
    (MeteredUsage, "period.end", TIME, False),
    (MeteredUsage, "metrics", OBJECT, False),
    (MeteredUsage, "metrics.apiCalls", OBJECT, False),
    (MeteredUsage, "metrics.apiCalls.name", TEXT, False),
    (MeteredUsage, "metrics.apiCalls.unit", TEXT, False),
    (MeteredUsage, "metrics.apiCalls.included", NUMBER, False),
    (MeteredUsage, "metrics.apiCalls.used", NUMBER, False),
    (MeteredUsage, "metrics.apiCalls.overage", NUMBER, True),
    (MeteredUsage, "metrics.apiCalls.percentage", NUMBER, True),
    (MeteredUsage, "estimatedCost", OBJECT, False),
    (MeteredUsage, "estimatedCost.base", NUMBER, False),
    (MeteredUsage, "estimatedCost.overage", NUMBER, False),
    (MeteredUsage, "estimatedCost.total", NUMBER, False),
    (MeteredUsage, "estimatedCost.currency", TEXT, False),
    (MeteredUsage, "projectedUsage", OBJECT, True),
    (MeteredUsage, "projectedUsage.apiCalls", OBJECT, False),
    (MeteredUsage, "projectedUsage.apiCalls.projected", NUMBER, False),
    (MeteredUsage, "projectedUsage.apiCalls.percentage", NUMBER, True),
]
FIELD_NAMES = [f"{kind.__name__}.{path}" for kind, path, *_ in FIELDS]
WRONG = {
    TEXT: ["5", "1.5", "true", "[]", "{}"],
    NUMBER: ['"x"', "true", "false", "[]", "{}", '"NaN"', '"sNaN"', '"-Infinity"', '"1e101"', "1e101", "1e-101"],
    INTEGER: ['"5"', "12.7", "true", "[]", "{}", "1e400"],
    FLAG: ["0", "1", '"true"', '"false"', "[]", "{}"],
    TIME: ["1672567871", "true", "[]", "{}", '"yesterday"', '"2026-10-01"', '"2026-10-01T00:00:00"'],
    OBJECT: ["5", '"x"', "true", "[]", "[[]]"],
    LIST: ["5", '"abc"', "true", "{}", '{"0": {}}'],
}
WRONG[NUMBER] += [
    '"1_000"',
    '"_5"',
    '"１２"'.encode().decode(),
    '"\\uff11"',
    '"12\\n"',
    '"0x10"',
    '"1,5"',
    '"-"',
    '"٣"',
]
SHOWN = {"[]": "a list", "[[]]": "a list", "{}": "an object", '{"0": {}}': "an object"}


def with_value(kind, path: str, literal: str) -> bytes:
    """Return the body of a good reply in which one value is replaced by a JSON literal."""
    document = json.loads(json.dumps(PAGES[kind]))
    steps = path.replace("[", ".[").split(".")
    place = document
    for step in steps[:-1]:
        place = place[int(step[1:-1]) if step.startswith("[") else step]
    last = steps[-1]
    place[int(last[1:-1]) if last.startswith("[") else last] = "@@"
    data = json.dumps(document, ensure_ascii=False).replace('"@@"', literal)
    return f'{{"data": {data}, "status": "success"}}'.encode()


def slowly(kind, body: bytes):
    """Read a body on the slow path, with cattrs."""
    return structure(parse(body)["data"], kind, path="$.data", clean=lambda text: text)


def quickly(kind, body: bytes):
    """Read a body on the fast path, with msgspec; None means that it leaves the body to the slow path."""
    return quick_decoder(kind)(body)


def problems(kind, body: bytes) -> tuple[str, ...]:
    """Return the problems that both paths find."""
    if kind in AIOZ:
        assert quickly(kind, body) is None
    with pytest.raises(DecodeError) as caught:
        slowly(kind, body)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value.problems


@pytest.mark.parametrize(("kind", "path", "expected", "_null"), FIELDS, ids=FIELD_NAMES)
def test_a_wrong_value_is_reported_with_its_path(kind, path, expected, _null):
    """For each JSON value of a wrong type, there is one sentence with the path in the provider's reply."""
    for literal in WRONG[expected]:
        value = json.loads(literal)
        if literal in SHOWN:
            shown = SHOWN[literal]
        elif isinstance(value, str):
            shown = repr(value)
        else:
            shown = str(Decimal(literal)) if isinstance(value, float) else literal
        assert problems(kind, with_value(kind, path, literal)) == (
            f"expected {expected} at $.data.{path}, got {shown}",
        )


@pytest.mark.parametrize(("kind", "path", "expected", "null"), FIELDS, ids=FIELD_NAMES)
def test_null_is_accepted_only_where_declared(kind, path, expected, null):
    """A null is None (or an empty tuple) in fields where the provider sends it, and an error in other fields."""
    body = with_value(kind, path, "null")
    if not null:
        assert problems(kind, body) == (f"expected {expected} at $.data.{path}, got null",)
    else:
        assert slowly(kind, body) is not None


@pytest.mark.parametrize(("kind", "path", "expected", "null"), FIELDS, ids=FIELD_NAMES)
def test_a_missing_required_field_is_reported(kind, path, expected, null):
    """Optional fields may be missing; for other fields, the error has the path."""
    owner, _, name = path.rpartition(".")
    if "[" in name or path.endswith("apiCalls"):
        return  # an item of a list or a map may be missing
    body = with_value(kind, path, "null")
    document = json.loads(body)
    place = document["data"]
    for step in owner.replace("[", ".[").split(".") if owner else ():
        place = place[int(step[1:-1]) if step.startswith("[") else step]
    del place[name]
    optional = null and path not in NEEDED_NULLABLE
    if optional:
        assert slowly(kind, json.dumps(document).encode()) is not None
    else:
        assert problems(kind, json.dumps(document).encode()) == (
            f"expected a value at $.data.{path}, but it is missing",
        )


NEEDED_NULLABLE = {
    "top_up_usages",
    "history_usages",
    "top_up_usages[1].created_at",
    "top_up_usages[1].updated_at",
}


def test_every_field_of_every_record_is_tried():
    """The table above contains every field of every record."""
    tried = {(kind, path.rpartition(".")[2]) for kind, path, *_ in FIELDS}
    for kind in (TopUpPage, HistoryPage, MonthUsage, CuBalance):
        for field in attrs.fields(kind):
            name = {"min_threshold": "minThreshold"}.get(field.name, field.name)
            assert (kind, name) in tried
    assert {path.rpartition(".")[2] for kind, path, *_ in FIELDS if kind is TopUpPage} >= {
        field.name for field in attrs.fields(TopUp)
    }


def test_all_invalid_fields_are_reported_together():
    """The error of a reply with several invalid fields names each of them, in the order of the document."""
    body = with_value(TopUpPage, "top_up_usages", '[{"id": 5, "status": "yes"}, null, 7]')
    told = problems(TopUpPage, body)
    assert "expected a string at $.data.top_up_usages[0].id, got 5" in told
    assert "expected true or false at $.data.top_up_usages[0].status, got 'yes'" in told
    assert "expected a value at $.data.top_up_usages[0].amount, but it is missing" in told
    assert told[-1] == "expected an object at $.data.top_up_usages[2], got 7"


def test_the_number_of_problems_is_bounded():
    """For a list of invalid rows, only the first thirty are described, in at most a hundred sentences."""
    assert len(problems(HistoryPage, with_value(HistoryPage, "history_usages", json.dumps([7] * 1000)))) == 30
    told = problems(HistoryPage, with_value(HistoryPage, "history_usages", json.dumps([{}] * 1000)))
    assert len(told) == 90
    told = problems(TopUpPage, with_value(TopUpPage, "top_up_usages", json.dumps([{}] * 1000)))
    assert len(told) == 101
    assert told[-1] == "and more problems"


@pytest.mark.parametrize(
    ("kind", "path", "literal"),
    [
        (HistoryPage, "history_usages", "[" + "7," * 250_000 + "7]"),
        (TopUpPage, "top_up_usages", "[" + "{}," * 100_000 + "7]"),
        (CuUsage, "daily", "[" + '{"breakdown":[7,7,7,7,7]},' * 20_000 + "7]"),
        (MeteredUsage, "metrics", json.dumps(dict.fromkeys(map(str, range(50_000)), 7))),
    ],
)
def test_no_document_makes_explaining_slow(kind, path, literal):
    """A document of invalid items is refused without a look at each of them."""
    document = with_value(kind, path, literal)
    with counted_calls() as calls:
        assert problems(kind, document)
    assert calls.number < 20_000


def test_a_shown_value_is_bounded():
    """A value of a megabyte instead of a number is cut in the sentence."""
    (told,) = problems(MonthUsage, with_value(MonthUsage, "storage_cost", json.dumps("x" * 10**6)))
    assert len(told) < 150
    assert told.endswith("…")


def test_a_map_key_in_a_path_is_bounded():
    """A long metric id, which is a text from the server, is cut in a path."""
    body = with_value(MeteredUsage, "metrics", json.dumps({"k" * 10**5: 7}))
    (told,) = problems(MeteredUsage, body)
    assert len(told) < 150


def test_empty_money_is_absent():
    """An empty amount is None in an optional field, and an error in a required one."""
    for kind, path, expected, null in FIELDS:
        if kind in AIOZ and expected == NUMBER:
            body = with_value(kind, path, '""')
            if null:
                assert slowly(kind, body) is not None
            else:
                assert problems(kind, body) == (f"expected a number at $.data.{path}, got ''",)
    assert slowly(MonthUsage, with_value(MonthUsage, "storage_cost", '""')).storage_cost is None


@pytest.mark.parametrize(
    "zero", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000000Z", "0001-01-01T00:00:00+00:00"]
)
def test_gos_zero_time_is_absent(zero):
    """Go's zero time is None in an optional field, and an error in a required one."""
    page = slowly(TopUpPage, with_value(TopUpPage, "top_up_usages[1].updated_at", f'"{zero}"'))
    assert page.top_up_usages[1].updated_at is None
    assert "RFC 3339" in problems(HistoryPage, with_value(HistoryPage, "history_usages[0].date", f'"{zero}"'))[0]


def test_gos_zero_time_stays_on_the_fast_path():
    """A new deposit without an update time does not need the slow path, which takes eight times as long."""
    body = with_value(TopUpPage, "top_up_usages[1].updated_at", '"0001-01-01T00:00:00Z"')
    page = quickly(TopUpPage, body)
    assert page is not None
    assert page == slowly(TopUpPage, body)
    assert page.top_up_usages[1].updated_at is None


@pytest.mark.parametrize("literal", ["12.0", "1.2e1", "120e-1", "12.000"])
def test_a_whole_float_is_an_integer(literal):
    """A whole number that the server writes as a float is accepted as an integer."""
    assert slowly(MonthUsage, with_value(MonthUsage, "total_storage", literal)).total_storage == 12
    assert type(slowly(MonthUsage, with_value(MonthUsage, "total_storage", literal)).total_storage) is int


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2023-01-01T11:11:11.111111Z", datetime(2023, 1, 1, 11, 11, 11, 111111, UTC)),
        ("2023-01-01T11:11:11Z", datetime(2023, 1, 1, 11, 11, 11, 0, UTC)),
        ("2023-01-01T11:11:11.1Z", datetime(2023, 1, 1, 11, 11, 11, 100000, UTC)),
        ("2023-01-01T11:11:11.001000009Z", datetime(2023, 1, 1, 11, 11, 11, 1000, UTC)),
        ("2023-01-01t11:11:11z", datetime(2023, 1, 1, 11, 11, 11, 0, UTC)),
        ("2023-01-01T11:11:11+07:00", datetime(2023, 1, 1, 4, 11, 11, 0, UTC)),
        ("2023-01-01T11:11:11.5-0330", datetime(2023, 1, 1, 14, 41, 11, 500000, UTC)),
        ("2022-12-31T23:30:00-01:00", datetime(2023, 1, 1, 0, 30, 0, 0, UTC)),
        ("2023-12-31T23:59:59.9999999Z", datetime(2023, 12, 31, 23, 59, 59, 999999, UTC)),
        ("2023-12-31T23:59:59.999999999Z", datetime(2023, 12, 31, 23, 59, 59, 999999, UTC)),
    ],
)
def test_times_become_utc_and_are_cut_not_rounded(text, time):
    """Any offset is converted to UTC; nanoseconds are cut, so that the last one of a day stays in that day."""
    body = with_value(HistoryPage, "history_usages[0].date", f'"{text}"')
    for page in (slowly(HistoryPage, body), quickly(HistoryPage, body)):
        if page is not None:
            assert page.history_usages[0].date == time
            assert page.history_usages[0].date.tzinfo is UTC


def test_one_row_of_nanoseconds_amid_a_large_page_is_cut_too():
    """The day of a row does not depend on its position in the page."""
    days = [{**DAY, "date": f"2025-01-01T00:00:00.{number:06}Z"} for number in range(1000)]
    days[500]["date"] = "2023-12-31T23:59:59.9999999Z"
    body = with_value(HistoryPage, "history_usages", json.dumps(days))
    quick = quickly(HistoryPage, body)
    assert quick is None or quick == slowly(HistoryPage, body)


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-29T00:00:00Z",
        "2023-01-01T24:00:00Z",
        "2023-01-01T23:59:60Z",
        "2023-01-01T11:11:11+24:00",
        "2023-01-01T11:11:11+07:60",
        "2023-01-01T11:11:11+07",
        "9999-12-31T23:59:59-07:00",
        "0000-01-01T00:00:00Z",
        "2023-01-01T11:11:11.Z",
        "2023-01-01T11:11:11,5Z",
        " 2023-01-01T11:11:11Z",
        "2023-01-01T11:11:11Z\\n",
        "２023-01-01T11:11:11Z",
        "2023-01-01T11:11:11−07:00",
        "",
        "now",
    ],
)
def test_invalid_times_are_refused(text):
    """An impossible time, or a time in another format, is an error with its path."""
    told = problems(HistoryPage, with_value(HistoryPage, "history_usages[0].date", f'"{text}"'))
    assert told[0].startswith("expected an RFC 3339 time at $.data.history_usages[0].date, got ")


@pytest.mark.parametrize(
    "literal",
    [
        "29.00",
        "0.30000000000000004",
        "1e-07",
        "123456789012345678901234567890",
        "-0.1",
        '"29.00"',
        '"123456789012345678901234567890.000000000000000001"',
    ],
)
def test_numbers_are_exact_from_the_wire(literal):
    """Every digit of the reply is kept, including trailing zeros, on both paths and without floats."""
    text = str(Decimal(literal.strip('"')))
    for kind, path, read in (
        (MonthUsage, "storage_cost", lambda page: page.storage_cost),
        (CuUsage, "daily[0].breakdown[0].cu", lambda page: page.daily[0].breakdown[0].cu),
        (MeteredUsage, "estimatedCost.base", lambda page: page.estimated_cost.base),
        (TopUpPage, "top_up_usages[1].amount.amount", lambda page: page.top_up_usages[1].amount.amount),
    ):
        body = with_value(kind, path, literal)
        assert str(read(slowly(kind, body))) == text
        if kind in AIOZ and (page := quickly(kind, body)) is not None:
            assert str(read(page)) == text


def test_unknown_keys_and_values_are_accepted():
    """Unknown keys are ignored, unknown types of compute units and ids of metrics are kept."""
    body = with_value(
        CuUsage,
        "daily[0].breakdown[0]",
        '{"type": "webhook", "nodeType": "new", "new": [1], "count": 1, "cu": 1}',
    )
    assert slowly(CuUsage, body).daily[0].breakdown[0].type == "webhook"
    metric = {"name": "E", "unit": "emails", "included": 0, "used": 5, "percentage": None, "tier": {}}
    usage = slowly(MeteredUsage, with_value(MeteredUsage, "metrics", json.dumps({"e mails-7": metric})))
    assert usage.metrics["e mails-7"].percentage is None
    assert usage.metrics["e mails-7"].overage is None
    extra = with_value(MonthUsage, "quota", '{"a": [null]}')
    assert quickly(MonthUsage, extra) == slowly(MonthUsage, extra) == slowly(MonthUsage, body_of(MonthUsage))


def body_of(kind) -> bytes:
    """Return the body of a good reply."""
    return json.dumps({"data": PAGES[kind], "status": "success"}).encode()


def test_a_percentage_above_a_hundred_is_accepted():
    """The usage of an account may exceed its allowance."""
    body = with_value(MeteredUsage, "metrics.apiCalls.percentage", "1234.5")
    assert slowly(MeteredUsage, body).metrics["apiCalls"].percentage == Decimal("1234.5")


@pytest.mark.parametrize("literal", [None, "{}"])
def test_projections_may_be_missing(literal):
    """A period without projections has an empty map of them."""
    if literal is None:
        document = {"data": {key: value for key, value in PAGES[MeteredUsage].items() if key != "projectedUsage"}}
        body = json.dumps(document).encode()
    else:
        body = with_value(MeteredUsage, "projectedUsage", literal)
    assert slowly(MeteredUsage, body).projected_usage == {}


def test_null_lists_are_empty_or_none():
    """Null lists of B3OS are empty tuples, null projections are none, and a null list of AIOZ is None."""
    assert slowly(MeteredUsage, with_value(MeteredUsage, "projectedUsage", "null")).projected_usage == {}
    assert slowly(CuUsage, with_value(CuUsage, "daily", "null")).daily == ()
    assert slowly(CuUsage, with_value(CuUsage, "daily[0].breakdown", "null")).daily[0].breakdown == ()
    assert slowly(CuUsage, b'{"data": {}}') == CuUsage()
    for read in (slowly, quickly):
        assert read(TopUpPage, with_value(TopUpPage, "top_up_usages", "null")).top_up_usages is None
        page = read(TopUpPage, with_value(TopUpPage, "top_up_usages[0]", "null"))
        assert page.top_up_usages[0] is None
        assert page.top_up_usages[1].id == "5a83"


GOOD = body_of(MonthUsage)


def with_unknown(literal: bytes) -> bytes:
    """Return a good body with a value under an unknown key."""
    return GOOD.replace(b'"status"', b'"zz": ' + literal + b', "status"')


MALFORMED = {
    "nothing": (b"", "empty"),
    "blanks": (b" \r\n\t", "empty"),
    "html": (b"<html>", "not JSON"),
    "half": (GOOD[:-20], "not JSON"),
    "byte order mark": (b"\xef\xbb\xbf" + GOOD, "not JSON"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "not JSON"),
    "garbage behind": (GOOD + b"x", "not JSON"),
    "two documents": (GOOD + GOOD, "not JSON"),
    "a NUL behind": (GOOD + b"\0", "not JSON"),
    "single quotes": (GOOD.replace(b'"', b"'"), "not JSON"),
    "NaN": (with_value(MonthUsage, "storage_cost", "NaN"), "not JSON"),
    "Infinity": (with_value(MonthUsage, "total_storage", "Infinity"), "not JSON"),
    "-Infinity where nobody reads": (with_unknown(b"-Infinity"), "not JSON"),
    "a bad byte": (with_value(MonthUsage, "storage_cost", '"@"').replace(b"@", b"\xff"), "not UTF-8"),
    "a bad byte where nobody reads": (with_unknown(b'"\xff"'), "not UTF-8"),
    "a bad byte in a key": (GOOD.replace(b'"status"', b'"\xe9": 1, "status"'), "not UTF-8"),
    "a surrogate in UTF-8": (with_unknown(b'"\xed\xa0\x80"'), "not UTF-8"),
    "an overlong form": (with_unknown(b'"\xc0\xaf"'), "not UTF-8"),
    "half a pair": (with_unknown(b'"\\ud800"'), "not JSON"),
    "the other half": (with_unknown(b'"\\udc00 x"'), "not JSON"),
    "half a pair in a key": (GOOD.replace(b'"status"', b'"\\ud800": 1, "status"'), "not JSON"),
    "100,000 lists": (with_unknown(b"[" * 100_000 + b"]" * 100_000), "too deep"),
    "100,000 objects": (with_unknown(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "too deep"),
    "a million brackets": (b"[" * 1_000_000, "too deep"),
    "an integer of 5000 digits": (with_value(MonthUsage, "total_storage", "9" * 5000), "not JSON"),
    "an exponent of 30 digits": (with_value(MonthUsage, "storage_cost", "1e" + "9" * 30), "not JSON"),
    "a control character": (with_unknown(b'"a\nb"'), "not JSON"),
}


@pytest.mark.parametrize(("body", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_invalid_documents_are_reported(body, reason):
    """Bodies that are not JSON, not UTF-8 or nested too deeply are a DecodeError, quickly and on both paths."""
    assert quickly(MonthUsage, body) is None
    with pytest.raises(DecodeError, match=reason) as caught:
        parse(body)
    assert caught.value.malformed
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_exponents_are_bounded_before_they_are_written_out():
    """A number such as 1e1000000 is refused, because it has a million digits."""
    for literal in ("1e1000000", '"1e1000000"', '"-1e-1000000"', "1e101"):
        (told,) = problems(MonthUsage, with_value(MonthUsage, "storage_cost", literal))
        assert told.startswith("expected a number at $.data.storage_cost, got ")
        assert len(told) < 120


def test_the_last_one_of_repeated_keys_counts():
    """Both paths handle a repeated key like JSON libraries."""
    body = GOOD.replace(b'"storage_usage": 2', b'"storage_usage": 2, "storage_usage": 9')
    assert quickly(MonthUsage, body) == slowly(MonthUsage, body)
    assert slowly(MonthUsage, body).storage_usage == 9


@pytest.mark.parametrize("text", [" 12 ", "+5", ".5", "5.", "1E+5", "-0", "007", "5"])
def test_texts_that_decimal_reads_are_read_alike(text):
    """Spellings of a number that Python's Decimal accepts have the same result on both paths."""
    body = with_value(MonthUsage, "storage_cost", f'"{text}"')
    assert slowly(MonthUsage, body).storage_cost == Decimal(text)
    if (page := quickly(MonthUsage, body)) is not None:
        assert str(page.storage_cost) == str(slowly(MonthUsage, body).storage_cost)


def test_only_a_success_is_read_quickly():
    """The fast path leaves every other envelope to the slow path."""
    for status in (b'"fail"', b"null", b"true", b'"Success"'):
        assert quickly(MonthUsage, GOOD.replace(b'"success"', status)) is None
    assert quickly(MonthUsage, GOOD) == slowly(MonthUsage, GOOD)


# Both paths are compared with random documents: some values of a good document are replaced by one of these.
_digits = st.text(st.sampled_from("0123456789._-+eE １٣\n"), min_size=1, max_size=8)
_times = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["2023-12-31", "0001-01-01", "2024-02-29", "2023-02-29", "9999-12-31", "0001-12-31"]),
    st.sampled_from(["T", " ", "t", "_", ""]),
    st.sampled_from(["23:59:59", "00:00:00", "24:00:00", "23:59:60", "1:02:03"]),
    st.builds(
        "{}{}".format,
        st.sampled_from(["", ".0", ".5", ".999999", ".9999999", ".999999999", ".123456", "."]),
        st.sampled_from(["Z", "z", "", "+00:00", "-00:00", "+07:00", "-0730", "+24:00", "+07:60", "-00:01"]),
    ),
)
_odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**20),
    st.floats(allow_nan=True),
    st.sampled_from(
        ["", "0", "-0", "1e400", "NaN", "Infinity", "1_000", " 12 ", "0x1F", "٣", "1e-101", "1e100", "1e101"]
    ),
    st.sampled_from([[], {}, [None], [[]]]),
    _digits,
    _times,
)


def _mutated(value, rate: int):
    """Return a strategy for a value with one in `rate` of its parts replaced."""
    if isinstance(value, dict):
        inner = st.fixed_dictionaries({key: _mutated(part, rate) for key, part in value.items()})
    elif isinstance(value, list):
        inner = st.tuples(*(_mutated(part, rate) for part in value)).map(list)
    else:
        inner = st.just(value)
    return st.integers(0, rate).flatmap(lambda roll: _odd if roll == rate else inner)


_MUTATED = {kind: _mutated(PAGES[kind], 25) for kind in AIOZ}


@st.composite
def _documents(draw, kind):
    data = draw(_MUTATED[kind])
    if isinstance(data, dict) and data and draw(st.booleans()):
        data.pop(draw(st.sampled_from(sorted(data))))
    indent = draw(st.sampled_from([None, 1]))
    text = json.dumps({"data": data, "status": "success"}, ensure_ascii=draw(st.booleans()), indent=indent)
    for literal, other in (
        ("29210395", "29210395.0"),
        ('"30"', "30.10"),
        (": 2", ": 2e0"),
        ('"4"', "0.30000000000000004"),
    ):
        if draw(st.booleans()):
            text = text.replace(literal, other)
    return text.encode()


@pytest.mark.parametrize("kind", AIOZ)
def test_both_paths_have_equal_results(kind):
    """If the fast path returns a record, the slow path returns an equal one, with the same digits and time zone."""
    taken = 0

    @given(body=_documents(kind))
    def hold(body):
        nonlocal taken
        quick = quickly(kind, body)
        if quick is not None:
            taken += 1
            slow = slowly(kind, body)
            assert quick == slow
            assert repr(quick) == repr(slow)  # also 1.0 and 1.00, 0 and -0, UTC and +00:00
        else:
            with suppress(DecodeError):
                slowly(kind, body)

    hold()
    assert taken >= settings.default.max_examples / 30, "the documents are too far from good ones to prove anything"


@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_end_in_a_document_or_a_decode_error(body):
    """For any bytes, the result is a record or a DecodeError."""
    try:
        document = parse(body)
    except DecodeError:
        assert quickly(MonthUsage, body) is None
    else:
        assert document is None or isinstance(document, bool | int | str | list | dict | Decimal)
