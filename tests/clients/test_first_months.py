"""An organization of B3OS that did not exist in the first months."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from aiozbilling import B3osBilling, NotFoundError
from aiozbilling.statement import collect
from aiozbilling.sync import sync

NOW = partial(datetime, 2026, 11, 20, tzinfo=UTC)


@asynccontextmanager
async def young(found: set[str], asked: list[str]) -> AsyncIterator[B3osBilling]:
    """Serve the compute units of an organization for some months, and 404 for all others; `asked` gets the requests."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        month = request.query["yearMonth"]
        asked.append(month)
        if "org_1" not in request.path or month not in found:
            return web.json_response({"code": 404001, "message": "not found", "details": []}, status=404)
        day = {"date": f"{month}-02", "used": 1.5, "breakdown": []}
        return web.json_response({"code": 0, "data": {"yearMonth": month, "daily": [day], "summary": {"used": 1.5}}})

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with B3osBilling(token="b3sk_x", base_url=f"http://127.0.0.1:{runner.addresses[0][1]}") as b3os:
        yield b3os
    await runner.cleanup()


def stored(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [month for (month,) in database.execute("SELECT year_month FROM cu_months ORDER BY 1")]


async def test_months_before_the_organization_existed_are_left_out(tmp_path: Path) -> None:
    """A first sync, a later one, and a statement begin with the first month that the server finds."""
    found, path = {"2026-09", "2026-10", "2026-11"}, tmp_path / "b.sqlite"
    async with young(found, []) as b3os:
        report = await sync(None, path, b3os=b3os, organization="org_1", clock=NOW)
        assert (report.requests, stored(path)) == (12, sorted(found))
        assert (await sync(None, path, b3os=b3os, organization="org_1", clock=NOW)).requests == 1
        facts = await collect({}, b3os={"main": (b3os, "org_1")}, read_at=NOW())
        assert [usage.year_month for _, usage in facts.cu] == sorted(found)


async def test_a_wrong_organization_is_an_error(tmp_path: Path) -> None:
    """If the server finds neither the first nor the newest month, the id is wrong, and no others are requested."""
    path, asked = tmp_path / "b.sqlite", list[str]()
    async with young({"2026-11"}, asked) as b3os:
        with pytest.raises(NotFoundError, match="organization id is wrong, or not visible"):
            await sync(None, path, b3os=b3os, organization="org_2", clock=NOW)
        assert len(asked) <= 5, "it is requested at most for the first months"
        with pytest.raises(NotFoundError):
            await b3os.cu_usage("org_1", "2026-10")
    assert stored(path) == []


async def test_a_month_that_is_missing_later_is_an_error() -> None:
    """A month that is not found after others were is an error, as before."""
    months = []
    async with young({"2026-09", "2026-11"}, []) as b3os:
        with pytest.raises(NotFoundError):
            async for usage in b3os.cu_usage_by_month("org_1", since="2026-08", until="2026-11"):
                months.append(usage.year_month)  # noqa: PERF401 - the error ends a comprehension
    assert months == ["2026-09"]
