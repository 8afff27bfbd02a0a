"""Lists streamed as web responses."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aiozbilling import AiozBilling, ConfigurationError
from aiozbilling.export import export, stream_csv, stream_jsonl
from aiozbilling.simulator import Simulator
from tests.export.export_lists import listing_of, top_ups


@pytest.fixture
async def billing() -> AsyncIterator[AiozBilling]:
    async with (
        Simulator(top_ups=2400) as simulator,
        AiozBilling(api_key=simulator.api_key, secret_key=simulator.secret_key, base_url=simulator.url) as client,
    ):
        yield client


async def test_aiohttp_serves_csv(billing: AiozBilling) -> None:
    """A client receives the whole list from a handler that writes the chunks."""

    async def top_ups_csv(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/csv"})
        await response.prepare(request)
        async for chunk in stream_csv(billing.top_ups(page_size=500)):
            await response.write(chunk)
        await response.write_eof()
        return response

    app = web.Application()
    app.router.add_get("/top-ups.csv", top_ups_csv)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        async with session.get(server.make_url("/top-ups.csv")) as response:
            rows = list(csv.DictReader(io.StringIO(await response.text(), newline="")))
    assert len({row["id"] for row in rows}) == len(rows) == 2400


async def test_asgi_serves_json_lines(billing: AiozBilling) -> None:
    """An ASGI application, such as Starlette's StreamingResponse, sends the chunks as they arrive."""

    async def app(scope: Any, receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        async for chunk in stream_jsonl(billing.top_ups(page_size=500)):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app({}, None, send)
    body = b"".join(message.get("body", b"") for message in sent)
    assert len([json.loads(line) for line in body.splitlines()]) == 2400
    assert len(sent) > 5


@pytest.mark.parametrize("stream", [stream_csv, stream_jsonl])
async def test_a_client_that_disconnects_ends_the_requests(
    stream: Any, billing: AiozBilling, tasks_left: Callable[[], Awaitable[list[Any]]]
) -> None:
    """Closing the generator after the first chunk leaves no task."""
    chunks = stream(billing.top_ups(page_size=100, concurrency=8))
    assert await anext(chunks)
    await chunks.aclose()
    assert not await tasks_left()


async def test_an_empty_list_streams_its_header() -> None:
    """An empty list is the header in CSV and nothing in JSON Lines; a longer list has one header."""
    assert b"".join([chunk async for chunk in stream_csv(listing_of([]))]).startswith(b"id,created_at,")
    assert [chunk async for chunk in stream_jsonl(listing_of([]))] == []
    whole = b"".join([chunk async for chunk in stream_csv(listing_of(top_ups(30)))])
    assert whole.count(b"id,created_at") == 1
    assert whole.count(b"\n") == 31


def test_a_loop_that_ends_during_a_stream_prints_nothing() -> None:
    """A stream that is open when its event loop shuts down is closed once, and nothing is printed to stderr."""
    program = """
import asyncio
import subprocess
import sys
from aiozbilling import AiozBilling
from aiozbilling.export import stream_csv
from aiozbilling.simulator import Simulator

async def main():
    simulator = Simulator(top_ups=300)
    await simulator.start()
    billing = AiozBilling(token=simulator.token, base_url=simulator.url)
    global chunks, rows
    chunks, rows = stream_csv(billing.top_ups(page_size=20)), aiter(billing.top_ups(page_size=20))
    await anext(chunks)
    await anext(rows)
    await simulator.stop()

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


async def test_what_is_no_listing_is_named(billing: AiozBilling, tmp_path: Path) -> None:
    """A client, a method without its parentheses or a page instead of a listing is an error that names it."""
    wrong: dict[str, Any] = {"AiozBilling": billing, "method": billing.top_ups, "Page": await billing.top_ups()}
    for name, value in wrong.items():
        with pytest.raises(ConfigurationError, match=f"such as billing.top_ups\\(\\), not {name}$"):
            stream_csv(value)
        with pytest.raises(ConfigurationError, match=f"not {name}$"):
            await export(value, tmp_path / "t.csv")
