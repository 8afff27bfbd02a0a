"""The server: a separate process that is so fast that it does not affect the measurements.

A page is one slice of bytes created at the start and sent over a raw protocol, which takes about 30 µs per request.
``/warm/…`` serves the first rows without latency or limit, so that a client can warm up.

``GET /control?rows=…&latency_ms=…&rate=…`` changes the settings, and returns the counts since the last change.
"""

from __future__ import annotations

import asyncio
import json
import re
import selectors
import sys
from collections import deque

from benchmarks.cores import keep_to
from benchmarks.rows import encoded_rows

WARM_ROWS = 2500
_QUERY = re.compile(rb"[?&](offset|limit|rows|latency_ms|rate)=(\d+)")
_HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\n%sContent-Length: %d\r\n\r\n"
_USAGE = (
    b'{"data":{"total_storage":82304,"storage_usage":82304,"bandwidth_usage":1234567,'
    b'"storage_cost":"2173368724836762","bandwidth_cost":"98765432100000"},"status":"success"}'
)
MONTH = _HEAD % (b"200 OK", b"", len(_USAGE)) + _USAGE


class Pages:
    """The served rows, the settings and the counts."""

    def __init__(self, rows: int) -> None:
        text, self._starts = encoded_rows(rows)
        self._text = memoryview(text)
        self._granted: deque[float] = deque()
        self.set(rows, 0, 0)

    def set(self, rows: int, latency_ms: int, rate: int) -> None:
        self.rows = min(rows, len(self._starts) - 1)
        self.latency_s = latency_ms / 1000
        self.rate = rate
        self.served = self.refused = 0
        self._granted.clear()

    def counts(self) -> bytes:
        return json.dumps({"requests": self.served + self.refused, "refused": self.refused}).encode()

    def page(self, offset: int, limit: int, rows: int) -> bytes:
        offset = min(offset, rows)
        end = min(offset + limit, rows)
        starts = self._starts
        before = b'{"data":{"totals":%d,"top_up_usages":[' % rows
        listed = self._text[starts[offset] : starts[end] - 1] if end > offset else b""
        after = b']},"status":"success"}'
        head = _HEAD % (b"200 OK", b"", len(before) + len(listed) + len(after))
        return b"".join((head, before, listed, after))

    def is_over_rate(self, now: float) -> bool:
        """Count a request, and return whether it exceeds the rate limit."""
        granted = self._granted
        while granted and granted[0] <= now - 1.0:
            granted.popleft()
        if len(granted) >= self.rate:
            self.refused += 1
            return True
        granted.append(now)
        return False


class Connection(asyncio.Protocol):
    def __init__(self, pages: Pages, loop: asyncio.AbstractEventLoop) -> None:
        self._pages = pages
        self._loop = loop
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for request in requests:
            line = request.partition(b"\r\n")[0]
            reply, delay_s = self._answer(line.split(b" ")[1])
            if delay_s:
                self._loop.call_later(delay_s, self._transport.write, reply)
            else:
                self._transport.write(reply)

    def _answer(self, target: bytes) -> tuple[bytes, float]:
        pages = self._pages
        query = {name: int(value) for name, value in _QUERY.findall(target)}
        if target.startswith(b"/control"):
            counts = pages.counts()
            if b"rows" in query:
                pages.set(query[b"rows"], query.get(b"latency_ms", 0), query.get(b"rate", 0))
            return _HEAD % (b"200 OK", b"", len(counts)) + counts, 0
        if b"/thisMonthUsage" in target:
            pages.served += 1
            return MONTH, pages.latency_s
        offset, limit = query.get(b"offset", 0), query.get(b"limit", 10)
        if target.startswith(b"/warm/"):
            return pages.page(offset, limit, min(pages.rows, WARM_ROWS)), 0
        if pages.rate and pages.is_over_rate(self._loop.time()):
            return _HEAD % (b"429 Too Many Requests", b"Retry-After: 1\r\n", 0), pages.latency_s
        pages.served += 1
        return pages.page(offset, limit, pages.rows), pages.latency_s


def exact_loop() -> asyncio.AbstractEventLoop:
    """Create an event loop whose timers are exact; the default selector rounds up to whole milliseconds."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


async def serve(rows: int) -> None:
    loop = asyncio.get_running_loop()
    pages = Pages(rows)
    server = await loop.create_server(lambda: Connection(pages, loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # It ends with its parent process, because then the pipe is closed.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    keep_to(-1)
    with asyncio.Runner(loop_factory=exact_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
