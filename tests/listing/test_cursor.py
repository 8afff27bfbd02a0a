"""The text of a cursor."""

from __future__ import annotations

import json
from operator import attrgetter

import pytest

from aiozbilling import ConfigurationError, Cursor
from aiozbilling.listing.news import Follower
from aiozbilling.listing.source import Source
from tests.listing.model_provider import Row

KEYS = tuple(f"id:665f1c{number:018x}" for number in range(32))
WALKED = Cursor("/api/billing/topUp", "walk", 1199, 5000, KEYS, KEYS[:8])
EARLIER = '{"v":1,"endpoint":"/list","made_by":"%s","position":9,"total":9,"anchors":["id:a"],"head":["id:b"]%s}'


async def followed() -> Cursor:
    async def fetch(offset: int, limit: int, _received: object = None) -> tuple[list[Row], int]:
        return [Row(f"r{number}", None) for number in range(3)][offset : offset + limit], 3

    follower = Follower(Source("/list", fetch, attrgetter("id"), attrgetter("time"), {}), None)
    assert await follower.poll() == []
    assert follower.cursor is not None
    return follower.cursor


async def test_a_cursor_survives_as_text() -> None:
    """A cursor that is written as text and parsed again is the same cursor."""
    for cursor in (WALKED, await followed()):
        assert Cursor.parse(str(cursor)) == cursor


async def test_no_changed_character_is_believed() -> None:
    """A cursor in which one character is missing or another one is refused, or is read as the same cursor."""
    for cursor in (WALKED, await followed()):
        text = str(cursor)
        for place, character in enumerate(text):
            for other in ("", "0", chr(ord(character) ^ 1)):
                if other == character:
                    continue
                try:
                    read = Cursor.parse(text[:place] + other + text[place + 1 :])
                except ConfigurationError:
                    continue
                assert read == cursor, f"{character!r} at {place} changed to {other!r}"


@pytest.mark.parametrize("facts", ["", ',"finished":true,"checksum":null', ',"finished":true,"checksum":77'])
@pytest.mark.parametrize("made_by", ["walk", "follow"])
def test_a_cursor_of_an_earlier_release_is_read(made_by: str, facts: str) -> None:
    """A cursor of version 1, which had no check number, is read, and is written as one of version 2."""
    cursor = Cursor.parse(EARLIER % (made_by, facts))
    assert (cursor.position, cursor.anchors, cursor.head) == (9, ("id:a",), ("id:b",))
    assert json.loads(str(cursor))["v"] == 2
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize("check", ["null", "true", "1", '"1"'])
def test_a_cursor_needs_its_check_number(check: str) -> None:
    """A cursor of version 2 without the right check number is refused."""
    text = str(WALKED)
    begin = text.index(',"check":')
    for changed in (text[:begin] + "}", f'{text[:begin]},"check":{check}}}'):
        with pytest.raises(ConfigurationError, match="unchanged"):
            Cursor.parse(changed)
