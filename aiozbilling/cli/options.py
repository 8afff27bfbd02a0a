"""Options that several commands share."""

from typing import Annotated, Literal, NamedTuple

import typer

from aiozbilling.cli.output import Format

__all__ = [
    "Access",
    "BaseUrl",
    "Concurrency",
    "Decimals",
    "Everything",
    "ListName",
    "MaxItems",
    "OutputFormat",
    "PageSize",
    "RequestRate",
    "Simulated",
    "Since",
    "SinceTime",
    "StopEarly",
    "Timeout",
    "Until",
    "UntilTime",
]


class Access(NamedTuple):
    """The server that a command reads: an embedded simulator, or the one that `base_url` or the environment names."""

    simulator: bool
    base_url: str | None
    timeout: float
    rate_limit: str | None = None


ListName = Annotated[Literal["top-ups", "history"], typer.Argument(help="The list.")]
OutputFormat = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        show_default=False,
        help="table, json, jsonl or csv; default: table on a terminal, else csv.",
    ),
]
Simulated = Annotated[
    bool, typer.Option("--simulator", help="Read simulated data from an embedded server: no account, no network.")
]
BaseUrl = Annotated[str | None, typer.Option("--base-url", metavar="URL", show_default=False, help="Use this server.")]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="Time limit of one attempt.")]
MaxItems = Annotated[
    int | None,
    typer.Option(
        "--max-items",
        "-n",
        metavar="N",
        min=0,
        show_default=False,
        help="At most N rows. Default: 50 in a table, else all.",
    ),
]
Everything = Annotated[bool, typer.Option("--all", "-a", help="All rows, in a table too.")]
PageSize = Annotated[
    int | None,
    typer.Option(
        "--page-size",
        metavar="N",
        min=2,
        show_default=False,
        help="Rows per request. Default: as many as the server allows.",
    ),
]
Concurrency = Annotated[int, typer.Option("--concurrency", metavar="N", min=1, help="At most N requests at a time.")]
Decimals = Annotated[
    int,
    typer.Option(
        "--decimals", metavar="N", min=0, max=18, help="Decimals of money in tables; csv and json have every digit."
    ),
]
SinceTime = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", show_default=False, help="Only rows from this month, day or time on."),
]
UntilTime = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="TIME",
        show_default=False,
        help="Only rows up to the end of this month or day, or before this time.",
    ),
]
StopEarly = Annotated[
    bool,
    typer.Option(
        "--stop-early",
        help="With --since: stop after a whole page of older rows, if all rows so far came newest first.",
    ),
]
RequestRate = Annotated[
    str | None,
    typer.Option(
        "--rate-limit",
        metavar="N/SECONDS",
        show_default=False,
        help="At most N requests in that time, such as 180/60, or none. Default: the provider's published limit.",
    ),
]
Since = Annotated[str | None, typer.Option("--since", metavar="YYYY-MM", show_default=False, help="First month.")]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="YYYY-MM", show_default=False, help="Last month. Default: the current one."),
]
