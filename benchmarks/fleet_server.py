"""A server of many accounts: each has the same rows under ids of its own. Its API key is the number of the account."""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import datetime, timedelta

from benchmarks.rows import encoded_rows

BAD_KEY = "999999"
_REQUEST = re.compile(rb"GET (/\S*?)\?(\S*) ")
_NUMBER = re.compile(rb"(offset|limit)=(\d+)")
_KEY = re.compile(rb"pinning_api_key: (\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n"


class Rows:
    """One list: its rows, and the names of its fields."""

    def __init__(self, text: bytes, starts: list[int], total: bytes, rows: bytes) -> None:
        self._text, self._starts, self._names = text, starts, (total, rows)

    def page(self, account: int, offset: int, limit: int) -> bytes:
        count = len(self._starts) - 1
        offset = min(offset, count)
        end = min(offset + limit, count)
        listed = self._text[self._starts[offset] : self._starts[end] - 1] if end > offset else b""
        # The last group of an id begins with the first of these, and the second is a day's bandwidth; they occur
        # nowhere else.
        listed = listed.replace(b"-000000", b"-%06x" % account)
        listed = listed.replace(b'"total_bandwidth":1', b'"total_bandwidth":1%06d' % account)
        total, rows = self._names
        body = b'{"data":{"%s":%d,"%s":[%s]},"status":"success"}' % (total, count, rows, listed)
        return _HEAD % (b"200 OK", len(body)) + body


class Connection(asyncio.Protocol):
    def __init__(self, lists: dict[bytes, Rows]) -> None:
        self._lists = lists
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for request in requests:
            self._transport.write(self._answer(request))

    def _answer(self, request: bytes) -> bytes:
        asked, key = _REQUEST.match(request), _KEY.search(request)
        assert asked is not None
        assert key is not None
        if key[1] == BAD_KEY.encode():
            body = b'{"status":"fail","message":"invalid credentials"}'
            return _HEAD % (b"401 Unauthorized", len(body)) + body
        numbers = {name: int(value) for name, value in _NUMBER.findall(asked[2])}
        rows = self._lists[b"history" if b"history" in asked[1] else b"topUp"]
        return rows.page(int(key[1]), numbers.get(b"offset", 0), numbers.get(b"limit", 10))


def _days(count: int) -> tuple[bytes, list[int]]:
    text, starts = bytearray(), [0]
    for number in range(count):
        day = (datetime(2026, 11, 21) - timedelta(days=number)).isoformat()  # noqa: DTZ001 - all of it is UTC
        text += (
            f'{{"date":"{day}Z","total_storage":{10**12 + number},"total_bandwidth":1{number:09},'
            f'"total_amount":"{10**15 + number}"}},'
        ).encode()
        starts.append(len(text))
    return bytes(text), starts


async def serve(top_ups: int, days: int) -> None:
    lists = {
        b"topUp": Rows(*encoded_rows(top_ups), b"totals", b"top_up_usages"),
        b"history": Rows(*_days(days), b"total_days", b"history_usages"),
    }
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(lists), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # It ends with its parent process, because then the pipe is closed.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
