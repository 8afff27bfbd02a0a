"""The typer application: its commands, its help text and its exit codes."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

from aiozbilling.cli.aioz import history, month, top_ups
from aiozbilling.cli.b3os import cu_balance, cu_usage
from aiozbilling.cli.exporting import export, schema
from aiozbilling.cli.failures import EXIT_CODES, report_failure
from aiozbilling.cli.fleet import fleet
from aiozbilling.cli.ledger import sync, verify
from aiozbilling.cli.messages import complain
from aiozbilling.cli.metered import metered
from aiozbilling.cli.report import report
from aiozbilling.cli.simulate import simulate
from aiozbilling.cli.statement import balance, months, runway

__all__ = ["app", "run_app"]

_NAME = "aiozbilling"
_EPILOG = """\b
Credentials come from environment variables:
  AIOZ     AIOZ_PIN_API_KEY and AIOZ_PIN_SECRET_KEY,
           or AIOZ_PIN_TOKEN
  B3OS     B3OS_API_KEY
  metered  METERED_BILLING_TOKEN, and METERED_BILLING_URL
On a terminal, the command asks for missing ones.
Other servers, and the organization of B3OS:
  AIOZ_PIN_BASE_URL, B3OS_SERVER_URL, B3OS_ORGANIZATION

\b
Exit codes:
""" + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES)

# Without rich's markup, help takes half the time and fits any terminal. Pretty tracebacks would show secrets.
app: typer.Typer = typer.Typer(
    name=_NAME,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(month)
app.command("history")(history)
app.command("top-ups")(top_ups)
app.command("cu-usage")(cu_usage)
app.command("cu-balance")(cu_balance)
app.command()(metered)
app.command()(export)
app.command()(sync)
app.command()(verify)
app.command()(schema)
app.command()(months)
app.command()(balance)
app.command()(runway)
app.command()(report)
app.command()(simulate)
app.add_typer(fleet, name="fleet")


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer passes it by position
    if wanted:
        from importlib.metadata import version

        typer.echo(f"{_NAME} {version(_NAME)}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def about(
    context: typer.Context,
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Read the billing data of AIOZ Pin (W3IPFS), B3OS and metered SaaS billing.

    Try it without an account: aiozbilling top-ups --simulator
    """
    if context.invoked_subcommand is None and not version:
        typer.echo(context.get_help())


def run_app(arguments: Sequence[str] | None) -> int:
    """Run a command line and return its exit code."""
    try:
        arguments = None if arguments is None else list(arguments)
        code = get_command(app).main(args=arguments, prog_name=_NAME, standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:  # a user sees a message, not a traceback
        return _report_usage(error) if hasattr(error, "format_message") else report_failure(error)
    return code if isinstance(code, int) else 0


def _report_usage(error: Any) -> int:
    command = getattr(getattr(error, "ctx", None), "command_path", _NAME)
    # typer 0.29 reads arguments with pydantic, which puts these words before a message.
    message = " ".join(error.format_message().split()).replace(": Value error, ", ": ", 1)
    complain(message, f"Try '{command} --help'.")
    return 2
