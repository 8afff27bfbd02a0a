"""Repeats one piece of work, to count its instructions or measure its time: ``python -m benchmarks.repeat_one``.

``page NAME COUNT`` decodes a page, ``calls PEER URL CONCURRENCY COUNT`` reads this month's usage, ``walk PEER TASK 1``
walks a list, ``import STATEMENT 1`` imports. Prints the CPU in seconds of the second of two rounds, or of the only one
with ``--once``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module

from benchmarks.task import Task


def main(kind: str, *arguments: str) -> None:
    once = arguments[-1] == "--once"
    work = {"page": _page, "calls": _calls, "walk": _walk, "import": _import}[kind](*arguments[: len(arguments) - once])
    if not once:
        work()
    start = time.process_time()
    work()
    print(json.dumps(time.process_time() - start))


def _page(name: str, count: str) -> Callable[[], object]:
    from aiozbilling.clients.aioz_endpoints import TOP_UP
    from aiozbilling.errors import DecodeError
    from aiozbilling.exchange.reply_body import read, read_at_once
    from aiozbilling.exchange.transport import Reply
    from benchmarks.odd_pages import page

    reply = Reply(200, {}, page(name))

    def decode() -> None:
        for _ in range(int(count)):
            try:
                if read_at_once(TOP_UP, reply, str) is None:
                    read(TOP_UP, reply, str)
            except DecodeError:
                pass

    return decode


def _calls(peer: str, url: str, concurrency: str, count: str) -> Callable[[], object]:
    calls = import_module(f"benchmarks.peers.{peer}").calls
    return lambda: calls(url, int(concurrency), int(count))


def _walk(peer: str, task: str, count: str) -> Callable[[], object]:
    walk = import_module(f"benchmarks.peers.{peer}").walk
    return lambda: [walk(Task(*json.loads(task))) for _ in range(int(count))]


def _import(statement: str, count: str) -> Callable[[], object]:
    return lambda: exec(statement) if int(count) else None


if __name__ == "__main__":
    main(*sys.argv[1:])
