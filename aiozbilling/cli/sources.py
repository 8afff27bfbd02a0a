"""Creates clients with credentials from the environment, from a prompt or from an embedded simulator."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from aiozbilling.cli.messages import note
from aiozbilling.cli.running import run
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from aiozbilling import AiozBilling, B3osBilling, MeteredBilling, RateLimit
    from aiozbilling.cli.options import Access
    from aiozbilling.clients.client import Client, Settings
    from aiozbilling.simulator import ReceivedRequest, Simulator

__all__ = ["Clients", "rate_limit_of", "with_aioz", "with_b3os", "with_metered", "with_systems"]

C = TypeVar("C", bound="Client")


class Clients(NamedTuple):
    """Clients of the systems that a command reads, and the simulator if it is the server."""

    aioz: AiozBilling | None
    b3os: B3osBilling | None
    metered: MeteredBilling | None
    simulator: Simulator | None


def with_aioz(access: Access, use: Callable[[AiozBilling, Simulator | None], Awaitable[None]]) -> None:
    """Run `use` with a client of AIOZ, and with the simulator if it is the server."""
    _run_one(access, _aioz(access), use)


def with_b3os(access: Access, use: Callable[[B3osBilling, Simulator | None], Awaitable[None]]) -> None:
    """Run `use` with a client of B3OS, and with the simulator if it is the server."""
    _run_one(access, _b3os(access), use)


def with_metered(access: Access, use: Callable[[MeteredBilling, Simulator | None], Awaitable[None]]) -> None:
    """Run `use` with a client of metered billing, and with the simulator if it is the server."""
    _run_one(access, _metered(access), use)


def with_systems(access: Access, systems: Sequence[str], use: Callable[[Clients], Awaitable[None]]) -> None:
    """Run `use` with clients of these systems: ``aioz``, ``b3os``, ``metered``."""
    unknown = [name for name in systems if name not in ("aioz", "b3os", "metered")]
    if unknown or not systems:
        wrong = " or ".join(map(repr, unknown)) or "nothing"
        raise ConfigurationError(f"--what takes aioz, b3os and metered, separated by commas, not {wrong}")
    if access.base_url and len(systems) > 1:
        raise ConfigurationError("--base-url is the server of one system; choose that system with --what")
    aioz = _aioz(access) if "aioz" in systems else None
    b3os = _b3os(access) if "b3os" in systems else None
    metered = _metered(access) if "metered" in systems else None

    async def on_server(simulator: Simulator | None) -> None:
        async with AsyncExitStack() as stack:
            clients = Clients(
                await stack.enter_async_context(aioz(simulator)) if aioz else None,
                await stack.enter_async_context(b3os(simulator)) if b3os else None,
                await stack.enter_async_context(metered(simulator)) if metered else None,
                simulator,
            )
            await use(clients)

    _run(access, on_server)


def _aioz(access: Access) -> Callable[[Simulator | None], AiozBilling]:
    from aiozbilling import AIOZ_PIN_URL, AiozBilling
    from aiozbilling.clients.environment import url_variable

    settings: Settings = {"timeout": access.timeout}
    if access.rate_limit is not None:
        settings["rate_limit"] = rate_limit_of(access.rate_limit)
    secrets: dict[str, str] = {}
    if not access.simulator and not os.environ.get("AIOZ_PIN_TOKEN"):
        names = {"AIOZ_PIN_API_KEY": "AIOZ API key", "AIOZ_PIN_SECRET_KEY": "AIOZ secret key"}
        secrets = _asked(names, "AIOZ_PIN_TOKEN")

    def client(simulator: Simulator | None) -> AiozBilling:
        if simulator is not None:
            unlimited: Settings = {"rate_limit": None, **settings}
            api_key, secret_key = simulator.api_key, simulator.secret_key
            return AiozBilling(api_key=api_key, secret_key=secret_key, base_url=simulator.url, **unlimited)
        if secrets:
            base_url = access.base_url or url_variable("AIOZ_PIN_BASE_URL") or AIOZ_PIN_URL
            api_key, secret_key = secrets["AIOZ_PIN_API_KEY"], secrets["AIOZ_PIN_SECRET_KEY"]
            return AiozBilling(api_key=api_key, secret_key=secret_key, base_url=base_url, **settings)
        return AiozBilling.from_env(base_url=access.base_url, **settings)

    return client


def _b3os(access: Access) -> Callable[[Simulator | None], B3osBilling]:
    from aiozbilling import B3OS_URL, B3osBilling
    from aiozbilling.clients.environment import url_variable

    settings: Settings = {"timeout": access.timeout}
    secrets = {} if access.simulator else _asked({"B3OS_API_KEY": "B3OS server key (b3sk_…)"})

    def client(simulator: Simulator | None) -> B3osBilling:
        if simulator is not None:
            return B3osBilling(token=simulator.b3os_token, base_url=simulator.url, **settings)
        if secrets:
            base_url = access.base_url or url_variable("B3OS_SERVER_URL") or B3OS_URL
            return B3osBilling(token=secrets["B3OS_API_KEY"], base_url=base_url, **settings)
        return B3osBilling.from_env(base_url=access.base_url, **settings)

    return client


def _metered(access: Access) -> Callable[[Simulator | None], MeteredBilling]:
    from aiozbilling import MeteredBilling
    from aiozbilling.clients.environment import url_variable

    settings: Settings = {"timeout": access.timeout}
    url = access.base_url
    secrets: dict[str, str] = {}
    if not access.simulator:
        url = url or url_variable("METERED_BILLING_URL")
        if not url:
            raise ConfigurationError(
                "set the environment variable METERED_BILLING_URL, or add --base-url; --simulator needs neither"
            )
        secrets = _asked({"METERED_BILLING_TOKEN": "session token of the metered billing"})

    def client(simulator: Simulator | None) -> MeteredBilling:
        if simulator is not None:
            return MeteredBilling(simulator.url, token=simulator.metered_token, **settings)
        if secrets and url:
            return MeteredBilling(url, token=secrets["METERED_BILLING_TOKEN"], **settings)
        return MeteredBilling.from_env(base_url=access.base_url, **settings)

    return client


def rate_limit_of(text: str) -> RateLimit | None:
    """Read the value of ``--rate-limit``.

    Raises:
        ConfigurationError: it is not like 180/60.
    """
    from aiozbilling import RateLimit

    if text == "none":
        return None
    requests, _, per_s = text.partition("/")
    try:
        return RateLimit(int(requests), float(per_s))
    except ValueError:
        raise ConfigurationError(
            f"--rate-limit must be requests and seconds, such as 180/60, or none, not {text!r}"
        ) from None


def _asked(secrets: dict[str, str], instead: str = "") -> dict[str, str]:
    """Ask, without echo, for the secrets that the environment lacks.

    Returns all secrets, or an empty dict if none was missing.
    """
    missing = [name for name in secrets if not os.environ.get(name)]
    if not missing:
        return {}
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        names = " and ".join(missing) + (f" (or {instead})" if instead else "")
        variables = "variable" if len(missing) == 1 else "variables"
        raise ConfigurationError(f"set the environment {variables} {names}; --simulator needs no account")
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


def _run_one(
    access: Access,
    client: Callable[[Simulator | None], C],
    use: Callable[[C, Simulator | None], Awaitable[None]],
) -> None:
    async def on_server(simulator: Simulator | None) -> None:
        async with client(simulator) as billing:
            await use(billing, simulator)

    _run(access, on_server)


def _run(access: Access, on_server: Callable[[Simulator | None], Coroutine[Any, Any, None]]) -> None:
    if access.simulator and access.base_url:
        raise ConfigurationError("use either --simulator or --base-url, not both")

    async def on_simulator() -> None:
        from aiozbilling.simulator import Simulator

        is_noted = False

        def on_request(_request: ReceivedRequest) -> None:
            nonlocal is_noted
            if not is_noted:  # not before the first request: a wrong argument should produce its error only
                is_noted = True
                note(f"simulated data (seed {simulator.seed}) from an embedded server")

        async with Simulator(on_request=on_request) as simulator:
            await on_server(simulator)

    run(on_simulator() if access.simulator else on_server(None))
