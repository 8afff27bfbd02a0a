"""What each fault does to the connection on which a reply was due."""

from __future__ import annotations

import asyncio
import json
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from aiozbilling.simulator.faults import Fault, PlannedFault
from aiozbilling.simulator.reply import Reply, html, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiozbilling.simulator.behaviour import Behaviour
    from aiozbilling.simulator.services import System

__all__ = ["Strike", "send"]

_CHUNK = 1 << 18


async def send(reply: Reply) -> web.StreamResponse:
    """Send a reply as it is."""
    return web.Response(
        status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type, **reply.headers}
    )


class Strike:
    """Do to one request what a planned fault says."""

    def __init__(
        self,
        request: web.BaseRequest,
        system: System,
        good: Reply,
        behaviour: Behaviour,
        closing: asyncio.Event,
    ) -> None:
        self.request = request
        self.system = system
        self.good = good
        self.behaviour = behaviour
        self.closing = closing
        self.echo = ", ".join(
            value
            for name, value in request.headers.items()
            if name.lower() in {"pinning_api_key", "pinning_secret_key", "authorization"}
        )

    async def with_fault(self, planned: PlannedFault) -> web.StreamResponse:
        """Strike, and return what aiohttp is to finish."""
        status = planned.fault.status
        if status is not None:
            reply = self._error(status, planned.body)
        elif planned.fault in _SENT_INSTEAD:
            reply = _SENT_INSTEAD[planned.fault](self)
        else:
            return await _STRIKES[planned.fault](self)
        return await send(Reply(reply.status, reply.body, reply.content_type, {**reply.headers, **planned.headers}))

    def _error(self, status: int, body: str) -> Reply:
        phrase = HTTPStatus(status).phrase
        match body:
            case "json":
                return self.system.refusal(status, f"{phrase} (simulated)")
            case "html":
                return html(status, phrase)
            case _:
                return text(status, phrase)

    def cut(self, wire: bytes) -> web.StreamResponse:
        """Put raw bytes on the wire and close the connection."""
        transport = self.request.transport
        if transport is not None:
            transport.write(wire)
            transport.close()
        return web.Response()  # goes nowhere: the transport is closing

    def head(self, length: int) -> bytes:
        """Write the head of the good reply with any length."""
        return (
            f"HTTP/1.1 {self.good.status} OK\r\nContent-Type: {self.good.content_type}\r\n"
            f"Content-Length: {length}\r\nServer: simulator\r\n\r\n"
        ).encode()

    async def pause(self, seconds: float | None) -> None:
        """Wait, but no longer than the simulator lives."""
        try:
            async with asyncio.timeout(seconds):
                await self.closing.wait()
        except TimeoutError:
            return
        raise ConnectionAbortedError("the simulator is stopping")

    async def stream(self, headers: dict[str, str]) -> web.StreamResponse:
        """Begin a body of unknown length."""
        response = web.StreamResponse(status=200, headers={"Content-Type": self.good.content_type, **headers})
        await response.prepare(self.request)
        return response


async def _dropped(strike: Strike) -> web.StreamResponse:
    return strike.cut(b"")


async def _reset(strike: Strike) -> web.StreamResponse:
    if strike.request.transport is not None:
        strike.request.transport.abort()
    return web.Response()


async def _dropped_after_headers(strike: Strike) -> web.StreamResponse:
    return strike.cut(strike.head(len(strike.good.body)))


async def _truncated(strike: Strike) -> web.StreamResponse:
    body = strike.good.body
    return strike.cut(strike.head(len(body)) + body[: len(body) // 2])


async def _not_http(strike: Strike) -> web.StreamResponse:
    return strike.cut(b"\x16\x03\x01\x00\xa5 SSH-2.0-OpenSSH_9.6\r\n" + b"\x00\xff" * 40)


async def _huge_headers(strike: Strike) -> web.StreamResponse:
    return strike.cut(b"HTTP/1.1 200 OK\r\nX-Filler: " + b"a" * (1 << 20) + b"\r\nContent-Length: 0\r\n\r\n")


async def _hang(strike: Strike) -> web.StreamResponse:
    await strike.pause(None)
    return web.Response()


async def _hang_after_headers(strike: Strike) -> web.StreamResponse:
    response = await strike.stream({"Content-Length": str(len(strike.good.body))})
    await strike.pause(None)
    return response


async def _dripping(strike: Strike) -> web.StreamResponse:
    body, size = strike.good.body, strike.behaviour.drip_bytes
    response = await strike.stream({"Content-Length": str(len(body))})
    for start in range(0, len(body), size):
        await response.write(body[start : start + size])
        await strike.pause(strike.behaviour.drip_interval_s)
    await response.write_eof()
    return response


async def _gigantic(strike: Strike) -> web.StreamResponse:
    response = await strike.stream({})
    await response.write(b'{"status":"success","success":true,"data":"')
    for _ in range(strike.behaviour.gigantic_bytes // _CHUNK + 1):
        await response.write(b"a" * _CHUNK)
    await response.write(b'"}')
    await response.write_eof()
    return response


async def _gigantic_length(strike: Strike) -> web.StreamResponse:
    response = await strike.stream({"Content-Length": str(1 << 40)})
    while not strike.closing.is_set():
        await response.write(b" " * _CHUNK)
    return response


async def _gzip_bomb(strike: Strike) -> web.StreamResponse:
    response = await strike.stream({"Content-Encoding": "gzip"})
    # After a full flush a block stands for itself: the same bytes unpack to 256 KiB as often as they are sent.
    plain = b" " * _CHUNK
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(plain) + packer.flush(zlib.Z_FULL_FLUSH)
    await response.write(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
    checksum, count = 0, strike.behaviour.gigantic_bytes // _CHUNK + 1
    for _ in range(count):
        checksum = zlib.crc32(plain, checksum)
        await response.write(block)
    size = count * _CHUNK % (1 << 32)
    await response.write(b"\x03\x00" + checksum.to_bytes(4, "little") + size.to_bytes(4, "little"))
    await response.write_eof()
    return response


_STRIKES: dict[Fault, Callable[[Strike], Awaitable[web.StreamResponse]]] = {
    Fault.CONNECTION_DROPPED: _dropped,
    Fault.CONNECTION_RESET: _reset,
    Fault.DROPPED_AFTER_HEADERS: _dropped_after_headers,
    Fault.TRUNCATED_BODY: _truncated,
    Fault.NOT_HTTP: _not_http,
    Fault.HUGE_HEADERS: _huge_headers,
    Fault.HANG: _hang,
    Fault.HANG_AFTER_HEADERS: _hang_after_headers,
    Fault.DRIPPING_BODY: _dripping,
    Fault.GIGANTIC_BODY: _gigantic,
    Fault.GIGANTIC_LENGTH: _gigantic_length,
    Fault.GZIP_BOMB: _gzip_bomb,
}


def _ok(body: bytes) -> Reply:
    return Reply(200, body)


def _wrapped(data: bytes) -> bytes:
    return b'{"code":0,"success":true,"status":"success","data":' + data + b"}"


def _redirect(target: str | None, status: int = 302) -> Reply:
    page = html(status, HTTPStatus(status).phrase)
    return Reply(status, page.body, page.content_type, {} if target is None else {"Location": target})


def _other_slash(strike: Strike) -> str:
    url = strike.request.rel_url
    path = url.path.rstrip("/") if url.path.endswith("/") else url.path + "/"
    return str(url.with_path(path).with_query(url.query))


def _other_port(strike: Strike) -> str:
    url = strike.request.url
    return str(url.with_port((url.port or 80) % 65535 + 1))


def _other_scheme(strike: Strike) -> str:
    url = strike.request.url
    return str(url.with_scheme("http" if url.scheme == "https" else "https"))


def _credentials_in_json(strike: Strike) -> Reply:
    return strike.system.refusal(400, f"could not verify {strike.echo}")


_SENT_INSTEAD: dict[Fault, Callable[[Strike], Reply]] = {
    Fault.REJECTED_IN_200: lambda strike: strike.system.rejection(strike.good, with_data=False),
    Fault.REJECTED_WITH_DATA: lambda strike: strike.system.rejection(strike.good, with_data=True),
    Fault.ECHOED_CREDENTIALS: _credentials_in_json,
    Fault.ECHOED_IN_200: lambda strike: _ok(f"debug: signed with {strike.echo}\n".encode()),
    Fault.BROKEN_GZIP: lambda strike: Reply(200, strike.good.body, headers={"Content-Encoding": "gzip"}),
    Fault.INVALID_JSON: lambda strike: _ok(strike.good.body[: len(strike.good.body) * 2 // 3]),
    Fault.INVALID_UTF8: lambda _: _ok(_wrapped(b'"caf\xe9 \xff"')),
    Fault.LONE_SURROGATE: lambda _: _ok(_wrapped(b'"\\ud800"')),
    Fault.NOT_A_NUMBER: lambda _: _ok(
        _wrapped(json.dumps(dict.fromkeys(("total_storage", "totals", "balance"), float("nan"))).encode())
    ),
    Fault.DEEP_NESTING: lambda _: _ok(_wrapped(b"[" * 100_000 + b"]" * 100_000)),
    Fault.WRONG_SHAPE: lambda _: _ok(_wrapped(b'["wrong", "shape"]')),
    Fault.NO_DATA: lambda _: _ok(b'{"code":0,"success":true,"status":"success"}'),
    Fault.JSON_NULL: lambda _: _ok(b"null"),
    Fault.HTML_IN_200: lambda _: html(200, "Please log in"),
    Fault.EMPTY_200: lambda _: _ok(b""),
    Fault.NO_CONTENT: lambda _: Reply(204, b""),
    Fault.REDIRECT_TO_OTHER_HOST: lambda strike: _redirect(f"https://evil.example{strike.request.path_qs}"),
    Fault.REDIRECT_TO_OTHER_PORT: lambda strike: _redirect(_other_port(strike)),
    Fault.REDIRECT_TO_OTHER_SCHEME: lambda strike: _redirect(_other_scheme(strike)),
    Fault.REDIRECT_LOOP: lambda strike: _redirect(strike.request.path_qs),
    Fault.REDIRECT_307: lambda strike: _redirect(_other_slash(strike), 307),
    Fault.REDIRECT_WITHOUT_LOCATION: lambda _: _redirect(None),
}
