"""The metered endpoint answers as the provider's page says."""

from __future__ import annotations

from decimal import Decimal

import pytest

USAGE = "/api/billing/usage"
ALL = {"apiCalls", "storage", "seats", "bandwidth", "emails", "webhooks"}


async def test_the_current_period_is_this_month(ask):
    """Without dates the reply covers the current month, with all metrics."""
    answer = await ask(USAGE)
    assert answer.json["success"] is True
    assert answer.data["period"] == {"start": "2026-11-01T00:00:00Z", "end": "2026-11-30T23:59:59Z"}
    assert set(answer.data["metrics"]) == ALL


async def test_the_numbers_of_a_metric_agree(ask):
    """Overage and percentage follow from used and included; percentage is null where nothing is included."""
    metrics = (await ask(USAGE)).data["metrics"]
    for metric in metrics.values():
        if metric["included"]:
            assert metric["overage"] == pytest.approx(max(0, metric["used"] - metric["included"]))
            assert metric["percentage"] == pytest.approx(100 * metric["used"] / metric["included"], abs=0.01)
    assert metrics["webhooks"]["percentage"] is None
    assert "overage" not in metrics["webhooks"]
    assert metrics["emails"]["percentage"] > 100


async def test_costs_are_written_with_two_places(ask):
    """Money is a JSON number with cents, and adds up."""
    answer = await ask(USAGE)
    assert b'"base": 29.00,' in answer.body
    cost = answer.data["estimatedCost"]
    assert Decimal(str(cost["base"])) + Decimal(str(cost["overage"])) == Decimal(str(cost["total"]))
    assert cost["currency"] == "usd"


async def test_projections_cover_some_metrics_of_the_current_period_only(ask):
    """A projection is at least what was used; past periods have none."""
    data = (await ask(USAGE)).data
    assert set(data["projectedUsage"]) == {"apiCalls", "storage", "emails"}
    assert data["projectedUsage"]["apiCalls"]["projected"] > data["metrics"]["apiCalls"]["used"]
    assert "projectedUsage" not in (await ask(f"{USAGE}?startDate=2026-01-01&endDate=2026-01-31")).data


@pytest.mark.parametrize(
    ("metrics", "given"),
    [
        ("api_calls,storage", {"apiCalls", "storage"}),
        ("apiCalls", {"apiCalls"}),
        ("nothing,seats", {"seats"}),
        ("", ALL),
    ],
)
async def test_metrics_are_chosen_in_both_spellings(ask, metrics, given):
    """Metrics can be named `api_calls`, as in the page's sample, or `apiCalls`, as in the reply."""
    assert set((await ask(f"{USAGE}?metrics={metrics}")).data["metrics"]) == given


async def test_a_date_range_is_answered_with_its_inclusive_end(ask):
    """A date-only end is the last second of its day, as in the sample."""
    data = (await ask(f"{USAGE}?startDate=2026-01-01&endDate=2026-01-31")).data
    assert data["period"] == {"start": "2026-01-01T00:00:00Z", "end": "2026-01-31T23:59:59Z"}
    assert data["metrics"]["apiCalls"]["used"] > 0


async def test_months_add_up_to_their_span(ask):
    """The usage of a range is the sum of the usage of its parts."""
    whole = (await ask(f"{USAGE}?startDate=2026-05-01&endDate=2026-06-30")).data["metrics"]["apiCalls"]["used"]
    may = (await ask(f"{USAGE}?startDate=2026-05-01&endDate=2026-05-31")).data["metrics"]["apiCalls"]["used"]
    june = (await ask(f"{USAGE}?startDate=2026-06-01&endDate=2026-06-30")).data["metrics"]["apiCalls"]["used"]
    assert whole == may + june


@pytest.mark.parametrize(("start", "end"), [("2026-02-01", "2026-01-01"), ("2026-02-01T10:00Z", "2026-02-01T10:00Z")])
async def test_a_range_that_does_not_go_forward_is_refused(ask, start, end):
    """A range that ends before it starts is the documented 400 with the documented message."""
    answer = await ask(f"{USAGE}?startDate={start}&endDate={end}")
    assert answer.status == 400
    message = "Invalid date range: startDate must be before endDate"
    assert answer.json == {"success": False, "error": {"code": "BAD_REQUEST", "message": message}}


async def test_what_is_no_date_is_refused(ask):
    """An unreadable date is a 400 that names the parameter."""
    answer = await ask(f"{USAGE}?startDate=yesterday")
    assert (answer.status, answer.json["error"]["code"]) == (400, "BAD_REQUEST")
    assert "startDate" in answer.json["error"]["message"]


async def test_history_is_kept_for_twelve_months(ask):
    """Usage older than 12 months is missing, without an error."""
    metrics = (await ask(f"{USAGE}?startDate=0001-01-01&endDate=2025-06-30")).data["metrics"]
    assert {metric["used"] for metric in metrics.values()} == {0}


async def test_a_token_is_needed(ask):
    """Without the bearer token the reply is the documented 401."""
    answer = await ask(USAGE, headers={})
    error = {"code": "UNAUTHORIZED", "message": "Authentication required"}
    assert (answer.status, answer.json) == (401, {"success": False, "error": error})
