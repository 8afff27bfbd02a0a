"""What each fault does to the connection on which a reply was due, as far as it is no whole reply."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from typing import TYPE_CHECKING

import attrs
from aiohttp import web

from aiozbilling.simulator.bad_replies import bad_reply
from aiozbilling.simulator.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiozbilling.simulator.behaviour import Behaviour
    from aiozbilling.simulator.faults import PlannedFault
    from aiozbilling.simulator.reply import Reply
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

    async def with_fault(self, planned: PlannedFault) -> web.StreamResponse:
        """Strike, and return what aiohttp is to finish."""
        if planned.fault in _STRIKES:
            return await _STRIKES[planned.fault](self)
        reply = bad_reply(planned, self.request, self.system, self.good)
        return await send(attrs.evolve(reply, headers={**reply.headers, **planned.headers}))

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
        """Send the head of a 200 whose body follows piece by piece."""
        response = web.StreamResponse(status=200, headers={"Content-Type": self.good.content_type, **headers})
        await response.prepare(self.request)
        return response


async def _dropped(strike: Strike) -> web.StreamResponse:
    return strike.cut(b"")


async def _reset(strike: Strike) -> web.StreamResponse:
    if strike.request.transport is not None:
        # Closing without lingering is what makes the kernel send a reset.
        connection = strike.request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
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
