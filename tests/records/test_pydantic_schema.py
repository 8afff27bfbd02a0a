"""Records as fields and response models of pydantic, with descriptions in the schema."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from decimal import Decimal

import attrs
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from aiozbilling import CuDay, CuLine, CuUsage, DayUsage, TokenAmount, TopUp, records, to_dict, to_json
from aiozbilling.records.record import Record

DAY = DayUsage(date=dt.datetime(2026, 11, 21, tzinfo=dt.UTC), total_storage=5, total_bandwidth=6)
USAGE = CuUsage(year_month="2026-11", daily=(CuDay(date="2026-11-01", breakdown=(CuLine(cu=Decimal("1e-7")),)),))
KINDS = [getattr(records, name) for name in records.__all__ if isinstance(getattr(records, name), type)]


class Answer(BaseModel):
    days: list[DayUsage]
    usage: CuUsage | None = None


def test_a_model_with_records_writes_the_same_json():
    """Fields with records are serialized as by `to_dict`, including nested records."""
    answer = Answer(days=[DAY], usage=USAGE)
    assert json.loads(answer.model_dump_json()) == {"days": [to_dict(DAY)], "usage": to_dict(USAGE)}
    assert answer.model_dump() == {"days": [to_dict(DAY)], "usage": to_dict(USAGE)}
    assert TypeAdapter(list[DayUsage]).dump_json([DAY]).decode() == to_json([DAY])


def test_only_records_are_accepted():
    """A dict, or another kind of record, is a validation error."""
    for wrong in (to_dict(DAY), USAGE, None):
        with pytest.raises(ValidationError, match="DayUsage"):
            Answer(days=[wrong])


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_the_schema_names_each_record_once(mode):
    """Each record is a separate definition, with types, formats and descriptions from the docstrings."""
    definitions = Answer.model_json_schema(mode=mode)["$defs"]
    assert set(definitions) == {"DayUsage", "CuUsage", "CuDay", "CuLine", "CuSummary"}
    day = definitions["DayUsage"]
    assert day["title"] == "DayUsage"
    assert day["properties"]["date"]["format"] == "date-time"
    assert day["properties"]["day"] == {
        "type": "string",
        "format": "date",
        "description": "The calendar day in UTC.",
    }
    assert day["properties"]["total_storage"]["type"] == "integer"
    assert {"type": "string", "format": "decimal"} in day["properties"]["amount_usd"]["anyOf"]
    assert list(day["properties"]) == day["required"] == list(to_dict(DAY))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_record_has_a_schema(kind):
    """Each record class is a `Record`, has a JSON schema, and every value in it is described."""
    assert issubclass(kind, Record)
    schema = TypeAdapter(kind).json_schema()
    schema = schema.get("$defs", {}).get(kind.__name__, schema)
    assert [name for name, value in schema["properties"].items() if not value.get("description")] == []
    assert {field.name for field in attrs.fields(kind)} <= set(schema["properties"])


def test_a_schema_accepts_what_is_written():
    """The JSON of a top-up has the types in its schema."""
    amount = TokenAmount("attoaioz", Decimal(5))
    top_up = TopUp(
        id="a",
        amount=amount,
        sender="s",
        recipient="r",
        status=False,
        cosmos_tx_hash="",
        created_at=None,
        updated_at=None,
    )
    written, schema = to_dict(top_up), TypeAdapter(TopUp).json_schema()
    names = {"string": str, "integer": int, "boolean": bool, "null": type(None)}
    for name, value in schema["properties"].items():
        kinds = [names[form["type"]] for form in value.get("anyOf", [value]) if "type" in form]
        assert "$ref" in value or isinstance(written[name], tuple(kinds)), name


def test_records_load_no_pydantic():
    """Importing the records loads neither pydantic nor msgspec."""
    code = (
        "import sys, aiozbilling.records, aiozbilling.records.json;"
        "assert not {'pydantic', 'msgspec'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
