"""The command that serves the simulated systems."""

import contextlib
import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aiozbilling.cli.output import write
from aiozbilling.cli.running import run
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from aiozbilling.simulator import Account, Behaviour, ReceivedRequest, Simulator

__all__ = ["simulate"]

_Port = Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="Port; 0 chooses a free one.")]
_Accounts = Annotated[
    int, typer.Option("--accounts", metavar="N", min=1, help="Number of accounts, each with its own keys.")
]
_TopUps = Annotated[int, typer.Option("--top-ups", metavar="N", min=0, help="Top-ups per account; millions are fine.")]
_Days = Annotated[int, typer.Option("--days", metavar="N", min=1, help="Days of each account's history.")]
_Seed = Annotated[int, typer.Option("--seed", metavar="N", help="The same seed generates the same accounts.")]
_Latency = Annotated[float, typer.Option("--latency", metavar="SECONDS", min=0, help="Delay of each reply.")]
_Behave = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        show_default=False,
        help="Change the server's behaviour, such as max_limit=100; see --list.",
    ),
]
_Fail = Annotated[
    list[str] | None,
    typer.Option(
        "--fail",
        metavar="FAULT[:TIMES]",
        show_default=False,
        help="Make requests fail, such as http-503:2; see --list.",
    ),
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Don't log requests.")]
_List = Annotated[bool, typer.Option("--list", help="List the values for --set and --fail, and exit.")]


def simulate(
    *,
    port: _Port = 8642,
    accounts: _Accounts = 1,
    top_ups: _TopUps = 250,
    days: _Days = 120,
    seed: _Seed = 1,
    latency: _Latency = 0.0,
    behave: _Behave = None,
    fail: _Fail = None,
    quiet: _Quiet = False,
    list_: _List = False,
) -> None:
    """Serve simulated AIOZ, B3OS and metered billing until Ctrl-C.

    It prints the URL and the credentials as lines that a shell can source, and logs each request to stderr. In bash
    and zsh, `source <(aiozbilling simulate --quiet)` starts it in the background. After Ctrl-C, the exit code is 0.
    """
    from aiozbilling.simulator import Behaviour, Simulator

    if list_:
        run(write(_options_text().encode()))
        return
    behaviour = Behaviour(latency_s=latency)
    for setting in behave or ():
        _set(behaviour, setting)
    simulator = Simulator(
        seed=seed,
        accounts=accounts,
        top_ups=top_ups,
        days=days,
        port=port,
        behaviour=behaviour,
        on_request=None if quiet else _log,
    )
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
        _end_stdout()
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return  # Ctrl-C
    finally:
        await simulator.stop()


def _end_stdout() -> None:
    """End the output in a pipe: `source <(aiozbilling simulate)` reads it to its end before it runs a line."""
    if not sys.stdout.isatty():
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())


def _log(request: "ReceivedRequest") -> None:
    """Write a line for a request, without its credentials."""
    from urllib.parse import urlencode

    query = f"?{urlencode(request.query)}" if request.query else ""
    status = {None: "cancelled", 0: "cut"}.get(request.status, str(request.status))
    account = "unknown" if request.account is None else request.account.name
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")[:-6]
    line = f"{moment}Z {account} {request.method} {request.path}{query} {status} {request.seconds * 1000:.1f} ms"
    with contextlib.suppress(OSError):  # stderr may be closed
        # Control characters of a hostile path must not reach the terminal.
        print(line.encode("unicode_escape").decode(), file=sys.stderr, flush=True)  # noqa: T201


def _greeting(simulator: "Simulator") -> str:
    url = simulator.url
    lines = [
        f"# AIOZ, B3OS and metered billing, simulated on {url} (today is {simulator.now:%Y-%m-%d}). Ctrl-C ends it.",
        *_exports({"AIOZ_PIN_BASE_URL": url, "B3OS_SERVER_URL": url, "METERED_BILLING_URL": url}, ""),
        *_exports(_credentials(simulator.account), ""),
    ]
    for number, account in enumerate(simulator.accounts[1:], 2):
        lines += ["", f"# {account.name}", *_exports(_credentials(account), f"_{number}")]
    return "\n".join([*lines, "", *_curl_lines(simulator)]) + "\n"


def _credentials(account: "Account") -> dict[str, str]:
    return {
        "AIOZ_PIN_API_KEY": account.api_key,
        "AIOZ_PIN_SECRET_KEY": account.secret_key,
        "B3OS_API_KEY": account.b3os_token,
        "B3OS_ORGANIZATION": account.organization,
        "METERED_BILLING_TOKEN": account.metered_token,
    }


def _exports(variables: dict[str, str], suffix: str) -> list[str]:
    return [f"export {name}{suffix}={shlex.quote(value)}" for name, value in variables.items()]


def _curl_lines(simulator: "Simulator") -> list[str]:
    """Return curl commands as comments, so that a shell that sources the output does not run them."""
    account, month = simulator.account, f"{simulator.now:%Y-%m}"
    keys = f"pinning_api_key: {account.api_key}", f"pinning_secret_key: {account.secret_key}"
    requests = (
        ("/api/billing/thisMonthUsage", keys),
        ("/api/billing/historyUsage?offset=0&limit=10", keys),
        ("/api/billing/topUp?offset=0&limit=10", keys),
        (
            f"/v1/organizations/{account.organization}/cu/usage?yearMonth={month}",
            (f"Authorization: Bearer {account.b3os_token}",),
        ),
        ("/api/billing/usage?metrics=api_calls,storage", (f"Authorization: Bearer {account.metered_token}",)),
    )
    return [
        f"# curl -s {shlex.quote(simulator.url + path)} {' '.join(f'-H {shlex.quote(header)}' for header in headers)}"
        for path, headers in requests
    ]


def _set(behaviour: "Behaviour", setting: str) -> None:
    import attrs

    name, _, text = setting.partition("=")
    fields = attrs.fields_dict(type(behaviour))
    if name not in fields:
        raise ConfigurationError(f"--set has no setting {name!r}; --list shows all settings")
    try:
        setattr(behaviour, name, _value(text, fields[name].default, str(fields[name].type)))
    except (ValueError, TypeError):
        raise ConfigurationError(f"--set {name} can't be {text!r}; --list shows what it accepts") from None


def _value(text: str, default: object, type_: str) -> Any:
    """Read a value of the type of the default."""
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(text.lower(), text)
    if isinstance(default, str):
        return text
    if default is None and text.lower() == "none":
        return None
    return float(text) if "float" in type_ else int(text)


def _plan(simulator: "Simulator", fault: str) -> None:
    name, _, times = fault.partition(":")
    try:
        simulator.fail(name, int(times or 1))
    except ValueError:
        raise ConfigurationError(f"--fail has no fault {fault!r}; --list shows all faults") from None


def _options_text() -> str:
    import attrs

    from aiozbilling.simulator import Behaviour, Fault

    settings = [
        f"  {f'{field.name}={field.default}'.lower():32} {str(field.type).replace('Literal', '')}"
        for field in attrs.fields(Behaviour)
    ]
    faults = [f"  {fault.value:26} {fault.doc}" for fault in Fault]
    return "\n".join(
        [
            "--set NAME=VALUE (each with its default and type)",
            *settings,
            "",
            "--fail FAULT or FAULT:TIMES (one fault per request, in the order of the options)",
            *faults,
            "",
        ]
    )
