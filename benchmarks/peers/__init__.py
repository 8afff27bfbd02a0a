"""The compared tools. Each module has ``walk(task) -> Tally``, written like by a user of that tool."""

from __future__ import annotations

from importlib.util import find_spec
from typing import NamedTuple


class Peer(NamedTuple):
    """A module of this package, its name in tables, and the packages that it needs."""

    module: str
    title: str
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        return [name for name in self.needs if find_spec(name) is None]


OURS = Peer("ours", "aiozbilling")
FLOOR = Peer("floor", "floor (aiohttp, msgspec)")
AIOHTTP = Peer("aiohttp_cattrs", "aiohttp + orjson + cattrs", ("orjson",))
HTTPX = Peer("httpx2_pydantic", "httpx2 + pydantic", ("httpx2", "pydantic"))
REQUESTS = Peer("requests_sample", "requests (the provider's sample)", ("requests",))
DLT = Peer("dlt_rest_client", "dlt RESTClient", ("dlt",))
OPENAI = Peer("openai_paginator", "openai's paginator", ("openai",))
PEERS = (OURS, FLOOR, AIOHTTP, HTTPX, REQUESTS, DLT, OPENAI)
CALLERS = (OURS, FLOOR, HTTPX, OPENAI)  # those with `calls`
