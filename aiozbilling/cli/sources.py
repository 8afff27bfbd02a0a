"""Clients from the environment, from a prompt, or of an embedded simulator."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from aiozbilling.cli.messages import note
from aiozbilling.cli.running import run
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from aiozbilling import AiozBilling, B3osBilling, MeteredBilling
    from aiozbilling.cli.options import Access
    from aiozbilling.clients.client import Client
    from aiozbilling.simulator import Simulator

__all__ = ["with_aioz", "with_b3os", "with_metered"]

C = TypeVar("C", bound="Client")


def with_aioz(access: Access, use: Callable[[AiozBilling, Simulator | None], Awaitable[None]]) -> None:
    """Run `use` with a client of AIOZ; the simulator is given too where it is the server."""
    from aiozbilling import AiozBilling

    if not access.simulator and not os.environ.get("AIOZ_PIN_TOKEN"):
        _ask({"AIOZ_PIN_API_KEY": "AIOZ API key", "AIOZ_PIN_SECRET_KEY": "AIOZ secret key"}, "AIOZ_PIN_TOKEN")

    def client(simulator: Simulator | None) -> AiozBilling:
        if simulator is None:
            return AiozBilling.from_env(timeout=access.timeout)
        return AiozBilling(
            api_key=simulator.api_key,
            secret_key=simulator.secret_key,
            base_url=simulator.url,
            timeout=access.timeout,
            rate_limit=None,
        )

    _run(access, "AIOZ_PIN_BASE_URL", client, use)


def with_b3os(access: Access, use: Callable[[B3osBilling, Simulator | None], Awaitable[None]]) -> None:
    """Run `use` with a client of B3OS; the simulator is given too where it is the server."""
    from aiozbilling import B3osBilling

    if not access.simulator:
        _ask({"B3OS_API_KEY": "B3OS server key (b3sk_…)"})

    def client(simulator: Simulator | None) -> B3osBilling:
        if simulator is None:
            return B3osBilling.from_env(timeout=access.timeout)
        return B3osBilling(token=simulator.b3os_token, base_url=simulator.url, timeout=access.timeout)

    _run(access, "B3OS_SERVER_URL", client, use)


def with_metered(access: Access, use: Callable[[MeteredBilling, Simulator | None], Awaitable[None]]) -> None:
    """Run `use` with a client of metered billing; the simulator is given too where it is the server."""
    from aiozbilling import MeteredBilling

    if not access.simulator:
        if not access.base_url and not os.environ.get("METERED_BILLING_URL"):
            raise ConfigurationError(
                "set the environment variable METERED_BILLING_URL, or give --base-url; --simulator needs neither"
            )
        _ask({"METERED_BILLING_TOKEN": "session token of the metered billing"})

    def client(simulator: Simulator | None) -> MeteredBilling:
        if simulator is None:
            return MeteredBilling.from_env(timeout=access.timeout)
        return MeteredBilling(simulator.url, token=simulator.metered_token, timeout=access.timeout)

    _run(access, "METERED_BILLING_URL", client, use)


def _ask(secrets: dict[str, str], instead: str = "") -> None:
    """Ask for what is missing in the environment, hidden, if there is a person to ask."""
    missing = [name for name in secrets if not os.environ.get(name)]
    if not missing:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        names = " and ".join(missing) + (f" (or {instead})" if instead else "")
        raise ConfigurationError(f"set the environment variable {names}; --simulator needs no account")
    from getpass import getpass

    for name in missing:
        try:
            # For this process a typed secret is what the variable would have held; child processes there are none.
            os.environ[name] = getpass(f"{secrets[name]} (to skip this, set {name}): ", stream=sys.stderr)
        except KeyboardInterrupt:
            sys.stderr.write("\n")
            raise
        except EOFError:
            raise ConfigurationError(f"set the environment variable {name}") from None


def _run(
    access: Access,
    url_variable: str,
    client: Callable[[Simulator | None], C],
    use: Callable[[C, Simulator | None], Awaitable[None]],
) -> None:
    if access.simulator and access.base_url:
        raise ConfigurationError("give either --simulator or --base-url")
    if access.base_url:
        os.environ[url_variable] = access.base_url

    async def on_server(simulator: Simulator | None = None) -> None:
        async with client(simulator) as billing:
            await use(billing, simulator)

    async def on_simulator() -> None:
        from aiozbilling.simulator import Simulator

        async with Simulator() as simulator:
            note(f"simulated data (seed {simulator.seed}) from an embedded server")
            await on_server(simulator)

    run(on_simulator() if access.simulator else on_server())
