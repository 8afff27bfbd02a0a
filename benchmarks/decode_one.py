"""Decode one page over and over, ours and the bare decoder in turn: ``python -m benchmarks.decode_one ROUNDS``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from aiozbilling.clients.aioz_endpoints import TOP_UP
from aiozbilling.exchange.reply_body import read_at_once
from aiozbilling.exchange.transport import Reply
from benchmarks.peers.floor import decoder
from benchmarks.server import Pages

OURS, BARE = "aiozbilling", "msgspec.json.Decoder(type).decode"


def measured(rounds: int) -> dict[str, float]:
    """Return the median of each in ms of CPU."""
    body = Pages(1000).page(0, 1000, 1000).partition(b"\r\n\r\n")[2]
    reply = Reply(200, {}, body)
    times: dict[str, list[float]] = {OURS: [], BARE: []}
    for _ in range(rounds):
        times[OURS].append(_timed(lambda: read_at_once(TOP_UP, reply, str)))
        times[BARE].append(_timed(lambda: decoder.decode(body)))
    return {name: sorted(all_)[len(all_) // 2] * 1000 for name, all_ in times.items()}


def _timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]))))
