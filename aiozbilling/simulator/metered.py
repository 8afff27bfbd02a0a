"""The metered SaaS template's usage of the billing period.

Source: the provider's page "Get Usage".
"""

from __future__ import annotations

import calendar
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import attrs

from aiozbilling.simulator.accounts import Account
from aiozbilling.simulator.behaviour import Behaviour
from aiozbilling.simulator.credentials import Signature, digest
from aiozbilling.simulator.reply import Reply

__all__ = ["Metered"]


@attrs.frozen
class _Metric:
    name: str
    unit: str
    included: int
    per_day: float
    price: float  # of one unit of overage, in dollars
    is_level: bool = False  # a level, such as seats, doesn't add up over days
    is_projected: bool = False


_METRICS = {
    "apiCalls": _Metric("API Calls", "requests", 100_000, 2500, 0.001, is_projected=True),
    "storage": _Metric("Storage", "GB", 100, 67.5, 0.1, is_level=True, is_projected=True),
    "seats": _Metric("Team Seats", "users", 10, 7, 5.0, is_level=True),
    "bandwidth": _Metric("Bandwidth", "GB", 1000, 12.3, 0.05),
    "emails": _Metric("Emails", "emails", 2000, 150, 0.01, is_projected=True),
    "webhooks": _Metric("Webhooks", "events", 0, 20, 0.0),
}
_BASE_PRICE = 29.0


class Metered:
    """The metered template's billing endpoint."""

    def __init__(self) -> None:
        self.routes: dict[str, Callable[[Account, Mapping[str, str], re.Match[str]], Reply]] = {
            r"/api/billing/usage": self._usage
        }

    def signature(self, headers: Mapping[str, str]) -> Signature:
        """Read what a request is signed with."""
        return "metered", headers.get("Authorization"), None

    def refusal(self, status: int, message: str) -> Reply:
        """Build an error reply."""
        codes = {400: "BAD_REQUEST", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 429: "RATE_LIMITED"}
        code = codes.get(status, "INTERNAL_ERROR" if status >= 500 else "BAD_REQUEST")
        if status == 401:
            message = "Authentication required"
        return Reply(status, json.dumps({"success": False, "error": {"code": code, "message": message}}).encode())

    def rejection(self, good: Reply, *, with_data: bool) -> Reply:
        """Build a 200 whose envelope reports failure."""
        envelope = json.loads(good.body) if with_data else {}
        error = {"code": "SUBSCRIPTION_INACTIVE", "message": "Subscription is not active"}
        return Reply(200, json.dumps(envelope | {"success": False, "error": error}).encode())

    def success(self, data: str, behaviour: Behaviour) -> Reply:
        """Wrap data in the envelope."""
        extra = ', "meta": {"cached": false}' if behaviour.extra_keys else ""
        return Reply(200, f'{{"success": true, "data": {data}{extra}}}'.encode())

    def _usage(self, account: Account, query: Mapping[str, str], _: re.Match[str]) -> Reply:
        try:
            start, end = _period(query.get("startDate"), query.get("endDate"), account.now)
        except ValueError as error:
            return self.refusal(400, str(error))
        wanted = {_camel(name) for name in query.get("metrics", "").split(",") if name.strip()}
        metrics = {name: _usage_of(account, name, start, end) for name in _METRICS if not wanted or name in wanted}
        data = {
            "period": {"start": _timestamp(start), "end": _timestamp(end)},
            "metrics": metrics,
            "estimatedCost": "@cost@",
        }
        if start <= account.now <= end:
            data["projectedUsage"] = _projected(metrics, start, end, account.now)
        # Prices are written with two places, 29.00, which json.dumps can't.
        return self.success(json.dumps(data).replace('"@cost@"', _cost(metrics, start, end)), account.behaviour)


def _period(start_text: str | None, end_text: str | None, now: datetime) -> tuple[datetime, datetime]:
    start = _moment("startDate", start_text, time()) if start_text else None
    end = _moment("endDate", end_text, time(23, 59, 59)) if end_text else None
    if start is None:
        start = (end or now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if end is None:
        last = calendar.monthrange(now.year, now.month)[1]
        end = now.replace(day=last, hour=23, minute=59, second=59, microsecond=0)
    if start >= end:
        raise ValueError("Invalid date range: startDate must be before endDate")
    return start, end


def _moment(name: str, text: str, time_of_day: time) -> datetime:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return datetime.combine(date.fromisoformat(text), time_of_day, UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"Invalid {name}: expected an ISO 8601 date") from None


def _timestamp(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda match: match[1].upper(), name.strip())


def _usage_of(account: Account, name: str, start: datetime, end: datetime) -> dict[str, Any]:
    metric = _METRICS[name]
    included = metric.included * _months(start, end)
    days = [_on(account, name, day) for day in _recorded_days(start, end, account.now)]
    used = round(float((days[-1] if metric.is_level else sum(days)) if days else 0), 1)
    used = int(used) if used.is_integer() else used
    usage: dict[str, Any] = {"name": metric.name, "unit": metric.unit, "included": included, "used": used}
    if included:
        usage["overage"] = round(max(0, used - included), 1)
    # JavaScript's JSON writes the Infinity of a division by zero as null.
    return usage | {"percentage": _percentage(used, included)}


def _recorded_days(start: datetime, end: datetime, now: datetime) -> list[date]:
    # History is kept for 12 months.
    first = max(start.date(), now.date() - timedelta(days=365))
    last = min(end, now).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _on(account: Account, name: str, day: date) -> float:
    metric = _METRICS[name]
    if metric.unit == "users":
        return metric.per_day
    noise = int.from_bytes(digest(account.seed, f"{name} {day}", 4), "big") / 2**32
    amount = metric.per_day * (0.75 + noise / 2)
    return round(amount, 1) if metric.unit == "GB" else float(int(amount))


def _months(start: datetime, end: datetime) -> int:
    return (end.year - start.year) * 12 + end.month - start.month + 1


def _percentage(used: float, included: float) -> float | int | None:
    if not included:
        return None
    share = round(used / included * 100, 2)
    return int(share) if share.is_integer() else share


def _projected(metrics: Mapping[str, Any], start: datetime, end: datetime, now: datetime) -> dict[str, Any]:
    elapsed = max((now - start) / (end - start), 1e-6)
    projected = {}
    for name, usage in metrics.items():
        if _METRICS[name].is_projected:
            amount = round(usage["used"] if _METRICS[name].is_level else usage["used"] / elapsed)
            projected[name] = {"projected": amount, "percentage": _percentage(amount, usage["included"])}
    return projected


def _cost(metrics: Mapping[str, Any], start: datetime, end: datetime) -> str:
    base = _BASE_PRICE * _months(start, end)
    overage = round(sum(usage.get("overage", 0) * _METRICS[name].price for name, usage in metrics.items()), 2)
    return f'{{"base": {base:.2f}, "overage": {overage:.2f}, "total": {base + overage:.2f}, "currency": "usd"}}'
