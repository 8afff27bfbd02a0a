"""Prints months, balances and runways as tables for people and as data for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from rich.text import Text

from aiozbilling.cli.figures import CU_PLACES, NOTHING, aligned, exact, money, rounded
from aiozbilling.cli.output import Format, Lines, chosen, write
from aiozbilling.cli.screen import Drawn, Form, Screen, has_figures, note_of
from aiozbilling.records.amounts import exact_sum, scaled
from aiozbilling.statement import BALANCE_METHOD, RUNWAY_METHOD, Runway, Statement
from aiozbilling.tables.columns import CellType, Column

__all__ = ["month_rows", "print_balances", "print_daily_balances", "print_months", "print_runways"]

Row = tuple[Any, ...]


def _columns(type_: CellType, *names: str) -> list[Column]:
    return [Column(name, type_) for name in names]


_MONTH = (
    *_columns("text", "system", "account", "month"),
    *_columns("bool", "is_closed"),
    *_columns("text", "currency"),
    *_columns("decimal", "spend", "storage", "bandwidth", "not_split", "deposits", "used_cu"),
)
_BALANCE = (
    *_columns("text", "account", "day"),
    *_columns("decimal", "credited_usd", "spent_usd", "balance_usd"),
    *_columns("int", "uncredited"),
)
_DAILY = (
    *_columns("text", "account", "day"),
    *_columns("decimal", "opening_usd", "credited_usd", "spent_usd", "closing_usd"),
)
_RUNWAY = (
    *_columns("text", "account", "day"),
    *_columns("decimal", "balance_usd", "usd_per_day"),
    *_columns("int", "basis_days", "days_left"),
    *_columns("text", "empty_on"),
)


def month_rows(statement: Statement, since: str | None, until: str | None) -> list[Row]:
    """Return the months of all systems, sorted by system and account, oldest first."""
    rows: list[Row] = [
        ("aioz", account.account, m.month, m.is_closed, "USD", m.spend, m.storage, m.bandwidth, m.not_split,
         m.deposits, None)
        for account in statement.accounts
        for m in account.months
    ]  # fmt: skip
    nothing = (None,) * 4
    units = [(account, usage.year_month or "", usage.summary) for account, usage in statement.facts.cu]
    periods = [(account, m.period.year_month, m.estimated_cost) for account, m in statement.facts.metered]
    rows += [
        ("b3os", account, month, is_closed, None, None, *nothing, None if summary is None else summary.used)
        for (account, month, summary), is_closed in zip(units, _closed(units), strict=True)
    ]
    rows += [
        ("metered", account, month, is_closed, cost.currency.upper(), cost.total, *nothing, None)
        for (account, month, cost), is_closed in zip(periods, _closed(periods), strict=True)
    ]
    return [row for row in rows if (since or "") <= row[2] and (until is None or row[2] <= until)]


def _closed(months: Sequence[tuple[str, str, object]]) -> list[bool]:
    """Return which months are closed: those of an account that has a later month."""
    last = {account: month for account, month, _ in sorted(months, key=lambda each: each[:2])}
    return [month < last[account] for account, month, _ in months]


async def print_months(format_: Format | None, rows: Sequence[Row], statement: Statement) -> None:
    """Print months; below a table is the sum of AIOZ."""
    if await _print_data(format_, _MONTH, rows):
        return
    sums = {i: exact_sum(*(row[i] for row in rows if row[0] == "aioz" and row[i] is not None)) for i in (5, 9)}
    forms = [
        [Form("System", [row[0] for row in rows], left=True)],
        [Form("Account", [row[1] for row in rows], left=True)],
        [Form("Month", [row[2] + ("" if row[3] in (True, None) else " *") for row in rows], left=True)],
        [_amounts("Spend", [row[5] for row in rows])],
        [Form("", [row[4] or "" for row in rows], left=True)],
        *([_amounts(title, [row[i] for row in rows])] for title, i in _PARTS),
        [Form("CU", aligned([rounded(row[10], CU_PLACES) for row in rows]))],
    ]
    # Deposits are left out before compute units: their sum is below, and a row of B3OS has no other figure.
    without_figures = [i for i, column in enumerate(forms) if not has_figures(column[0])]
    below = [f"AIOZ, exact sums: spend {exact(sums[5])} USD, credited deposits {exact(sums[9])} USD"]
    if any(row[3] is False for row in rows):
        below.append("* not closed: further rows may come")
    late = sorted({name for month in statement.months for name in month.not_read})
    if late:
        below.append(f"Accounts last read before a month ended: {', '.join(late)}")
    heading, give_way = "Cost and deposits by month, AIOZ Pin in USD", (*without_figures, 7, 6, 5, 8, 9, 0)
    await _print_forms(heading, forms, give_way, rows, below, nothing="No months.")


_PARTS = (("Storage", 6), ("Bandwidth", 7), ("Not split", 8), ("Deposits", 9))


async def print_balances(format_: Format | None, statement: Statement) -> None:
    """Print the latest balance of each account."""
    rows: list[Row] = [
        (
            account.account,
            str(account.balances[-1].day) if account.balances else None,
            exact_sum(*(row.usd for row in account.facts.deposits if row.is_credited and row.usd is not None)),
            exact_sum(*(row.usd for row in account.facts.days if row.usd is not None)),
            account.balances[-1].closing if account.balances else None,
            sum(not row.is_credited for row in account.facts.deposits),
        )
        for account in statement.accounts
    ]
    if await _print_data(format_, _BALANCE, rows):
        return
    forms = [
        [Form("Account", [row[0] for row in rows], left=True)],
        [Form("Day", [row[1] or NOTHING for row in rows], left=True)],
        *([_amounts(title, [row[i] for row in rows])] for title, i in (("Credited", 2), ("Spent", 3), ("Balance", 4))),
        [Form("Not credited", [str(row[5]) for row in rows])],
    ]
    total = exact_sum(*(row[4] for row in rows if row[4] is not None))
    below = [f"Total: {exact(total)} USD", f"The {BALANCE_METHOD}."]
    await _print_forms("AIOZ Pin, balance in USD", forms, (5, 3, 2, 1), rows, below)


async def print_daily_balances(format_: Format | None, statement: Statement) -> None:
    """Print the balance of each account and day."""
    rows: list[Row] = [
        (account.account, str(day.day), day.opening, day.credited, day.spent, day.closing)
        for account in statement.accounts
        for day in account.balances
    ]
    if await _print_data(format_, _DAILY, rows):
        return
    titles = ("Opening", "Credited", "Spent", "Closing")
    forms = [
        [Form("Account", [row[0] for row in rows], left=True)],
        [Form("Day", [row[1] for row in rows], left=True)],
        *([_amounts(title, [row[i] for row in rows])] for i, title in enumerate(titles, 2)),
    ]
    await _print_forms("AIOZ Pin, balance by day in USD", forms, (2, 0), rows, [f"The {BALANCE_METHOD}."])


async def print_runways(format_: Format | None, statement: Statement, today: date) -> None:
    """Print the runway of each account, the shortest first."""
    runways = sorted(statement.runways, key=lambda each: (each.days is None, each.days_left(today) or 0))
    rows: list[Row] = [
        (
            each.account,
            str(each.day),
            each.balance,
            _decimal(each.per_day),
            each.basis_days,
            None if each.days is None else int(each.days_left(today) or 0),
            None if each.empty_on is None else str(each.empty_on),
        )
        for each in runways
    ]
    if await _print_data(format_, _RUNWAY, rows):
        return
    funded = {
        account.account for account in statement.accounts if any(row.is_credited for row in account.facts.deposits)
    }
    forms = [
        [Form("Account", [row[0] for row in rows], left=True)],
        [_amounts("Balance", [row[2] for row in rows])],
        [Form("A day", aligned([money(row[3], 4) for row in rows]))],
        [Form("Days left", [_days(each, row[5]) for each, row in zip(runways, rows, strict=True)])],
        [Form("Empty on", [_end(each, each.account in funded) for each in runways], left=True)],
    ]
    await _print_forms("AIOZ Pin, runway, amounts in USD", forms, (2, 1), rows, [f"An estimate: {RUNWAY_METHOD}."])


def _days(runway: Runway, left: int | None) -> str:
    if left is not None:
        return f"{left:,}"
    return "no end" if runway.balance > 0 and runway.basis_days else NOTHING


def _end(runway: Runway, is_funded: bool) -> str:  # noqa: FBT001
    """Return the day on which the balance reaches 0, or the reason why there is no such day."""
    if runway.balance <= 0:
        return "already empty" if is_funded else "no credited deposit"
    if not runway.basis_days:
        return "no complete day"
    if runway.days is None:
        return "never: no spend"
    return "in over 100 years" if runway.empty_on is None else str(runway.empty_on)


def _decimal(amount: Fraction) -> Decimal:
    """Return a mean rounded to 18 decimals."""
    return scaled(Decimal(round(amount * 10**18)), 18)


def _amounts(title: str, amounts: Sequence[Decimal | None]) -> Form:
    return Form(title, aligned([money(amount, 2) for amount in amounts]))


async def _print_data(format_: Format | None, columns: Sequence[Column], rows: Sequence[Row]) -> bool:
    """Print rows in a format for programs and return True; return False if the format is a table."""
    wanted = chosen(format_)
    if wanted == "table":
        return False
    lines = Lines(wanted, columns, lambda row: [row])
    await lines.add(rows)
    await lines.end()
    return True


async def _print_forms(
    heading: str,
    forms: Sequence[Sequence[Form]],
    give_way: Sequence[int],
    rows: Sequence[Row],
    below: Iterable[str],
    *,
    nothing: str = "No account has rows.",
) -> None:
    """Print a table with lines below it, or the text `nothing` if there are no rows."""
    screen = Screen()
    table, left_out = screen.table(forms, give_way)
    lines = [*note_of(left_out), *below]
    drawn: list[Drawn] = [Text(heading, style="bold"), table, Text(), *map(Text, lines)] if rows else [Text(nothing)]
    await write(screen.draw(drawn))
