"""B3OS's compute units: a month's usage by day, and the balance.

Source: the provider's page "Get CU usage".
"""

from __future__ import annotations

import calendar
import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from aiozbilling.simulator.accounts import Account
from aiozbilling.simulator.behaviour import Behaviour
from aiozbilling.simulator.credentials import Signature, digest
from aiozbilling.simulator.reply import Reply

__all__ = ["B3os"]

# (node type, kind, CU for one run). The odd prices are there for their floats: 3 * 0.1 is 0.30000000000000004.
_NODES = (
    ("cron-schedule", "trigger", 0.1),
    ("evm-event-listener", "trigger", 0.25),
    ("webhook", "trigger", 0.1),
    ("http-request", "action", 1.0),
    ("send-slack-message", "action", 0.5),
    ("evm-swap", "action", 12.5),
    ("wait", "action", 1e-07),
)


class B3os:
    """B3OS's compute units."""

    def __init__(self) -> None:
        self._answers = 0
        self.routes: dict[str, Callable[[Account, Mapping[str, str], re.Match[str]], Reply]] = {
            r"/v1/organizations/(?P<organization>[^/]+)/cu/usage": self._usage,
            r"/v1/organizations/(?P<organization>[^/]+)/cu": self._balance,
        }

    def signature(self, headers: Mapping[str, str]) -> Signature:
        """Read what a request is signed with."""
        return "B3OS", headers.get("Authorization"), None

    def refusal(self, status: int, message: str, number: int = 1) -> Reply:
        """Build an error reply."""
        envelope = {"code": status * 1000 + number, "message": message, "details": []}
        return Reply(status, json.dumps(envelope | self._request_id()).encode())

    def rejection(self, good: Reply, *, with_data: bool) -> Reply:
        """Build a 200 whose envelope reports failure."""
        envelope = json.loads(good.body) if with_data else {}
        envelope |= {"code": 400228, "message": "successfully" if with_data else "rejected", **self._request_id()}
        return Reply(200, json.dumps(envelope).encode())

    def success(self, data: Mapping[str, Any], behaviour: Behaviour) -> Reply:
        """Wrap data in the envelope."""
        code = {} if behaviour.b3os_success_code is None else {"code": behaviour.b3os_success_code}
        extra = {"apiVersion": "v1"} if behaviour.extra_keys else {}
        envelope = {**code, "data": data, "message": "successfully", **self._request_id(), **extra}
        return Reply(200, json.dumps(envelope).encode())

    def _usage(self, account: Account, query: Mapping[str, str], path: re.Match[str]) -> Reply:
        if path["organization"] != account.organization:
            return self.refusal(404, "organization not found", 12)
        year_month = query.get("yearMonth", "")
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", year_month) or year_month < "0001":
            return self.refusal(400, "yearMonth must be in the form YYYY-MM", 228)
        daily = [_day(account.seed, day) for day in _days(year_month, account.now.date())]
        used = sum(day["used"] for day in daily)
        data = {"daily": _list(daily, account.behaviour), "summary": _summary(used), "yearMonth": year_month}
        return self.success(data, account.behaviour)

    def _balance(self, account: Account, _query: Mapping[str, str], path: re.Match[str]) -> Reply:
        if path["organization"] != account.organization:
            return self.refusal(404, "organization not found", 12)
        today = account.now.date()
        summary = _summary(sum(_day(account.seed, day)["used"] for day in _days(f"{today:%Y-%m}", today)))
        balance = summary["deposited"] + summary["granted"] - summary["used"]
        return self.success({"balance": _go_number(balance), "minThreshold": 100}, account.behaviour)

    def _request_id(self) -> dict[str, str]:
        self._answers += 1
        return {"requestId": f"req_{digest('request', str(self._answers), 6).hex()}"}


def _list(rows: list[dict[str, Any]], behaviour: Behaviour) -> list[dict[str, Any]] | None:
    if behaviour.null_lists == "always" or (behaviour.null_lists == "when_empty" and not rows):
        return None
    return rows


def _days(year_month: str, today: date) -> list[date]:
    year, month = int(year_month[:4]), int(year_month[5:])
    days = (date(year, month, day + 1) for day in range(calendar.monthrange(year, month)[1]))
    return [day for day in days if today.year - 2 <= day.year and day <= today]


def _day(seed: str, day: date) -> dict[str, Any]:
    noise = digest(seed, f"cu {day}", len(_NODES))
    # The first of each month holds the two numbers that naive clients misread: 0.30000000000000004 and 1e-07.
    counts = [3, 0, 1, 1, 0, 0, 1] if day.day == 1 else [byte % 40 for byte in noise]
    breakdown = [
        {"count": count, "cu": _go_number(count * price), "nodeType": node, "type": kind}
        for (node, kind, price), count in zip(_NODES, counts, strict=True)
        if count
    ]
    used = sum(count * price for (_, _, price), count in zip(_NODES, counts, strict=True))
    return {"breakdown": breakdown, "date": day.isoformat(), "used": _go_number(used)}


def _summary(used: float) -> dict[str, Any]:
    return {"deposited": 5000, "granted": 1000.5, "used": _go_number(used)}


def _go_number(value: float) -> float | int:
    # Go writes whole floats without a point.
    return int(value) if float(value).is_integer() else value
