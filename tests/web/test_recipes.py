"""The applications of the guide (aiozbilling/web/README.md) run as real servers under real clients."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import requests

from aiozbilling import AiozBilling, to_dict
from tests.simulated import simulator_in_thread
from tests.web.recipes import recipe_files, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiozbilling.simulator import Simulator
    from tests.web.recipes import Server

RECIPES = [
    "aiohttp_app.py",
    pytest.param("fastapi_app.py", marks=pytest.mark.slow),
    pytest.param("starlette_app.py", marks=pytest.mark.slow),
    pytest.param("litestar_app.py", marks=pytest.mark.slow),
]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Serve three accounts from a thread of its own."""
    with simulator_in_thread(seed=5, accounts=3, top_ups=60, days=30) as simulator:
        yield simulator


class Browser:
    """Ask a server as a page does."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def get(self, path: str) -> tuple[int, Any, bytes]:
        """Return status, headers and body."""
        async with self.session.get(self.url + path) as response:
            return response.status, response.headers, await response.read()

    async def events(self, tenant: str, count: int, last_event_id: str | None = None, ready: Any = None) -> list[Any]:
        """Return so many events as (name, id, data), and leave."""
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        events: list[Any] = []
        async with self.session.get(f"{self.url}/tenants/{tenant}/events", headers=headers) as response:
            assert response.headers["Content-Type"].startswith("text/event-stream")
            while len(events) < count:
                block = (await response.content.readuntil(b"\n\n")).decode()
                if block.startswith(":") and ready is not None:
                    ready.set()
                fields = dict(re.findall(r"^(\w+): ?(.*)$", block, re.MULTILINE))
                if "event" in fields:
                    events.append((fields["event"], fields.get("id"), fields["data"]))
        return events


@pytest.mark.parametrize("recipe", RECIPES)
async def test_a_recipe_does_what_the_guide_says(recipe, simulator, tmp_path):
    """JSON, tenants, downloads, events, errors, disconnects, metrics and shutdown, without a surprise in the log."""
    with serving(recipe, simulator, tmp_path) as server:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(100)) as session:
            browser = Browser(session, server.url)
            await check_json(browser, simulator)
            await check_schema(browser, recipe)
            await check_requests(browser)
            await check_download(browser, simulator)
            await check_events(browser, simulator)
            await check_errors(browser, simulator)
            await check_disconnects(browser, simulator)
            await check_metrics(browser)
            await check_shutdown(browser, server)
        log = server.log.read_text()
    assert not re.search(r"Traceback|Warning|Error|Exception|Task was destroyed|never retrieved|exceeded", log), log


@pytest.mark.parametrize("recipe", RECIPES)
async def test_an_incomplete_download_does_not_look_complete(recipe, simulator, tmp_path):
    """A failing later page ends the response without its last chunk; HTTP/1.0, which has no last chunk, is refused."""
    account = simulator.accounts[1]
    simulator.behaviour.max_limit = 5
    with serving(recipe, simulator, tmp_path) as server:
        complete = await raw_download(server, "HTTP/1.1")
        assert all(identifier.encode() in complete for identifier in account.top_up_ids())
        assert complete.endswith(b"0\r\n\r\n")
        simulator.fail("http-404", times=1000, after=2, account=account)
        incomplete = await raw_download(server, "HTTP/1.1")
        assert incomplete.startswith(b"HTTP/1.1 200 ")
        assert incomplete.count(b"HTTP/1.1") == 1, "no other response is a part of the body"
        assert not incomplete.endswith(b"0\r\n\r\n")
        assert (await raw_download(server, "HTTP/1.0")).split()[1] == b"505"


async def test_pages_do_not_wait_while_the_provider_is_busy(simulator, tmp_path):
    """After a 429, the pages of the account are 503 with Retry-After at once."""
    simulator.fail("http-429", account=simulator.accounts[1], headers={"Retry-After": "20"})
    with serving("aiohttp_app.py", simulator, tmp_path) as server:
        async with aiohttp.ClientSession() as session:
            for path in ("month", "top-ups"):
                status, headers, _ = await Browser(session, server.url).get(f"/tenants/acme/{path}")
                assert status == 503
                assert 0 < int(headers["Retry-After"]) <= 20


async def raw_download(server: Server, version: str) -> bytes:
    """Return all bytes of a response until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    writer.write(f"GET /tenants/acme/top-ups.csv {version}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    response = await reader.read()
    writer.close()
    return response


async def check_json(browser: Browser, simulator: Simulator) -> None:
    """Fifty requests for a month cost one call; each tenant sees its own rows, exactly as `to_dict` writes them."""
    answers = await asyncio.gather(*(browser.get("/tenants/acme/month") for _ in range(50)))
    assert {status for status, _, _ in answers} == {200}
    month = json.loads(answers[0][2])
    assert month["storage_cost"] == simulator.accounts[1].month()["storage_cost"]
    assert month["total_cost_usd"].startswith("3.") or float(month["total_cost_usd"]) > 0
    assert len([one for one in simulator.requests if one.account is simulator.accounts[1]]) == 1
    for tenant, account in (("acme", simulator.accounts[1]), ("globex", simulator.accounts[2])):
        status, headers, body = await browser.get(f"/tenants/{tenant}/top-ups?count=5")
        keys = {"api_key": account.api_key, "secret_key": account.secret_key, "base_url": simulator.url}
        async with AiozBilling(**keys) as billing:
            expected = [to_dict(row) for row in await billing.top_ups(max_items=5).collect()]
        assert (status, json.loads(body)) == (200, expected)
        assert headers["Content-Type"].startswith("application/json")
    status, _, _ = await browser.get("/tenants/nobody/month")
    assert status == 404


async def check_requests(browser: Browser) -> None:
    """Get an error for a wrong count and for HEAD; after a HEAD of an endless stream, the connection is free."""
    for count in ("many", "", "-1", "5x", "9" * 5000):
        assert (await browser.get(f"/tenants/acme/top-ups?count={count}"))[0] in (400, 422), count[:9]
    for count, rows in (("0", 0), ("9" * 20, 60)):
        status, _, body = await browser.get(f"/tenants/acme/top-ups?count={count}")
        assert (status, len(json.loads(body))) == (200, rows)
    with requests.Session() as session:
        for path in ("tenants/acme/top-ups.csv", "tenants/acme/events", "tenants/acme/month", "ready", "metrics"):
            response = await asyncio.to_thread(session.head, f"{browser.url}/{path}", timeout=60)
            assert response.status_code == 405, path
        response = await asyncio.to_thread(session.get, f"{browser.url}/ready", timeout=60)
        assert response.status_code == 200


async def check_schema(browser: Browser, recipe: str) -> None:
    """Find the records in the OpenAPI schema of the frameworks that make one."""
    path = {"fastapi_app.py": "/openapi.json", "litestar_app.py": "/schema/openapi.json"}.get(recipe)
    if path is not None:
        status, _, body = await browser.get(path)
        schemas = json.loads(body)["components"]["schemas"]
        assert status == 200
        assert "total_cost_usd" in schemas["MonthUsage"]["properties"]
        assert schemas["TopUp"]["properties"]["id"]["description"]


async def check_download(browser: Browser, simulator: Simulator) -> None:
    """Get every row of a download; a failing first page is an error response."""
    status, headers, body = await browser.get("/tenants/acme/top-ups.csv")
    assert (status, headers["Content-Type"].partition(";")[0]) == (200, "text/csv")
    assert [row["id"] for row in csv.DictReader(io.StringIO(body.decode()))] == simulator.accounts[1].top_up_ids()
    simulator.fail("http-404", account=simulator.accounts[1])
    status, headers, body = await browser.get("/tenants/acme/top-ups.csv")
    assert (status, headers["Content-Type"]) == (502, "application/problem+json")
    assert json.loads(body)["code"] == "provider-refused"


async def check_events(browser: Browser, simulator: Simulator) -> None:
    """Every page gets new rows; one that reconnects gets exactly what it missed, or a reset if that is too much."""
    account = simulator.accounts[1]
    ready = [asyncio.Event() for _ in range(5)]
    pages = [asyncio.create_task(browser.events("acme", 2, ready=event)) for event in ready]
    await asyncio.gather(*(event.wait() for event in ready))
    await polled(simulator, account)
    new = account.add_top_ups(2)
    for events in await asyncio.gather(*pages):
        assert [(name, identifier) for name, identifier, _ in events] == [("row", new[0]), ("row", new[1])]
        assert [json.loads(data)["id"] for _, _, data in events] == new
    missed = account.add_top_ups(3)
    events = await browser.events("acme", 4, last_event_id=new[0])
    assert [identifier for _, identifier, _ in events] == [new[1], *missed]
    assert await browser.events("acme", 1, last_event_id="long-ago") == [("reset", "", "")]


async def check_errors(browser: Browser, simulator: Simulator) -> None:
    """Get a 502 of its own code for a revoked key, a 503 for a busy provider; another tenant is served."""
    simulator.accounts[2].is_revoked = True
    status, headers, body = await browser.get("/tenants/globex/month")
    assert (status, headers["Content-Type"]) == (502, "application/problem+json")
    assert json.loads(body)["code"] == "provider-credentials"
    assert b"AIOZ" not in body
    status, _, body = await browser.get("/tenants/globex/events")
    assert status == 200, "the feed has only begun"
    simulator.accounts[2].is_revoked = False
    simulator.fail("http-429", times=2, account=simulator.accounts[2], headers={"Retry-After": "90"})
    status, headers, _ = await browser.get("/tenants/globex/top-ups")
    assert status == 503
    assert 30 < int(headers["Retry-After"]) <= 90
    assert (await browser.get("/tenants/acme/month"))[0] == 200


async def check_disconnects(browser: Browser, simulator: Simulator) -> None:
    """Pages that leave in the middle of a download or of events end what was done for them."""
    account = simulator.accounts[1]
    account.add_top_ups(3000)
    status, _, body = await browser.get("/tenants/acme/top-ups?count=100000")
    assert (status, len(json.loads(body))) == (200, 200), "one request does not read a long list into memory"
    simulator.behaviour.latency_s = 0.05

    def leave(path: str) -> None:
        with requests.get(browser.url + path, stream=True, timeout=60) as response:
            next(response.iter_content(10))

    def leave_before_the_headers() -> None:
        with socket.create_connection(("127.0.0.1", int(browser.url.rpartition(":")[2]))) as connection:
            connection.sendall(b"GET /tenants/acme/top-ups.csv HTTP/1.1\r\nHost: x\r\n\r\n")

    asked = len(simulator.requests)
    leave_before_the_headers()
    async with asyncio.timeout(60):
        while len(simulator.requests) == asked or simulator.in_flight:
            await asyncio.sleep(0.01)
    paths = ["/tenants/acme/top-ups.csv", "/tenants/acme/events"] * 3
    await asyncio.gather(*(asyncio.to_thread(leave, path) for path in paths))
    simulator.behaviour.latency_s = 0.0
    for path in paths[:2]:
        async with browser.session.get(browser.url + path) as response:
            await response.content.readany()
    async with asyncio.timeout(60):
        while simulator.in_flight:
            await asyncio.sleep(0.05)


async def check_metrics(browser: Browser) -> None:
    """Prometheus finds the requests to the provider by endpoint and outcome."""
    _, headers, body = await browser.get("/metrics")
    assert headers["Content-Type"].startswith("text/plain")
    assert b'billing_attempts_total{endpoint="GET /api/billing/topUp",outcome="ok"}' in body
    assert b'outcome="AuthenticationError"' in body


async def check_shutdown(browser: Browser, server: Server) -> None:
    """SIGTERM ends open event streams cleanly, and the server, which otherwise serves them forever."""
    async with browser.session.get(f"{browser.url}/tenants/acme/events") as response:
        assert await response.content.readuntil(b"\n\n") == b": connected\n\n"
        code = await asyncio.to_thread(server.terminate)
        assert b"event: problem" not in await response.content.read()
    assert code in (0, -15)


async def polled(simulator: Simulator, account: Any) -> None:
    """Wait until an account's list was asked some times more, so that its feed knows the old rows."""
    asked = len(simulator.requests)
    async with asyncio.timeout(60):
        while len([one for one in simulator.requests[asked:] if one.account is account and one.status]) < 4:
            await asyncio.sleep(0.01)


def test_every_recipe_is_run():
    """The applications of README.md are those that the test above runs."""
    names = {getattr(recipe, "values", [recipe])[0] for recipe in RECIPES}
    assert set(recipe_files()) == names | {"tenants.py"}
