from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from aiozbilling import (
    AiozBilling,
    ConfigurationError,
    ConnectError,
    RetryPolicy,
    TLSError,
)
from aiozbilling.exchange.transport import checked_base_url
from aiozbilling.simulator import Fault, Simulator

ONCE = RetryPolicy(attempts=1)


@pytest.mark.parametrize(
    ("given_url", "base_url"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        (" https://api.example.com/root/v2/ ", "https://api.example.com/root/v2"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_good_base_urls_are_taken(given_url: str, base_url: str) -> None:
    """A base URL may have a port and a path, and loses its final slash."""
    assert checked_base_url(given_url, allow_http=False) == base_url


@pytest.mark.parametrize(
    ("base_url", "why"),
    [
        ("", "must begin with https"),
        ("api.example.com", "must begin with https"),
        ("ftp://api.example.com", "must begin with https"),
        ("https://", "must begin with https"),
        ("https://[::1", "must begin with https"),
        ("https://host:99999", "must begin with https"),
        ("https://user:word@api.example.com", "user name or password"),
        ("https://api.example.com?x=1", "query or a fragment"),
        ("https://api.example.com#x", "query or a fragment"),
        ("http://api.example.com", "plain http"),
        ("http://127.0.0.1.example.com", "plain http"),
        ("http://10.0.0.1", "plain http"),
        (None, "must be a str"),
        (b"https://api.example.com", "must be a str"),
    ],
)
def test_bad_base_urls_are_refused(base_url: object, why: str) -> None:
    """What can't be a base URL, or would send credentials readable or elsewhere, is refused with its reason."""
    with pytest.raises(ConfigurationError, match=why) as caught:
        checked_base_url(base_url, allow_http=False)
    assert "word" not in str(caught.value).replace("password", "")


def test_plain_http_is_for_those_who_allow_it() -> None:
    """allow_http=True permits plain http to another machine."""
    assert checked_base_url("http://10.0.0.1", allow_http=True) == "http://10.0.0.1"


@asynccontextmanager
async def listening(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_refused_connection_is_told_and_retried() -> None:
    """Nobody listening is a ConnectError, which is also a ConnectionError, after all attempts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    policy = RetryPolicy(attempts=3, wait_s=0.001)
    async with AiozBilling(token="t0ken", base_url=f"http://127.0.0.1:{port}", retry=policy) as billing:
        with pytest.raises(ConnectError, match="after 3 attempts") as caught:
            await billing.this_month_usage()
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


async def test_a_server_without_tls_is_a_tls_error_at_once() -> None:
    """Https to a port that speaks plain text is a TLSError, and not tried again."""
    connections = 0

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    async with listening(answer) as port:
        async with AiozBilling(token="t0ken", base_url=f"https://127.0.0.1:{port}") as billing:
            with pytest.raises(TLSError):
                await billing.this_month_usage()
    assert connections == 1


async def test_one_attempt_is_one_request(billing_simulator: Simulator) -> None:
    """Aiohttp's own silent repetition of a GET after a lost connection is off: an attempt is a request."""
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url, retry=ONCE) as billing:
        await billing.this_month_usage()
        billing_simulator.requests.clear()
        billing_simulator.fail(Fault("connection-dropped"), times=5)
        with pytest.raises(ConnectError):
            await billing.this_month_usage()
    assert len(billing_simulator.requests) == 1


async def test_a_session_of_the_callers_is_used_and_left_open(billing_simulator: Simulator) -> None:
    """A given session serves the calls with its own settings overruled where secrets are at stake, and stays open."""
    async with aiohttp.ClientSession(raise_for_status=True, trust_env=True) as session:
        async with AiozBilling(
            token=billing_simulator.token, base_url=billing_simulator.url, session=session
        ) as billing:
            assert (await billing.this_month_usage()).total_storage > 0
            billing_simulator.fail(Fault("redirect-to-other-host"))
            with pytest.raises(Exception, match="leads elsewhere"):
                await billing.this_month_usage()
        assert not session.closed


async def test_a_closed_session_is_told(billing_simulator: Simulator) -> None:
    """A session that its owner closed is a ConfigurationError, not a crash."""
    session = aiohttp.ClientSession()
    await session.close()
    billing = AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url, session=session)
    with pytest.raises(ConfigurationError, match="closed"):
        await billing.this_month_usage()


async def test_large_bodies_arrive_whole_and_compressed_ones_too(billing_simulator: Simulator) -> None:
    """A page of a thousand rows is read whole; nothing but gzip and deflate is asked for."""
    billing_simulator.add_top_ups(2000)
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url) as billing:
        page = await billing.top_ups(page_size=1000)
    assert len(page.items) == 1000
    assert billing_simulator.requests[-1].headers["Accept-Encoding"] == "gzip, deflate"
