"""The three billing APIs on a loopback port, for demos and for tests of your own code.

::

    async with Simulator(seed=1, top_ups=250, days=120) as simulator:
        AiozBilling(api_key=simulator.api_key, secret_key=simulator.secret_key, base_url=simulator.url)

It is written from the providers' pages and shares no code with the clients, so that the two can't share a bug.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiozbilling.simulator.accounts import Account
    from aiozbilling.simulator.behaviour import Behaviour
    from aiozbilling.simulator.faults import Fault
    from aiozbilling.simulator.server import ReceivedRequest, Simulator

__all__ = ["Account", "Behaviour", "Fault", "ReceivedRequest", "Simulator"]

_HOMES = {
    "Account": "accounts",
    "Behaviour": "behaviour",
    "Fault": "faults",
    "ReceivedRequest": "server",
    "Simulator": "server",
}


def __getattr__(name: str) -> Any:
    # The pytest plugin imports this package in every test run: aiohttp.web is loaded only by who asks for the server.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
