"""The providers' sample replies, over a real socket, become records with all of their fields."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from aiozbilling import (
    AiozBilling,
    AuthenticationError,
    B3osBilling,
    BadRequestError,
    CuDay,
    CuLine,
    CuSummary,
    CuUsage,
    DayUsage,
    DecodeError,
    EstimatedCost,
    MeteredBilling,
    MeteredUsage,
    MetricUsage,
    MonthUsage,
    Period,
    ProjectedUsage,
    RetryPolicy,
    TokenAmount,
    TopUp,
)

# Numbers replace `number` in the pages, and texts of numbers replace "string" for money.
THIS_MONTH = """{
    "data": {
        "total_storage": 1073741824,
        "storage_usage": 536870912,
        "bandwidth_usage": 4096,
        "storage_cost": "2173368724836762",
        "bandwidth_cost": "12"
    },
    "status": "success"
}"""
HISTORY = """{
    "data": {
        "total_days": 1,
        "history_usages": [
            {
                "date": "2023-01-01T11:11:11.111111Z",
                "total_storage": 1073741824,
                "total_bandwidth": 4096,
                "total_amount": "2173368724836762"
            }
        ]
    },
    "status": "success"
}"""
TOP_UPS = """{
    "data": {
        "totals": 1,
        "top_up_usages": [
            {
                "cosmos_tx_hash": "string",
                "event_index": 7,
                "evm_tx_hash": "string",
                "id": "string",
                "sender": "string",
                "recipient": "string",
                "block_number": 29210395,
                "status": true,
                "amount": {
                    "denom": "attoaioz",
                    "amount": "1022000000000000000001"
                },
                "total_amount": "500000000000000000",
                "created_at": "2023-01-01T11:11:11.111111Z",
                "updated_at": "2023-01-01T11:11:11.111111Z"
            }
        ]
    },
    "status": "success"
}"""
DASHBOARD_TOP_UPS = """{"status": "success", "data": {"totals": 2, "top_up_usages": [null, {"cosmos_tx_hash": "A",
    "evm_tx_hash": "", "id": "1", "sender": "s", "recipient": "r", "status": false,
    "amount": {"denom": "attoaioz", "amount": "5"}, "credit": "", "created_at": "2023-01-01T11:11:11.123456789Z",
    "updated_at": "0001-01-01T00:00:00Z"}]}}"""
CU_USAGE = """{ "code": 0, "data": { "daily": [ { "breakdown": [ { "count": 3, "cu": 0.30000000000000004,
    "nodeType": "webhook", "type": "trigger" } ], "date": "2026-10-01", "used": 123 } ],
    "summary": { "deposited": 123, "granted": 123, "used": 1e-07 }, "yearMonth": "2026-10" },
    "message": "successfully", "requestId": "req_abc123"}"""
# The unchanged sample, with {} and "<string>" instead of values.
RAW_CU_USAGE = """{ "code": 0, "data": { "daily": [ { "breakdown": [ { "count": {}, "cu": {}, "nodeType": {},
    "type": {} } ], "date": "<string>", "used": 123 } ], "summary": { "deposited": 123, "granted": 123, "used": 123 },
    "yearMonth": "<string>" }, "message": "successfully", "requestId": "req_abc123"}"""
METERED = """{
  "success": true,
  "data": {
    "period": {
      "start": "2024-01-01T00:00:00Z",
      "end": "2024-01-31T23:59:59Z"
    },
    "metrics": {
      "apiCalls": {
        "name": "API Calls", "unit": "requests", "included": 100000, "used": 45230, "overage": 0, "percentage": 45.23
      },
      "storage": {
        "name": "Storage", "unit": "GB", "included": 100, "used": 67.5, "overage": 0, "percentage": 67.5
      },
      "seats": {
        "name": "Team Seats", "unit": "users", "included": 10, "used": 7, "overage": 0, "percentage": 70
      },
      "bandwidth": {
        "name": "Bandwidth", "unit": "GB", "included": 1000, "used": 234.8, "overage": 0, "percentage": 23.48
      }
    },
    "estimatedCost": {
      "base": 29.00,
      "overage": 0,
      "total": 29.00,
      "currency": "usd"
    },
    "projectedUsage": {
      "apiCalls": {
        "projected": 52000,
        "percentage": 52
      }
    }
  }
}"""
UNAUTHORIZED = """{
  "success": false,
  "error": {
    "code": "UNAUTHORIZED",
    "message": "Authentication required"
  }
}"""
BAD_RANGE = """{
  "success": false,
  "error": {
    "code": "BAD_REQUEST",
    "message": "Invalid date range: startDate must be before endDate"
  }
}"""


def aioz(url: str) -> AiozBilling:
    """Return a client that signs like the samples of the page."""
    return AiozBilling(api_key="KEY", secret_key="SECRET", base_url=url, retry=RetryPolicy(attempts=1))


SECOND = datetime(2023, 1, 1, 11, 11, 11, 111111, UTC)


async def test_this_month_usage(serve):
    """The sample of "Get this month usage data for a user" becomes a record with all five fields."""
    async with aioz(serve("/api/billing/thisMonthUsage", THIS_MONTH)) as billing:
        month = await billing.this_month_usage()
    assert month == MonthUsage(
        total_storage=1073741824,
        storage_usage=536870912,
        bandwidth_usage=4096,
        storage_cost=Decimal(2173368724836762),
        bandwidth_cost=Decimal(12),
    )
    assert month.storage_cost_usd == Decimal("0.002173368724836762")
    assert month.total_cost_usd == Decimal("0.002173368724836774")


async def test_history_usage(serve):
    """The sample of "Retrieves historical usage data" becomes a list of one day with all four fields."""
    async with aioz(serve("/api/billing/historyUsage", HISTORY)) as billing:
        days = await billing.history_usage().collect()
    assert days == [
        DayUsage(date=SECOND, total_storage=1073741824, total_bandwidth=4096, total_amount=Decimal(2173368724836762))
    ]
    assert days[0].day == date(2023, 1, 1)
    assert days[0].amount_usd == Decimal("0.002173368724836762")


async def test_top_ups(serve):
    """The sample of "Retrieves top up data" becomes a list of one top-up with all twelve fields."""
    async with aioz(serve("/api/billing/topUp", TOP_UPS)) as billing:
        rows = await billing.top_ups().collect()
    assert rows == [
        TopUp(
            id="string",
            amount=TokenAmount("attoaioz", Decimal(1022000000000000000001)),
            cosmos_tx_hash="string",
            evm_tx_hash="string",
            event_index=7,
            block_number=29210395,
            sender="string",
            recipient="string",
            status=True,
            total_amount=Decimal(500000000000000000),
            credit=None,
            created_at=SECOND,
            updated_at=SECOND,
        )
    ]
    assert (str(rows[0].amount.value), rows[0].amount.symbol) == ("1022.000000000000000001", "AIOZ")
    assert rows[0].credit_usd == Decimal("0.5")


async def test_top_ups_as_the_dashboard_gets_them(serve):
    """Replies such as those for the dashboard, with `credit`, null rows, nanoseconds and Go's zero time, are read."""
    async with aioz(serve("/api/billing/topUp", DASHBOARD_TOP_UPS)) as billing:
        listing = billing.top_ups()
        (row,) = await listing.collect()
    assert (row.total_amount, row.credit, row.credit_usd) == (None, None, None)
    assert (row.event_index, row.block_number, row.evm_tx_hash, row.updated_at) == (None, None, "", None)
    assert row.created_at == datetime(2023, 1, 1, 11, 11, 11, 123456, UTC)
    assert listing.report.null_rows_skipped == 1


async def test_cu_usage(serve):
    """The sample of "Get CU usage", with values instead of {}, becomes a record with every field exact."""
    url = serve("/v1/organizations/org_1/cu/usage", CU_USAGE)
    async with B3osBilling(token="b3sk_token", base_url=url) as b3os:
        usage = await b3os.cu_usage("org_1", "2026-10")
    line = CuLine(type="trigger", node_type="webhook", count=3, cu=Decimal("0.30000000000000004"))
    assert usage == CuUsage(
        year_month="2026-10",
        daily=(CuDay(date="2026-10-01", used=Decimal(123), breakdown=(line,)),),
        summary=CuSummary(deposited=Decimal(123), granted=Decimal(123), used=Decimal("1e-07")),
    )
    assert usage.daily[0].day == date(2026, 10, 1)


async def test_the_raw_cu_sample_is_explained(serve):
    """The unchanged sample has objects instead of numbers; each of the four is reported with the page's names."""
    url = serve("/v1/organizations/org_1/cu/usage", RAW_CU_USAGE)
    async with B3osBilling(token="b3sk_token", base_url=url) as b3os:
        with pytest.raises(DecodeError) as caught:
            await b3os.cu_usage("org_1", "2026-10")
    line = "$.data.daily[0].breakdown[0]"
    assert sorted(caught.value.problems) == [
        f"expected a number at {line}.cu, got an object",
        f"expected a string at {line}.nodeType, got an object",
        f"expected a string at {line}.type, got an object",
        f"expected an integer at {line}.count, got an object",
    ]


async def test_metered_usage(serve):
    """The sample of "Get Usage" becomes a record with four metrics, costs to the cent and a projection."""
    async with MeteredBilling(serve("/api/billing/usage", METERED), token="session") as metered:
        usage = await metered.usage()

    def metric(name: str, unit: str, included: str, used: str, percentage: str) -> MetricUsage:
        return MetricUsage(
            name=name,
            unit=unit,
            included=Decimal(included),
            used=Decimal(used),
            overage=Decimal(0),
            percentage=Decimal(percentage),
        )

    assert usage == MeteredUsage(
        period=Period(start=datetime(2024, 1, 1, tzinfo=UTC), end=datetime(2024, 1, 31, 23, 59, 59, tzinfo=UTC)),
        metrics={
            "apiCalls": metric("API Calls", "requests", "100000", "45230", "45.23"),
            "storage": metric("Storage", "GB", "100", "67.5", "67.5"),
            "seats": metric("Team Seats", "users", "10", "7", "70"),
            "bandwidth": metric("Bandwidth", "GB", "1000", "234.8", "23.48"),
        },
        estimated_cost=EstimatedCost(base=Decimal("29.00"), overage=Decimal(0), total=Decimal("29.00"), currency="usd"),
        projected_usage={"apiCalls": ProjectedUsage(projected=Decimal(52000), percentage=Decimal(52))},
    )
    assert str(usage.estimated_cost.total) == "29.00"


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [(401, UNAUTHORIZED, AuthenticationError, "UNAUTHORIZED"), (400, BAD_RANGE, BadRequestError, "BAD_REQUEST")],
)
async def test_metered_errors(serve, status, body, kind, code):
    """Both documented errors have their class, code and message, after one request."""
    async with MeteredBilling(serve("/api/billing/usage", body, status), token="session") as metered:
        with pytest.raises(kind) as caught:
            await metered.usage()
    assert (caught.value.status, caught.value.code, caught.value.attempts) == (status, code, 1)
    assert caught.value.message in body
    assert caught.value.endpoint == "GET /api/billing/usage"
