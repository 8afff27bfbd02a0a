"""Options that several commands share."""

from typing import Annotated, NamedTuple

import typer

from aiozbilling.cli.output import Format

__all__ = [
    "Access",
    "BaseUrl",
    "Concurrency",
    "Everything",
    "MaxItems",
    "OutputFormat",
    "PageSize",
    "Simulated",
    "Since",
    "Timeout",
    "Until",
]


class Access(NamedTuple):
    """Where a command reads from: an embedded simulator, or the server that the environment or `base_url` names."""

    simulator: bool
    base_url: str | None
    timeout: float


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
BaseUrl = Annotated[
    str | None, typer.Option("--base-url", metavar="URL", show_default=False, help="Ask another server.")
]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="For one attempt.")]
MaxItems = Annotated[
    int | None,
    typer.Option(
        "--max-items",
        "-n",
        metavar="N",
        min=0,
        show_default=False,
        help="Rows at most. Default: 50 in a table, else all.",
    ),
]
Everything = Annotated[bool, typer.Option("--all", "-a", help="All rows, in a table too.")]
PageSize = Annotated[
    int | None,
    typer.Option(
        "--page-size", metavar="N", min=2, show_default=False, help="Rows of one request. Default: as many as it takes."
    ),
]
Concurrency = Annotated[int, typer.Option("--concurrency", metavar="N", min=1, help="Requests in flight at most.")]
Since = Annotated[str | None, typer.Option("--since", metavar="YYYY-MM", show_default=False, help="First month.")]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="YYYY-MM", show_default=False, help="Last month. Default: the current one."),
]
