"""Pages that are read row by row have the same rows and problems as whole documents, whatever their size."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from aiozbilling import DecodeError
from aiozbilling.clients.aioz_endpoints import HISTORY_USAGE, TOP_UP, HistoryPage, TopUpPage
from aiozbilling.exchange import rows
from aiozbilling.exchange.compiled import quick_decoder
from aiozbilling.exchange.reply_body import read, read_at_once
from aiozbilling.exchange.structure import parse, structure
from aiozbilling.exchange.transport import Reply
from benchmarks.server import Pages
from tests.exchange.test_structure import AIOZ, _documents

PLAIN = Pages(100).page(0, 100, 100).partition(b"\r\n\r\n")[2]


def same(text: str) -> str:
    """Clean nothing."""
    return text


def outcome(work: Callable[[], object]) -> object:
    """Return what a reader returns, or the problems that it raises."""
    try:
        return repr(work())
    except DecodeError as error:
        return error.problems


def by_rows(endpoint, body: bytes) -> object:
    """Read a body as a thread of a call does."""
    return outcome(lambda: read(endpoint, Reply(200, CIMultiDict(), body), same))


def whole(kind, body: bytes) -> object:
    """Read a body as one document."""

    def structured() -> object:
        document = parse(body)
        return structure(document["data"], kind, path="$.data", clean=same)

    return outcome(structured)


@pytest.mark.parametrize("endpoint", [TOP_UP, HISTORY_USAGE], ids=["top-ups", "days"])
def test_rows_are_read_alike(endpoint):
    """A page with random changes has the same records or problems, read row by row or as a whole document."""

    @given(body=_documents(endpoint.kind))
    def hold(body):
        assert by_rows(endpoint, body) == whole(endpoint.kind, body)

    hold()


@pytest.mark.parametrize("length", [1, 100, 700, 5000])
def test_slices_lose_no_row(monkeypatch, length):
    """Wherever a page is cut, each row is returned once and in order."""
    monkeypatch.setattr(rows, "_SLICE", length)
    assert by_rows(TOP_UP, PLAIN) == whole(TopUpPage, PLAIN)


def odd_page(change: Callable[[dict], object], count: int = 1) -> bytes:
    """Return a page in which the first rows are changed."""
    document = json.loads(PLAIN)
    listed = document["data"]["top_up_usages"]
    for number in range(count):
        listed[number] = change(listed[number]) or listed[number]
    return json.dumps(document, ensure_ascii=False).encode()


def nanoseconds(row: dict) -> None:
    """Write the times of a row as Go does."""
    for name in ("created_at", "updated_at"):
        row[name] = re.sub(r"(\.\d+)?Z$", lambda match: (match[1] or ".").ljust(7, "0") + "999Z", row[name])


ODD = {
    "a nanosecond time": nanoseconds,
    "an empty amount": lambda row: row.update(total_amount=""),
    "a letter": lambda row: row.update(sender="ă" + row["sender"]),
    "a digit of another alphabet in a name": lambda row: row.update(sender="٣"),
    "an offset of zero": lambda row: row.update(created_at=row["created_at"].replace("Z", "+00:00")),
    "missing money": lambda row: row.pop("total_amount") and None,
    "a time that is not set": lambda row: row.update(updated_at="0001-01-01T00:00:00Z"),
    "no time": lambda row: row.update(updated_at=None),
}


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_odd_rows_stay_on_the_fast_path(change, count):
    """Unusual values of real pages are decoded on the fast path, with the same result as on the slow path."""
    body = odd_page(change, count)
    page = quick_decoder(TopUpPage)(body)
    assert page is not None
    assert repr(page) == whole(TopUpPage, body)


SLOW = {
    "another zone": lambda row: row.update(created_at="2026-10-01T07:00:00+07:00"),
    "a number for an amount": lambda row: row.update(total_amount=5),
    "an exponent": lambda row: row.update(total_amount="1e5"),
    "a whole float": lambda row: row.update(block_number=5.0),
    "an escape": lambda row: row.update(sender='a"b\\c'),
    "a number of another alphabet": lambda row: row.update(total_amount="٣"),
    "an underscore": lambda row: row.update(total_amount="1_000"),
    "a bad id": lambda row: row.update(id=5),
    "no row": lambda row: 7,
    "thirteen digits of a second": lambda row: row.update(created_at="2026-10-01T00:00:00.1234567890123Z"),
    "no amount": lambda row: row.pop("amount") and None,
}


@pytest.mark.parametrize("count", [1, 2, 40])
@pytest.mark.parametrize("change", SLOW.values(), ids=SLOW)
def test_other_rows_are_decided_one_by_one(change, count):
    """A row that the fast path does not accept has the same result as in the whole document."""
    body = odd_page(change, count)
    assert quick_decoder(TopUpPage)(body) is None
    assert by_rows(TOP_UP, body) == whole(TopUpPage, body)


def test_null_rows_keep_their_places():
    """A null row is None, on each path."""
    document = json.loads(PLAIN)
    document["data"]["top_up_usages"][0] = document["data"]["top_up_usages"][50] = None
    body = json.dumps(document).encode()
    assert repr(quick_decoder(TopUpPage)(body)) == by_rows(TOP_UP, body) == whole(TopUpPage, body)


HIDDEN = {
    "a list elsewhere": b'{"x":{"top_up_usages":[]},"data":{"totals":1,"top_up_usages":[]},"status":"success"}',
    "a list elsewhere, null": b'{"x":{"top_up_usages":[]},"data":{"totals":1,"top_up_usages":null},"status":"success"}',
    "the key twice": b'{"data":{"totals":1,"top_up_usages":[7],"top_up_usages":[]},"status":"success"}',
    "the key in a text": b'{"data":{"x":"\\"top_up_usages\\":[","totals":1,"top_up_usages":[]},"status":"success"}',
    "the key as a value": b'{"data":{"x":"top_up_usages","totals":1,"top_up_usages":[]},"status":"success"}',
    "an escaped key": b'{"data":{"totals":1,"top_up_usages":[7],"top_up\\u005fusages":[]},"status":"success"}',
    "a list after it": b'{"data":{"totals":1,"top_up_usages":[],"more":[1,2]},"status":"success"}',
    "a comma too many": b'{"data":{"totals":1,"top_up_usages":[null,]},"status":"success"}',
    "a comma too few": b'{"data":{"totals":1,"top_up_usages":[null null]},"status":"success"}',
    "no end": b'{"data":{"totals":1,"top_up_usages":[null',
    "a bad total": b'{"data":{"totals":"x","top_up_usages":[7]},"status":"success"}',
}


@pytest.mark.parametrize("body", HIDDEN.values(), ids=HIDDEN)
def test_a_page_is_split_only_if_the_list_is_certain(body):
    """Repeated or escaped keys, and keys in texts or other objects, are never mistaken for the list of rows."""
    assert by_rows(TOP_UP, body) == whole(TopUpPage, body)


def test_a_large_page_is_read_whole():
    """A page of many slices is returned completely."""
    listed = PLAIN[PLAIN.index(b"[") + 1 : PLAIN.rindex(b"]")]
    body = b'{"data":{"totals":9000,"top_up_usages":[' + b",".join([listed] * 90) + b']},"status":"success"}'
    reply = Reply(200, CIMultiDict(), body)
    assert read_at_once(TOP_UP, reply, same) is None
    page = read(TOP_UP, reply, same)
    assert len(page.top_up_usages) == 9000
    assert page.top_up_usages[8900:] == quick_decoder(TopUpPage)(PLAIN).top_up_usages


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" * 3_000_000, "no list of rows"),
        (b" " * 3_000_000, "no list of rows"),
        (b'{"data":{"totals":1,"top_up_usages":[' + b"[]," * 1_000_000 + b'[]]},"status":"success"}', "longer than"),
        (b'{"data":{"totals":1,"top_up_usages":[' + b"null," * 600_000 + b'x]},"status":"success"}', "40000 rows"),
        (b'{"data":{"totals":1,"top_up_usages":[' + b"{x},null," * 300_000 + b'1]},"status":"success"}', "not JSON"),
        (b'{"data":[' + b"[]," * 400_000 + b'1],"status":"success"}', "too many values"),
    ],
    ids=["brackets", "blanks", "lists", "nulls", "no values", "values"],
)
def test_a_large_body_without_a_list_is_not_parsed(body, reason):
    """Megabytes without a list of rows are an error and are never parsed at once."""
    with pytest.raises(DecodeError, match=reason):
        read(TOP_UP, Reply(200, CIMultiDict(), body), same)


def test_both_pages_are_tried():
    """The property above is tested for every page class."""
    assert {kind for kind in AIOZ if kind.__name__.endswith("Page")} == {TopUpPage, HistoryPage}


@given(text=st.text(st.sampled_from('{}[],"nul :\n'), max_size=30))
def test_any_list_is_read_alike(text):
    """For any content of the list, reading by rows and reading the whole document agree whether it is JSON."""
    body = b'{"data":{"totals":1,"top_up_usages":[' + text.encode() + b']},"status":"success"}'
    assert by_rows(TOP_UP, body) == whole(TopUpPage, body)
