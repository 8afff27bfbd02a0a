from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest

from aiozbilling import (
    AiozBilling,
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    ProtocolError,
    RateLimitedError,
    RetryPolicy,
    TLSError,
)
from aiozbilling.exchange.transport import checked_base_url
from aiozbilling.simulator import Fault, Simulator
from tests.simulated import reserved_port

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
def test_good_base_urls_are_accepted(given_url: str, base_url: str) -> None:
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
    """An invalid base URL, or one that would send credentials unencrypted or elsewhere, is refused with the reason."""
    with pytest.raises(ConfigurationError, match=why) as caught:
        checked_base_url(base_url, allow_http=False)
    assert "word" not in str(caught.value).replace("password", "")


def test_plain_http_is_for_those_who_allow_it() -> None:
    """allow_http=True permits plain http to another machine."""
    assert checked_base_url("http://10.0.0.1", allow_http=True) == "http://10.0.0.1"
    with pytest.raises(ConfigurationError, match="allow_http must be True or False, not 'false'"):
        checked_base_url("http://10.0.0.1", allow_http="false")  # type: ignore[arg-type]


@asynccontextmanager
async def listening(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    writers: list[asyncio.StreamWriter] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await answer(reader, writer)

    async with await asyncio.start_server(served, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        for writer in writers:  # otherwise a later test is warned of a connection that is still open
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def test_a_refused_connection_is_retried() -> None:
    """If no server listens, all attempts are made, and the error is a ConnectError, which is also a ConnectionError."""
    policy = RetryPolicy(attempts=3, wait_s=0.001)
    with reserved_port() as port:
        async with AiozBilling(token="t0ken", base_url=f"http://127.0.0.1:{port}", retry=policy) as billing:
            with pytest.raises(ConnectError, match="after 3 attempts") as caught:
                await billing.this_month_usage()
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


async def test_a_server_without_tls_is_a_tls_error_at_once() -> None:
    """HTTPS to a port without TLS is a TLSError and is not retried."""
    connections = 0

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    async with listening(answer) as port:
        async with AiozBilling(token="t0ken", base_url=f"https://127.0.0.1:{port}") as billing:
            with pytest.raises(TLSError, match="server uses https"):
                await billing.this_month_usage()
    assert connections == 1


@pytest.mark.parametrize("is_given", [False, True])
async def test_one_attempt_is_one_request(billing_simulator: Simulator, *, is_given: bool) -> None:
    """Aiohttp's own retry of a GET after a lost connection is disabled, on the client's sessions and the caller's."""
    async with aiohttp.ClientSession() as session:
        given = {"session": session} if is_given else {}
        url = billing_simulator.url
        async with AiozBilling(token=billing_simulator.token, base_url=url, retry=ONCE, **given) as billing:
            await billing.this_month_usage()
            billing_simulator.requests.clear()
            billing_simulator.fail(Fault("connection-dropped"), times=5)
            with pytest.raises(ConnectError) as caught:
                await billing.this_month_usage()
    assert len(billing_simulator.requests) == 1
    assert caught.value.before_reply


async def test_a_body_that_is_cut_is_no_lost_request(billing_simulator: Simulator) -> None:
    """A connection that is lost during the body uses the retry budget, because the reply had begun."""
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url, retry=ONCE) as billing:
        billing_simulator.fail(Fault("truncated-body"))
        with pytest.raises(ConnectError) as caught:
            await billing.this_month_usage()
    assert not caught.value.before_reply


@pytest.mark.filterwarnings("ignore:Inheritance class")
async def test_what_a_session_adds_to_a_request_stays_there(billing_simulator: Simulator) -> None:
    """Headers that the caller's session adds to a request, as tracers do, are not in later requests."""
    traces = iter(["first", None])

    class Traced(aiohttp.ClientSession):  # type: ignore[misc]
        async def _request(self, *arguments: Any, **options: Any) -> aiohttp.ClientResponse:
            if trace := next(traces):
                options["headers"]["X-Trace"] = trace
            return await super()._request(*arguments, **options)

    async with Traced() as session:
        billing = AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url, session=session)
        await billing.this_month_usage()
        await billing.this_month_usage()
    assert [request.headers.get("X-Trace") for request in billing_simulator.requests] == ["first", None]


async def test_a_session_of_the_callers_is_used_and_left_open(billing_simulator: Simulator) -> None:
    """The caller's session is used and stays open; settings that would endanger secrets are overridden."""
    async with aiohttp.ClientSession(raise_for_status=True, trust_env=True) as session:
        async with AiozBilling(
            token=billing_simulator.token, base_url=billing_simulator.url, session=session
        ) as billing:
            assert (await billing.this_month_usage()).total_storage > 0
            billing_simulator.fail(Fault("redirect-to-other-host"))
            with pytest.raises(Exception, match="leads to another server"):
                await billing.this_month_usage()
        assert not session.closed


async def test_the_failure_of_a_proxy_names_the_proxy() -> None:
    """If the proxy of the caller's session refuses a connection or can't be reached, the error names the proxy."""
    asked = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with listening(answer) as port:
        proxy = f"http://user:s3cret-of-proxy@127.0.0.1:{port}"
        async with aiohttp.ClientSession(proxy=proxy) as session:
            billing = AiozBilling(token="t0ken", base_url="https://api.example.com", session=session)
            with pytest.raises(ProtocolError, match="proxy refused to connect to .*: HTTP 407") as refused:
                await billing.this_month_usage()
    assert len(asked) == 1  # a wrong password is not sent again: the proxy could lock the account
    async with aiohttp.ClientSession(proxy=proxy) as session:
        billing = AiozBilling(token="t0ken", base_url="https://api.example.com", session=session, retry=ONCE)
        with pytest.raises(ConnectError, match="no connection to the session's proxy") as unreached:
            await billing.this_month_usage()
    for error in (refused.value, unreached.value):
        assert "s3cret-of-proxy" not in str(error)


@pytest.mark.parametrize("proxy", ["", "http://127.0.0.1:9"])
async def test_without_a_connection_the_hint_names_an_unused_proxy(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """A proxy in the environment is not used, and the hint says so, but only where there is one."""
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", proxy)
    with reserved_port() as port:
        async with AiozBilling(token="t", base_url=f"https://127.0.0.1:{port}", retry=ONCE) as billing:
            with pytest.raises(ConnectError) as caught:
                await billing.this_month_usage()
    assert ("proxy in the environment is not used" in str(caught.value)) is bool(proxy)


async def test_a_closed_session_is_reported(billing_simulator: Simulator) -> None:
    """A session that its owner closed is a ConfigurationError, not a crash."""
    session = aiohttp.ClientSession()
    await session.close()
    billing = AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url, session=session)
    with pytest.raises(ConfigurationError, match="closed"):
        await billing.this_month_usage()


async def test_large_bodies_arrive_whole_and_compressed_ones_too(billing_simulator: Simulator) -> None:
    """A page of a thousand rows is read completely; only gzip and deflate are requested."""
    billing_simulator.add_top_ups(2000)
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url) as billing:
        page = await billing.top_ups(page_size=1000)
    assert len(page.items) == 1000
    assert billing_simulator.requests[-1].headers["Accept-Encoding"] == "gzip, deflate"


async def reply_once(reply: bytes, *, hold: bool = False) -> tuple[Callable[..., Awaitable[None]], list[float]]:
    """Return a server function that sends these bytes for each request, and the list of its times."""
    times: list[float] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        times.append(asyncio.get_running_loop().time())
        writer.write(reply)
        await writer.drain()
        if hold:
            await reader.read()  # until the client hangs up
        writer.close()

    return answer, times


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 100\r\n\r\n{",
        pytest.param(b"Content-Length: 5\r\nContent-Encoding: gzip\r\n\r\nhello", marks=pytest.mark.slow),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", marks=pytest.mark.slow),
    ],
)
async def test_an_error_whose_body_cannot_be_read_keeps_its_status(rest: bytes) -> None:
    """The error of a 429 with a cut or broken body still has its status and Retry-After."""
    answer, times = await reply_once(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n" + rest)
    async with listening(answer) as port:
        retry = RetryPolicy(attempts=2)
        async with AiozBilling(token="t0ken", base_url=f"http://127.0.0.1:{port}", retry=retry) as billing:
            with pytest.raises(RateLimitedError) as caught:
                await billing.this_month_usage()
    assert caught.value.retry_after == 1.0
    assert times[1] - times[0] >= 1.0


async def test_a_timeout_of_the_callers_that_comes_with_ours_is_kept() -> None:
    """If both timeouts end in the same pass of the loop, the caller's timeout ends the whole call."""
    answer, times = await reply_once(b"", hold=True)
    async with listening(answer) as port:
        async with AiozBilling(token="t0ken", base_url=f"http://127.0.0.1:{port}", timeout=0.1) as billing:
            for _ in range(3):
                with pytest.raises(TimeoutError) as caught:
                    async with asyncio.timeout(0.1):
                        await billing.this_month_usage()
                assert type(caught.value) is TimeoutError
        await asyncio.sleep(0.05)
    assert len(times) == 3


async def test_an_error_whose_body_drips_is_not_waited_for() -> None:
    """A 401 whose body never ends is an AuthenticationError after half the timeout at most."""
    answer, times = await reply_once(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\nno", hold=True)
    async with listening(answer) as port:
        async with AiozBilling(token="t0ken", base_url=f"http://127.0.0.1:{port}", timeout=0.5) as billing:
            with pytest.raises(AuthenticationError, match="HTTP 401: no"):
                await billing.this_month_usage()
        await asyncio.sleep(0.05)
    assert len(times) == 1


async def test_a_reply_without_a_request_is_not_the_next_ones() -> None:
    """What a server sends on an idle connection, such as a late second reply, is never the reply to the next call."""
    is_called, is_sent = asyncio.Event(), asyncio.Event()

    def month(usage: int) -> bytes:
        costs = b'"storage_cost":"3","bandwidth_cost":"4"'
        body = b'{"data":{"total_storage":9,"storage_usage":%d,"bandwidth_usage":9,%b},"status":"success"}'
        return _with_length(body % (usage, costs))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(month(1))
        await is_called.wait()
        writer.write(month(2))
        await writer.drain()
        is_sent.set()
        await reader.read()
        writer.close()

    async with listening(answer) as port:
        async with AiozBilling(token="t0ken", base_url=f"http://127.0.0.1:{port}", retry=ONCE) as billing:
            await billing.this_month_usage()
            is_called.set()
            await is_sent.wait()
            for _ in range(10):
                await asyncio.sleep(0)  # so that the client's side of the connection receives it
            assert (await billing.with_credentials(token="other").this_month_usage()).storage_usage == 1


def _with_length(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def test_a_server_that_closes_after_each_reply_is_read_to_the_end(billing_simulator: Simulator) -> None:
    """If the server closes connections between requests, a list of 60 pages is still read completely."""
    billing_simulator.add_top_ups(350)
    async with AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url, rate_limit=None) as billing:
        billing_simulator.fail(Fault("connection-dropped"), times=10_000, every=2)
        rows = await billing.top_ups(page_size=11, concurrency=1).collect()
    assert [row.id for row in rows] == billing_simulator.top_up_ids()


async def test_a_sessions_middlewares_are_kept(billing_simulator: Simulator) -> None:
    """Middlewares of the caller's session see each request."""
    seen: list[str] = []

    async def trace(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        seen.append(request.url.path)
        return await handler(request)

    async with aiohttp.ClientSession(middlewares=[trace]) as session:
        billing = AiozBilling(token=billing_simulator.token, base_url=billing_simulator.url, session=session)
        await billing.this_month_usage()
    assert seen == ["/api/billing/thisMonthUsage"]


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated", "ignore:.*auth.*deprecated")
@pytest.mark.parametrize("setting", ["auto_decompress", "auth"])
async def test_a_session_that_cannot_serve_is_refused(setting: str) -> None:
    """A session with settings that make every call fail is refused with the reason."""
    value = {"auto_decompress": False, "auth": aiohttp.BasicAuth("a", "b")}[setting]
    async with aiohttp.ClientSession(**{setting: value}) as session:  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match=setting):
            await AiozBilling(token="t0ken", session=session).this_month_usage()
