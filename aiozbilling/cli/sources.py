"""Clients from the environment, from a prompt, or of an embedded simulator."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

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
    """Run `use` with a client of AIOZ, and with the simulator where that is the server."""
    from aiozbilling import AIOZ_PIN_URL, AiozBilling

    settings = _settings(access)
    secrets: dict[str, str] = {}
    if not access.simulator and not os.environ.get("AIOZ_PIN_TOKEN"):
        names = {"AIOZ_PIN_API_KEY": "AIOZ API key", "AIOZ_PIN_SECRET_KEY": "AIOZ secret key"}
        secrets = _asked(names, "AIOZ_PIN_TOKEN")

    def client(simulator: Simulator | None) -> AiozBilling:
        if simulator is not None:
            return AiozBilling(
                api_key=simulator.api_key,
                secret_key=simulator.secret_key,
                base_url=simulator.url,
                **{"rate_limit": None} | settings,
            )
        if secrets:
            base_url = access.base_url or os.environ.get("AIOZ_PIN_BASE_URL") or AIOZ_PIN_URL
            api_key, secret_key = secrets["AIOZ_PIN_API_KEY"], secrets["AIOZ_PIN_SECRET_KEY"]
            return AiozBilling(api_key=api_key, secret_key=secret_key, base_url=base_url, **settings)
        return AiozBilling.from_env(base_url=access.base_url, **settings)

    _run(access, client, use)


def with_b3os(access: Access, use: Callable[[B3osBilling, Simulator | None], Awaitable[None]]) -> None:
    """Run `use` with a client of B3OS, and with the simulator where that is the server."""
    from aiozbilling import B3OS_URL, B3osBilling

    settings = _settings(access)
    secrets = {} if access.simulator else _asked({"B3OS_API_KEY": "B3OS server key (b3sk_…)"})

    def client(simulator: Simulator | None) -> B3osBilling:
        if simulator is not None:
            return B3osBilling(token=simulator.b3os_token, base_url=simulator.url, **settings)
        if secrets:
            base_url = access.base_url or os.environ.get("B3OS_SERVER_URL") or B3OS_URL
            return B3osBilling(token=secrets["B3OS_API_KEY"], base_url=base_url, **settings)
        return B3osBilling.from_env(base_url=access.base_url, **settings)

    _run(access, client, use)


def with_metered(access: Access, use: Callable[[MeteredBilling, Simulator | None], Awaitable[None]]) -> None:
    """Run `use` with a client of metered billing, and with the simulator where that is the server."""
    from aiozbilling import MeteredBilling

    settings = _settings(access)
    url = access.base_url or os.environ.get("METERED_BILLING_URL")
    secrets: dict[str, str] = {}
    if not access.simulator:
        if not url:
            raise ConfigurationError(
                "set the environment variable METERED_BILLING_URL, or give --base-url; --simulator needs neither"
            )
        secrets = _asked({"METERED_BILLING_TOKEN": "session token of the metered billing"})

    def client(simulator: Simulator | None) -> MeteredBilling:
        if simulator is not None:
            return MeteredBilling(simulator.url, token=simulator.metered_token, **settings)
        if secrets and url:
            return MeteredBilling(url, token=secrets["METERED_BILLING_TOKEN"], **settings)
        return MeteredBilling.from_env(base_url=access.base_url, **settings)

    _run(access, client, use)


def _settings(access: Access) -> dict[str, Any]:
    """Return the settings of a client that the options give."""
    settings: dict[str, Any] = {"timeout": access.timeout}
    if access.rate_limit is not None:
        settings["rate_limit"] = _rate_limit(access.rate_limit)
    return settings


def _rate_limit(text: str) -> Any:
    from aiozbilling import RateLimit

    if text == "none":
        return None
    requests, _, per_s = text.partition("/")
    try:
        return RateLimit(int(requests), float(per_s))
    except ValueError:
        raise ConfigurationError(f"--rate-limit is requests/seconds, as 180/60, or none: not {text!r}") from None


def _asked(secrets: dict[str, str], instead: str = "") -> dict[str, str]:
    """Ask for the secrets that the environment lacks, without echo; return all of them, or none if none is missing."""
    missing = [name for name in secrets if not os.environ.get(name)]
    if not missing:
        return {}
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        names = " and ".join(missing) + (f" (or {instead})" if instead else "")
        raise ConfigurationError(f"set the environment variable {names}; --simulator needs no account")
    from getpass import getpass

    values = {name: os.environ.get(name, "") for name in secrets}
    for name in missing:
        try:
            values[name] = getpass(f"{secrets[name]} (to skip this, set {name}): ", stream=sys.stderr)
        except KeyboardInterrupt:
            sys.stderr.write("\n")
            raise
        except EOFError:
            values[name] = ""
        if not values[name]:
            raise ConfigurationError(f"set the environment variable {name}")
    return values


def _run(
    access: Access,
    client: Callable[[Simulator | None], C],
    use: Callable[[C, Simulator | None], Awaitable[None]],
) -> None:
    if access.simulator and access.base_url:
        raise ConfigurationError("give either --simulator or --base-url")

    async def on_server(simulator: Simulator | None = None) -> None:
        async with client(simulator) as billing:
            await use(billing, simulator)

    async def on_simulator() -> None:
        from aiozbilling.simulator import Simulator

        async with Simulator() as simulator:
            note(f"simulated data (seed {simulator.seed}) from an embedded server")
            await on_server(simulator)

    run(on_simulator() if access.simulator else on_server())
