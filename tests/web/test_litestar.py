"""Records as return values of Litestar handlers."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

from litestar import Litestar, get
from litestar.config.app import AppConfig
from litestar.response import Response

from aiozbilling import DayUsage, TokenAmount, to_dict
from aiozbilling.web.litestar import RecordsPlugin

DAY = DayUsage(
    date=dt.datetime(2026, 11, 21, tzinfo=dt.UTC), total_storage=5, total_bandwidth=6, total_amount=Decimal("2E+15")
)


@get("/day", sync_to_thread=False)
def day() -> DayUsage:
    """Return a day."""
    return DAY


@get("/days", sync_to_thread=False)
def days() -> dict[str, list[DayUsage]]:
    """Return days in a dict."""
    return {"days": [DAY]}


def rendered(content: Any) -> Any:
    """Encode as the application does."""
    app = Litestar([day, days], plugins=[RecordsPlugin()])
    assert app.response_class is not None
    return json.loads(app.response_class(content).render(content, "application/json"))


def test_records_are_written_as_everywhere_else():
    """Alone and inside lists, tuples and dicts a record is what `to_dict` returns; other values stay as they are."""
    amount = TokenAmount("attoaioz", Decimal(10**18))
    assert rendered(DAY) == to_dict(DAY)
    assert rendered({"days": [DAY], "more": (amount, 5)}) == {"days": [to_dict(DAY)], "more": [to_dict(amount), 5]}
    assert rendered({"ready": True}) == {"ready": True}


def test_the_schema_describes_the_records():
    """The OpenAPI schema has every value of a record, computed ones too, with types and descriptions."""
    schema = Litestar([day, days], plugins=[RecordsPlugin()]).openapi_schema.to_schema()
    found = schema["components"]["schemas"]["DayUsage"]
    assert list(found["properties"]) == list(to_dict(DAY))
    assert set(found["required"]) == set(to_dict(DAY))
    assert found["properties"]["day"] == {
        "type": "string",
        "format": "date",
        "description": "The calendar day in UTC.",
    }


def test_a_response_class_of_the_application_is_kept():
    """The plugin doesn't replace the application's response class."""
    assert RecordsPlugin().on_app_init(AppConfig(response_class=Response)).response_class is Response
