"""A simulator in a thread of its own, for tests without an event loop, and what its user has."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiozbilling import AiozBilling
from aiozbilling.simulator import Account, Simulator


@contextmanager
def simulator_in_thread(**options: Any) -> Iterator[Simulator]:
    """Run a simulator."""
    loop = asyncio.new_event_loop()
    simulator = Simulator(**options)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(simulator.start(), loop).result(60)
    try:
        yield simulator
    finally:
        asyncio.run_coroutine_threadsafe(simulator.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def reserved_port() -> Iterator[int]:
    """Reserve a free port: a server that asks for it gets it, and other programs, which get any port, don't."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


def environment_of(simulator: Simulator) -> dict[str, str]:
    """Return the environment variables of a user who has an account at the simulator."""
    return {
        "AIOZ_PIN_BASE_URL": simulator.url,
        "AIOZ_PIN_API_KEY": simulator.api_key,
        "AIOZ_PIN_SECRET_KEY": simulator.secret_key,
        "B3OS_SERVER_URL": simulator.url,
        "B3OS_API_KEY": simulator.b3os_token,
        "METERED_BILLING_URL": simulator.url,
        "METERED_BILLING_TOKEN": simulator.metered_token,
    }


def client_of(simulator: Simulator, account: Account | None = None) -> AiozBilling:
    """Build the client of a simulated account, the first by default."""
    of = account or simulator.account
    return AiozBilling(api_key=of.api_key, secret_key=of.secret_key, base_url=simulator.url, rate_limit=None)
