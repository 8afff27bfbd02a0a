"""The longest pause of the event loop while one reply is read: ``python -m benchmarks.stall_one NAME MIB``.

The reply is read as a call reads it, with its body in memory already. Prints milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable

from aiozbilling.clients.aioz_endpoints import TOP_UP
from aiozbilling.errors import DecodeError
from aiozbilling.exchange.reply_body import read, read_at_once
from aiozbilling.exchange.transport import Reply
from benchmarks.odd_pages import PLAIN, page

__all__ = ["REPLIES", "USUAL"]

_MIB = 1024 * 1024
_SETTLE_S = 0.05


def _listed() -> bytes:
    body = page(PLAIN)
    return body[body.index(b"[") + 1 : body.rindex(b"]")]


def _reply(*rows: bytes) -> bytes:
    return b'{"data":{"totals":%d,"top_up_usages":[%b]},"status":"success"}' % (len(rows), b",".join(rows))


def _filled(row: bytes, size: int) -> bytes:
    return _reply(*[row] * (size // (len(row) + 1)))


def _row() -> bytes:
    return _listed().partition(b"},{")[0] + b"}"


USUAL = "a page of 1000 rows"
REPLIES: dict[str, Callable[[int], bytes]] = {
    USUAL: lambda _: page(PLAIN),
    "10,000 rows": lambda _: _reply(*[_listed()] * 10),
    "10,000 bad rows": lambda _: _reply(*[b'{"id":5}'] * 10_000),
    "rows": lambda size: _filled(_listed(), size),
    "rows of another zone": lambda size: _filled(_row().replace(b'Z"', b'+07:00"'), size),
    "rows with other letters": lambda size: _filled(_row().replace(b'"sender":"', '"sender":"é'.encode()), size),
    "bad rows": lambda size: _filled(b'{"id":5}', size),
    "null rows": lambda size: _filled(b"null", size),
    "empty lists for rows": lambda size: _filled(b"[]", size),
    "one long text": lambda size: _reply(_row().replace(b'"sender":"', b'"sender":"' + b"x" * size)),
    "one long number": lambda size: _reply(_row().replace(b'"total_amount":"', b'"total_amount":"' + b"1" * size)),
    "brackets": lambda size: b"[" * size,
    "blanks": lambda size: b" " * size,
    "HTML": lambda size: b"<html>" + b"x" * size,
    "rows cut off": lambda size: _filled(_listed(), size)[:-100],
    "lists elsewhere": lambda size: b'{"x":[' + b"[]," * (size // 3) + b'1],"data":7,"status":"success"}',
}


async def longest_ms(body: bytes) -> float:
    """Return the longest pause of a task that only yields to the event loop."""
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    task = asyncio.create_task(beat())
    reply = Reply(200, {}, body)
    await asyncio.sleep(_SETTLE_S)
    longest = 0.0
    try:
        if read_at_once(TOP_UP, reply, str) is None:
            await asyncio.to_thread(read, TOP_UP, reply, str)
    except DecodeError:
        pass
    await asyncio.sleep(0.01)
    task.cancel()
    return longest * 1000


async def _best(body: bytes, times: int) -> float:
    return min([await longest_ms(body) for _ in range(times)])


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_best(REPLIES[sys.argv[1]](int(sys.argv[2]) * _MIB), 3))))
