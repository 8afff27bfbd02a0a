"""Commands of the statement: `months`, `balance` and `runway`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aiozbilling.cli.facts import Database, with_statement
from aiozbilling.cli.messages import complain, note
from aiozbilling.cli.options import Access, BaseUrl, OutputFormat, Simulated, Since, Timeout, Until
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from aiozbilling.statement import Runway, Statement

__all__ = ["TOO_SHORT", "balance", "months", "runway"]

TOO_SHORT = 14
_Daily = Annotated[bool, typer.Option("--daily", help="Print each day: opening, credited, spent, closing.")]
_FailBelow = Annotated[
    int | None,
    typer.Option(
        "--fail-below",
        metavar="DAYS",
        min=0,
        show_default=False,
        help=f"Exit with {TOO_SHORT} if an account has fewer days left.",
    ),
]


def months(
    *,
    db: Database = None,
    since: Since = None,
    until: Until = None,
    format_: OutputFormat = None,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 30.0,
) -> None:
    """Cost and deposits by month.

    AIOZ's costs are sums of the daily history. A month is closed when no further rows are expected.
    """

    async def show(statement: "Statement", _now: datetime) -> None:
        from aiozbilling.cli.statement_tables import month_rows, print_months

        await print_months(format_, month_rows(statement, since, until), statement)

    _check_months(since, until)
    with_statement(db, Access(simulator, base_url, timeout), show)


def balance(
    *,
    db: Database = None,
    daily: _Daily = False,
    format_: OutputFormat = None,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 30.0,
) -> None:
    """AIOZ: balance of each account: credited deposits minus spend."""

    async def show(statement: "Statement", _now: datetime) -> None:
        from aiozbilling.cli.statement_tables import print_balances, print_daily_balances

        await (print_daily_balances if daily else print_balances)(format_, statement)

    with_statement(db, Access(simulator, base_url, timeout), show)


def runway(
    *,
    db: Database = None,
    fail_below: _FailBelow = None,
    format_: OutputFormat = None,
    simulator: Simulated = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 30.0,
) -> None:
    """AIOZ: estimate how long the balance of each account lasts.

    The balance is divided by the mean daily spend of the last 30 complete days.
    """

    async def show(statement: "Statement", now: datetime) -> None:
        from aiozbilling.cli.statement_tables import print_runways

        await print_runways(format_, statement, now.date())
        if not statement.runways:
            note("no account has any rows, so there is no estimate")
        short = [each for each in statement.runways if _is_short(each, now, fail_below)]
        if short:
            named = ", ".join(f"{each.account} ({int(each.days_left(now.date()) or 0)})" for each in short)
            complain(f"fewer than {fail_below} days left: {named}")
            raise SystemExit(TOO_SHORT)

    with_statement(db, Access(simulator, base_url, timeout), show)


def _is_short(runway: "Runway", now: datetime, fail_below: int | None) -> bool:
    left = runway.days_left(now.date())
    return fail_below is not None and left is not None and left < fail_below


def _check_months(since: str | None, until: str | None) -> None:
    from aiozbilling.records.calendar import first_day

    for month in (since, until):
        if month is not None:
            first_day(month)
    if since and until and since > until:
        raise ConfigurationError(f"--since ({since}) is after --until ({until})")
