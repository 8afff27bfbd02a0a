"""AIOZ's billing endpoints.

Source: the provider's pages "Get this month usage data for a user", "Retrieves historical usage data" and
"Retrieves top up data".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from aiozbilling.simulator.accounts import Account
from aiozbilling.simulator.behaviour import Behaviour
from aiozbilling.simulator.credentials import Signature
from aiozbilling.simulator.history import History
from aiozbilling.simulator.reply import Reply
from aiozbilling.simulator.top_ups import TopUps

__all__ = ["Aioz"]


class Aioz:
    """AIOZ's billing service."""

    def __init__(self, advance: Callable[[int], object]) -> None:
        self._advance = advance
        self.routes: dict[str, Callable[[Account, Mapping[str, str], re.Match[str]], Reply]] = {
            r"/api/billing/thisMonthUsage": self._this_month_usage,
            r"/api/billing/historyUsage": self._history_usage,
            r"/api/billing/topUp": self._top_up,
        }

    def signature(self, headers: Mapping[str, str]) -> Signature:
        """Read what a request is signed with: a key pair, or a token."""
        if "pinning_api_key" in headers or "pinning_secret_key" in headers:
            return "AIOZ", headers.get("pinning_api_key"), headers.get("pinning_secret_key")
        return "AIOZ", headers.get("Authorization"), None

    def refusal(self, status: int, message: str) -> Reply:
        """Build an error reply."""
        word = "error" if status >= 500 else "fail"
        return Reply(status, json.dumps({"status": word, "message": message}).encode())

    def rejection(self, good: Reply, *, with_data: bool) -> Reply:
        """Build a 200 whose envelope reports failure."""
        envelope = json.loads(good.body) if with_data else {}
        return Reply(200, json.dumps(envelope | {"status": "fail", "message": "record not found"}).encode())

    def success(self, data: str, behaviour: Behaviour) -> Reply:
        """Wrap data in the envelope."""
        extra = ',"trace_id":"7f3a"' if behaviour.extra_keys else ""
        return Reply(200, f'{{"data":{data},"status":"success"{extra}}}'.encode())

    def _this_month_usage(self, account: Account, _query: Mapping[str, str], _: re.Match[str]) -> Reply:
        # offset and limit are documented here too, but have no effect.
        return self.success(json.dumps(account.month()), account.behaviour)

    def _history_usage(self, account: Account, query: Mapping[str, str], _: re.Match[str]) -> Reply:
        reply = self._page(account.history, query, account.behaviour, total="total_days", rows="history_usages")
        if reply.status == 200 and account.behaviour.grow_days_per_request:
            self._advance(account.behaviour.grow_days_per_request)
        return reply

    def _top_up(self, account: Account, query: Mapping[str, str], _: re.Match[str]) -> Reply:
        reply = self._page(account.top_ups, query, account.behaviour, total="totals", rows="top_up_usages")
        if reply.status == 200:
            account.change()
        return reply

    def _page(
        self, listed: TopUps | History, query: Mapping[str, str], behaviour: Behaviour, *, total: str, rows: str
    ) -> Reply:
        offset, limit = _natural(query.get("offset", "0")), _natural(query.get("limit", "10"))
        if offset is None or limit is None:
            return self.refusal(400, f"invalid {'offset' if offset is None else 'limit'}")
        if behaviour.refuse_limit_above is not None and limit > behaviour.refuse_limit_above:
            return self.refusal(400, f"limit must not be greater than {behaviour.refuse_limit_above}")
        limit = min(limit, behaviour.max_limit or limit)
        window = [listed.encode(serial, behaviour) for serial in listed.serials(behaviour.order, offset, limit)]
        is_null = behaviour.null_lists == "always" or (behaviour.null_lists == "when_empty" and not window)
        page = "null" if is_null else f"[{','.join(window)}]"
        extra = ',"next":null' if behaviour.extra_keys else ""
        return self.success(f'{{"{total}":{listed.total(behaviour.total_lag)},"{rows}":{page}{extra}}}', behaviour)


def _natural(digits: str) -> int | None:
    # More than 18 digits don't fit the provider's integers.
    return int(digits) if re.fullmatch("[0-9]{1,18}", digits, re.ASCII) else None
