"""The command that serves the simulated systems."""

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiozbilling.cli.output import write
from aiozbilling.cli.running import run
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from aiozbilling.simulator import Behaviour, Simulator

__all__ = ["simulate"]

_Port = Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="0 takes a free one.")]
_TopUps = Annotated[
    int, typer.Option("--top-ups", metavar="N", min=0, help="Top-ups of the account; millions are fine.")
]
_Days = Annotated[int, typer.Option("--days", metavar="N", min=1, help="Days of the account's history.")]
_Seed = Annotated[int, typer.Option("--seed", metavar="N", help="The same seed makes the same account.")]
_Latency = Annotated[float, typer.Option("--latency", metavar="SECONDS", min=0, help="Seconds that each reply takes.")]
_Behave = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", show_default=False, help="Misbehave, as max_limit=100; see --list."),
]
_Fail = Annotated[
    list[str] | None,
    typer.Option("--fail", metavar="FAULT[:TIMES]", show_default=False, help="Fail, as http-503:2; see --list."),
]
_List = Annotated[bool, typer.Option("--list", help="Show what --set and --fail know, and end.")]


def simulate(
    *,
    port: _Port = 8642,
    top_ups: _TopUps = 250,
    days: _Days = 120,
    seed: _Seed = 1,
    latency: _Latency = 0.0,
    behave: _Behave = None,
    fail: _Fail = None,
    list_: _List = False,
) -> None:
    """Serve the three systems, simulated, until Ctrl-C.

    It prints the URL, the credentials and curl lines that work. Ctrl-C is how it ends: exit code 0.
    """
    from aiozbilling.simulator import Behaviour, Simulator

    if list_:
        run(write(_known().encode()))
        return
    behaviour = Behaviour(latency_s=latency)
    for setting in behave or ():
        _set(behaviour, setting)
    simulator = Simulator(seed=seed, top_ups=top_ups, days=days, port=port, behaviour=behaviour)
    for fault in fail or ():
        _plan(simulator, fault)
    run(_serve(simulator, port))


async def _serve(simulator: "Simulator", port: int) -> None:
    import asyncio

    try:
        await simulator.start()
    except OSError as error:
        raise ConfigurationError(f"can't listen on port {port}: {error.strerror}; try --port 0") from None
    try:
        await write(_greeting(simulator).encode())
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return  # Ctrl-C is how it ends
    finally:
        await simulator.stop()


def _greeting(simulator: "Simulator") -> str:
    url, month = simulator.url, f"{simulator.now:%Y-%m}"
    keys = f"pinning_api_key: {simulator.api_key}", f"pinning_secret_key: {simulator.secret_key}"
    systems = (
        (
            "AIOZ",
            {
                "AIOZ_PIN_BASE_URL": url,
                "AIOZ_PIN_API_KEY": simulator.api_key,
                "AIOZ_PIN_SECRET_KEY": simulator.secret_key,
            },
            (
                "/api/billing/thisMonthUsage",
                "/api/billing/historyUsage?offset=0&limit=10",
                "/api/billing/topUp?offset=0&limit=10",
            ),
            keys,
        ),
        (
            "B3OS",
            {
                "B3OS_SERVER_URL": url,
                "B3OS_API_KEY": simulator.b3os_token,
                "B3OS_ORGANIZATION": simulator.organization,
            },
            (f"/v1/organizations/{simulator.organization}/cu/usage?yearMonth={month}",),
            (f"Authorization: Bearer {simulator.b3os_token}",),
        ),
        (
            "Metered billing",
            {"METERED_BILLING_URL": url, "METERED_BILLING_TOKEN": simulator.metered_token},
            ("/api/billing/usage?metrics=api_calls,storage",),
            (f"Authorization: Bearer {simulator.metered_token}",),
        ),
    )
    lines = [f"Simulating AIOZ, B3OS and metered billing on {url} (today is {simulator.now:%Y-%m-%d}). Ctrl-C ends it."]
    for name, variables, paths, headers in systems:
        lines += ["", f"# {name}"]
        lines += [f"export {variable}={shlex.quote(value)}" for variable, value in variables.items()]
        signed = " ".join(f"-H {shlex.quote(header)}" for header in headers)
        lines += [f"curl -s {shlex.quote(url + path)} {signed}" for path in paths]
    return "\n".join(lines) + "\n"


def _set(behaviour: "Behaviour", setting: str) -> None:
    import attrs

    name, _, text = setting.partition("=")
    fields = attrs.fields_dict(type(behaviour))
    if name not in fields:
        raise ConfigurationError(f"there is no {name!r} to set: --list shows what there is")
    try:
        setattr(behaviour, name, _value(text, fields[name].default))
    except (ValueError, TypeError):
        raise ConfigurationError(f"{name} can't be {text!r}: --list shows what it takes") from None


def _value(text: str, default: object) -> Any:
    """Read a value as what the default is."""
    if isinstance(default, bool):
        return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else text
    if isinstance(default, float):
        return float(text)
    if isinstance(default, str):
        return text
    return None if text.lower() == "none" else int(text)


def _plan(simulator: "Simulator", fault: str) -> None:
    name, _, times = fault.partition(":")
    try:
        simulator.fail(name, int(times or 1))
    except ValueError:
        raise ConfigurationError(f"there is no fault {fault!r}: --list shows what there is") from None


def _known() -> str:
    import attrs

    from aiozbilling.simulator import Behaviour, Fault

    settings = [
        f"  {f'{field.name}={field.default}'.lower():32} {str(field.type).replace('Literal', '')}"
        for field in attrs.fields(Behaviour)
    ]
    faults = [f"  {fault.value:26} {fault.doc}" for fault in Fault]
    return "\n".join(
        [
            "--set NAME=VALUE (here with the default, and what it takes)",
            *settings,
            "",
            "--fail FAULT or FAULT:TIMES (a request suffers one; several wait in line)",
            *faults,
            "",
        ]
    )
