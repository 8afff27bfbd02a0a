"""A running simulator and a client that shares no code with the library."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp
import attrs
import pytest

from aiozbilling.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiozbilling.simulator import Account


@attrs.frozen
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]


@attrs.define
class Caller:
    """Ask the simulator with nothing but aiohttp."""

    simulator: Simulator
    session: aiohttp.ClientSession

    def headers_for(self, path: str, account: Account | None = None) -> dict[str, str]:
        account = account or self.simulator.account
        if path.startswith("/v1/"):
            return {"Authorization": f"Bearer {account.b3os_token}"}
        if path.startswith("/api/billing/usage"):
            return {"Authorization": f"Bearer {account.metered_token}"}
        return {"pinning_api_key": account.api_key, "pinning_secret_key": account.secret_key}

    async def __call__(
        self, path: str, *, headers: dict[str, str] | None = None, account: Account | None = None, method: str = "GET"
    ) -> Answer:
        async with self.session.request(
            method,
            self.simulator.url + path,
            headers=self.headers_for(path, account) if headers is None else headers,
            allow_redirects=False,
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def top_up_ids(self, query: str = "limit=1000") -> list[str | None]:
        page = (await self(f"/api/billing/topUp?{query}")).data
        return [row and row["id"] for row in page["top_up_usages"] or ()]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """Serve a small account."""
    async with Simulator(seed=7, top_ups=25, days=60) as simulator:
        yield simulator


@pytest.fixture
async def ask(simulator: Simulator) -> AsyncIterator[Caller]:
    """Sign requests for the system that a path belongs to."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Caller(simulator, session)
