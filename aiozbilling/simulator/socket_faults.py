"""The faults that are not whole replies: what they do to the connection."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable

import attrs
from aiohttp import web

from aiozbilling.simulator.bad_replies import bad_reply
from aiozbilling.simulator.behaviour import Behaviour
from aiozbilling.simulator.faults import Fault, PlannedFault
from aiozbilling.simulator.reply import Reply
from aiozbilling.simulator.services import System

__all__ = ["FaultyExchange", "response_of"]

_CHUNK = 1 << 18


def response_of(reply: Reply) -> web.Response:
    """Return what aiohttp sends for a reply."""
    return web.Response(
        status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type, **reply.headers}
    )


@attrs.frozen(eq=False)
class FaultyExchange:
    """One request, its good reply, and the faults that can replace that reply."""

    request: web.BaseRequest
    system: System
    good: Reply
    behaviour: Behaviour
    closing: asyncio.Event

    async def with_fault(self, planned: PlannedFault) -> web.StreamResponse:
        """Apply a fault, and return the response that aiohttp finishes."""
        if planned.fault in _SOCKET_FAULTS:
            return await _SOCKET_FAULTS[planned.fault](self)
        reply = bad_reply(planned, self.request, self.system, self.good)
        return response_of(attrs.evolve(reply, headers={**reply.headers, **planned.headers}))

    def cut(self, wire: bytes) -> web.StreamResponse:
        """Put raw bytes on the wire and close the connection."""
        transport = self.request.transport
        if transport is not None:
            transport.write(wire)
            transport.close()
        return web.Response()  # never sent: the transport is closing

    def head(self, length: int) -> bytes:
        """Write the head of the good reply with any length."""
        return (
            f"HTTP/1.1 {self.good.status} OK\r\nContent-Type: {self.good.content_type}\r\n"
            f"Content-Length: {length}\r\nServer: simulator\r\n\r\n"
        ).encode()

    async def pause(self, seconds: float | None) -> None:
        """Wait for some seconds (None: without end), or until the simulator stops."""
        try:
            async with asyncio.timeout(seconds):
                await self.closing.wait()
        except TimeoutError:
            return
        raise ConnectionAbortedError("the simulator is stopping")

    async def stream(self, headers: dict[str, str]) -> web.StreamResponse:
        """Send the headers of a 200 whose body is written later."""
        response = web.StreamResponse(status=200, headers={"Content-Type": self.good.content_type, **headers})
        await response.prepare(self.request)
        return response


async def _dropped(exchange: FaultyExchange) -> web.StreamResponse:
    return exchange.cut(b"")


async def _reset(exchange: FaultyExchange) -> web.StreamResponse:
    if exchange.request.transport is not None:
        # Closing without lingering makes the kernel send a reset.
        connection = exchange.request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        exchange.request.transport.abort()
    return web.Response()


async def _dropped_after_headers(exchange: FaultyExchange) -> web.StreamResponse:
    return exchange.cut(exchange.head(len(exchange.good.body)))


async def _truncated(exchange: FaultyExchange) -> web.StreamResponse:
    body = exchange.good.body
    return exchange.cut(exchange.head(len(body)) + body[: len(body) // 2])


async def _not_http(exchange: FaultyExchange) -> web.StreamResponse:
    return exchange.cut(b"\x16\x03\x01\x00\xa5 SSH-2.0-OpenSSH_9.6\r\n" + b"\x00\xff" * 40)


async def _huge_headers(exchange: FaultyExchange) -> web.StreamResponse:
    return exchange.cut(b"HTTP/1.1 200 OK\r\nX-Filler: " + b"a" * (1 << 20) + b"\r\nContent-Length: 0\r\n\r\n")


async def _hang(exchange: FaultyExchange) -> web.StreamResponse:
    await exchange.pause(None)
    return web.Response()


async def _hang_after_headers(exchange: FaultyExchange) -> web.StreamResponse:
    response = await exchange.stream({"Content-Length": str(len(exchange.good.body))})
    await exchange.pause(None)
    return response


async def _dripping(exchange: FaultyExchange) -> web.StreamResponse:
    body, size = exchange.good.body, exchange.behaviour.drip_bytes
    response = await exchange.stream({"Content-Length": str(len(body))})
    for start in range(0, len(body), size):
        await response.write(body[start : start + size])
        await exchange.pause(exchange.behaviour.drip_interval_s)
    await response.write_eof()
    return response


async def _gigantic(exchange: FaultyExchange) -> web.StreamResponse:
    response = await exchange.stream({})
    await response.write(b'{"status":"success","success":true,"data":"')
    for _ in range(exchange.behaviour.gigantic_bytes // _CHUNK + 1):
        await response.write(b"a" * _CHUNK)
    await response.write(b'"}')
    await response.write_eof()
    return response


async def _gigantic_length(exchange: FaultyExchange) -> web.StreamResponse:
    response = await exchange.stream({"Content-Length": str(1 << 40)})
    while not exchange.closing.is_set():
        await response.write(b" " * _CHUNK)
    return response


async def _gzip_bomb(exchange: FaultyExchange) -> web.StreamResponse:
    response = await exchange.stream({"Content-Encoding": "gzip"})
    # After a full flush a block is independent: the same bytes decompress to 256 KiB each time they are sent.
    plain = b" " * _CHUNK
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(plain) + packer.flush(zlib.Z_FULL_FLUSH)
    await response.write(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
    checksum, count = 0, exchange.behaviour.gigantic_bytes // _CHUNK + 1
    for _ in range(count):
        checksum = zlib.crc32(plain, checksum)
        await response.write(block)
    size = count * _CHUNK % (1 << 32)
    await response.write(b"\x03\x00" + checksum.to_bytes(4, "little") + size.to_bytes(4, "little"))
    await response.write_eof()
    return response


_SOCKET_FAULTS: dict[Fault, Callable[[FaultyExchange], Awaitable[web.StreamResponse]]] = {
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
