"""A server for replies that the simulator does not make."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

Serve = Callable[..., str]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Return a function that serves replies by path and returns their URL."""
    replies: dict[str, tuple[int, str]] = {}

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        status, body = replies[request.path]
        return web.Response(status=status, text=body, content_type="application/json")

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    def take(path: str, body: str, status: int = 200) -> str:
        replies[path] = (status, body)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield take
    await runner.cleanup()
