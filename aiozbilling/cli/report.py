"""The command that writes the report."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiozbilling.cli.facts import Database, with_statement
from aiozbilling.cli.options import Access, BaseUrl, Simulated, Timeout
from aiozbilling.cli.output import write
from aiozbilling.errors import ConfigurationError
from aiozbilling.records.texts import printable

if TYPE_CHECKING:
    from aiozbilling.statement import Statement

__all__ = ["report"]

_Out = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="FILE", help="The file to write, .html or .xlsx; an existing one is replaced."),
]
_Month = Annotated[
    str | None,
    typer.Option("--month", metavar="YYYY-MM", show_default=False, help="Default: the latest closed month."),
]
_Static = Annotated[bool, typer.Option("--static", help="Write a page without scripts, for mail.")]


def report(
    *,
    out: _Out,
    db: Database = None,
    month: _Month = None,
    static: _Static = False,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 30.0,
) -> None:
    """Write the report of a month, an HTML page or a workbook."""

    async def show(statement: "Statement", now: datetime) -> None:
        import asyncio

        from aiozbilling.report import write_report

        _refuse_unknown(month, statement)
        written = await asyncio.to_thread(write_report, statement, out, month=month, static=static, now=now)
        number = len(statement.accounts)
        size = f"{out.stat().st_size:,} bytes"
        line = f"{out}: {written}, {number} account{'s' * (number != 1)} of AIOZ, {size}"
        await write(f"{printable(line)}\n".encode())

    from aiozbilling.report.file import refuse_mistakes

    refuse_mistakes(out, month=month, static=static)
    with_statement(db, Access(simulator, base_url, timeout), show)


def _refuse_unknown(month: str | None, statement: "Statement") -> None:
    """Raise ConfigurationError for a month without data."""
    known = {each.month for each in statement.months}
    known |= {usage.year_month for _, usage in statement.facts.cu if usage.year_month}
    known |= {usage.period.year_month for _, usage in statement.facts.metered}
    if month is not None and month not in known:
        raise ConfigurationError(f"there is no data for {month}; months with data: {_listed(sorted(known)) or 'none'}")


def _listed(months: list[str]) -> str:
    from aiozbilling.records.calendar import months_between

    is_whole = len(months) > 2 and months == months_between(months[0], months[-1])
    return f"{months[0]} to {months[-1]}" if is_whole else ", ".join(months)
