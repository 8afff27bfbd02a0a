"""Records as JSON: every digit, computed values, and the same texts as in a CSV export."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiozbilling import (
    AiozBilling,
    CuDay,
    CuLine,
    CuUsage,
    DayUsage,
    MeteredBilling,
    MonthUsage,
    TokenAmount,
    TopUp,
    to_dict,
    to_json,
)
from aiozbilling.export import stream_csv
from aiozbilling.simulator import Behaviour, Simulator

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def top_up(**changes):
    """Return a top-up."""
    fields = {
        "id": "a",
        "amount": TokenAmount("attoaioz", Decimal(1)),
        "sender": "s",
        "recipient": "r",
        "status": True,
        "cosmos_tx_hash": "h",
        "created_at": NOON,
        "updated_at": None,
    }
    return TopUp(**fields | changes)


def test_a_top_up_has_its_fields_and_what_is_computed_from_them():
    """Amounts are exact text, also beyond 28 digits; the token's value and symbol and the USD are included."""
    amount = TokenAmount("attoaioz", Decimal(123456789012345678901234567890123456789))
    assert to_dict(top_up(amount=amount, total_amount=Decimal(2173368724836762), event_index=3)) == {
        "id": "a",
        "amount": {
            "denom": "attoaioz",
            "amount": "123456789012345678901234567890123456789",
            "value": "123456789012345678901.234567890123456789",
            "symbol": "AIOZ",
        },
        "sender": "s",
        "recipient": "r",
        "status": True,
        "cosmos_tx_hash": "h",
        "evm_tx_hash": None,
        "event_index": 3,
        "block_number": None,
        "total_amount": "2173368724836762",
        "credit": None,
        "created_at": "2026-11-21T12:00:00.000000Z",
        "updated_at": None,
        "credit_usd": "0.002173368724836762",
    }


def test_every_record_class_can_be_written():
    """Days, months and nested records of all systems become plain JSON values."""
    day = to_dict(DayUsage(date=NOON, total_storage=2**60, total_bandwidth=0, total_amount=Decimal("1E+3")))
    assert (day["day"], day["total_storage"], day["total_amount"]) == ("2026-11-21", 2**60, "1000")
    month = MonthUsage(total_storage=1, storage_usage=1, bandwidth_usage=1, storage_cost=Decimal(10**18))
    assert to_dict(month)["storage_cost_usd"] == "1"
    assert to_dict(month)["total_cost_usd"] is None
    usage = CuUsage(daily=(CuDay(date="no date", used=Decimal("1e-7"), breakdown=(CuLine(cu=Decimal("0.30")),)),))
    assert to_dict(usage)["daily"][0] == {
        "date": "no date",
        "used": "0.0000001",
        "breakdown": [{"type": None, "node_type": None, "count": None, "cu": "0.3"}],
    }


async def test_metered_usage_keeps_its_nested_records():
    """Maps of metrics become objects with the provider's metric ids."""
    async with Simulator() as simulator:
        async with MeteredBilling(token=simulator.metered_token, base_url=simulator.url) as billing:
            usage = await billing.usage()
    written = json.loads(to_json(usage))
    assert written == to_dict(usage)
    assert written["metrics"]["apiCalls"]["used"] == str(usage.metrics["apiCalls"].used)
    assert written["period"]["end"].endswith("T23:59:59.000000Z")


async def test_the_texts_are_those_of_the_csv_export():
    """For a page of top-ups every amount and time of the JSON is, digit by digit, a cell of the CSV export."""
    behaviour = Behaviour(money_field="both", nanoseconds=True)
    async with Simulator(top_ups=200, behaviour=behaviour) as simulator:
        keys = {"api_key": simulator.api_key, "secret_key": simulator.secret_key, "base_url": simulator.url}
        async with AiozBilling(**keys) as billing:
            rows = json.loads(to_json(await billing.top_ups().collect()))
            text = b"".join([chunk async for chunk in stream_csv(billing.top_ups())]).decode()
    cells = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(cells) == 200
    for row, cell in zip(rows, cells, strict=True):
        assert cell["token_amount"] == row["amount"]["value"]
        assert cell["token"] == row["amount"]["symbol"]
        assert cell["amount"] == row["amount"]["amount"]
        assert cell["credit_usd"] == row["credit_usd"]
        assert cell["credit_attousd"] == row["credit"]
        assert cell["created_at"] == row["created_at"]
        assert cell["updated_at"] == (row["updated_at"] or "")


@given(amount=st.decimals(-(10**40), 10**40, allow_nan=False, places=20))
def test_no_digit_is_lost(amount):
    """Any amount is read back equal from the JSON."""
    written = json.loads(to_json(top_up(credit=amount)))
    assert Decimal(written["credit"]) == amount
    assert Fraction(written["credit_usd"]) * 10**18 == Fraction(amount)


def test_rows_become_one_array():
    """A list, a generator and no rows at all are arrays; text is not escaped beyond what JSON needs."""
    rows = [top_up(id="é", sender='"<b>'), top_up(id="b")]
    assert to_json(rows) == to_json(row for row in rows)
    assert to_json(rows).startswith('[{"id":"é","amount":{"denom"')
    assert [row["sender"] for row in json.loads(to_json(rows))] == ['"<b>', "s"]
    assert to_json([]) == "[]"


def test_msgspec_writes_the_same_json():
    """A dict from `to_dict` is the same JSON by msgspec, byte for byte."""
    assert msgspec.json.encode(to_dict(top_up())).decode() == to_json(top_up())


@pytest.mark.parametrize("wrong", [{"id": 1}, 5, object(), [1], None])
def test_anything_else_is_refused(wrong):
    """Anything that is not a record is a TypeError."""
    with pytest.raises(TypeError, match="to_dict|to_json"):
        to_json(wrong)
    with pytest.raises(TypeError, match="to_dict"):
        to_dict(wrong)


def test_a_listing_is_refused_with_what_to_do():
    """The error for a listing says that it must be collected first."""
    billing = AiozBilling(token="t")
    with pytest.raises(TypeError, match="collect"):
        to_json(billing.top_ups())


def test_records_print_readably():
    """`repr` has plain numbers and times, and amounts in whole tokens and USD."""
    shown = repr(top_up(total_amount=Decimal("2.5E+18")))
    assert "amount=1, value=0.000000000000000001, symbol='AIOZ'" in shown
    assert "created_at=2026-11-21T12:00:00Z" in shown
    assert shown.endswith("credit_usd=2.5)")
    assert "Decimal" not in shown
    assert "day=2026-11-21" in repr(DayUsage(date=NOON, total_storage=1, total_bandwidth=1))
