"""Draws AIOZ's records as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from rich.text import Text

from aiozbilling.cli.figures import aligned, exact, moment, money, plain_money, shortened, size, size_in_gb
from aiozbilling.cli.pictures import sparkline
from aiozbilling.cli.screen import Bars, Drawn, Form, Screen, note_of
from aiozbilling.records import DayUsage, MonthUsage, TopUp
from aiozbilling.records.amounts import exact_sum

__all__ = ["HistoryTable", "MonthTable", "TopUpTable"]

_THOUSANDS = len("1,000.")  # most deposits are smaller than 10,000
_NARROW_PLACES = 2  # decimals of money where the terminal has no room for more


class MonthTable:
    """Draws a MonthUsage. The record does not contain its month, so the caller passes it."""

    def __init__(self, screen: Screen, month: str, decimals: int = 6) -> None:
        self._screen = screen
        self._month = month
        self._decimals = decimals

    def body(self, records: Sequence[MonthUsage]) -> Iterable[Drawn]:
        """Draw the month."""
        for usage in records:
            counts = (usage.storage_usage, usage.bandwidth_usage, usage.total_storage)
            costs = (usage.storage_cost_usd, usage.bandwidth_cost_usd, None)
            columns = [
                [Form("", ("Storage used", "Bandwidth used", "Total storage"), "Total cost", left=True)],
                [Form("≈ binary", [size(count) for count in counts], style="cyan")],
                [Form("≈ decimal", [size_in_gb(count) for count in counts], style="cyan")],
                [Form("bytes", [exact(count) for count in counts])],
                _money(costs, self._decimals, usage.total_cost_usd),
            ]
            yield Text(f"AIOZ Pin, {self._month} so far", style="bold")
            yield from self._screen.fitted(columns, give_way=(2, 3, 4))

    def foot(self, total: int | None) -> Iterable[Drawn]:  # noqa: ARG002 - there is one month
        """Draw nothing."""
        return ()


class HistoryTable:
    """Draws DayUsages."""

    def __init__(self, screen: Screen, decimals: int = 6) -> None:
        self._screen = screen
        self._decimals = decimals
        self._days: list[tuple[str, int]] = []
        self._usd: Decimal = Decimal(0)
        self._has_bars = True
        self._left_out: dict[str, None] = {}

    def body(self, records: Sequence[DayUsage]) -> Iterator[Drawn]:
        """Draw days."""
        if not self._days:
            yield Text("AIOZ Pin, usage by day", style="bold")
        highest = max(day.total_bandwidth for day in records) or 1
        columns: list[Sequence[Form | Bars]] = [
            [Form("Day", [str(day.day) for day in records], left=True)],
            [Form("≈ Storage", [size(day.total_storage) for day in records], style="cyan")],
            [Form("bytes", [exact(day.total_storage) for day in records], name="storage bytes")],
            [Form("≈ Bandwidth", [size(day.total_bandwidth) for day in records], style="cyan")],
            [Form("bytes", [exact(day.total_bandwidth) for day in records], name="bandwidth bytes")],
            _money([day.amount_usd for day in records], self._decimals),
            [Bars("Bandwidth", [day.total_bandwidth / highest for day in records])],
        ]
        table, left_out = self._screen.table(columns, give_way=(6, 2, 4, 1, 5), header=not self._days)
        self._has_bars = len(table.columns) == len(columns)  # they are left out first
        self._left_out |= dict.fromkeys(left_out)
        self._days += [(str(day.day), day.total_bandwidth) for day in records]
        self._usd = exact_sum((self._usd, *(day.amount_usd for day in records)))
        yield table

    def foot(self, total: int | None) -> Iterator[Drawn]:
        """Draw the totals, and a sparkline of the days if there was no room for bars."""
        if not self._days:
            yield _nothing(total, "days")
            return
        days = sorted(self._days)
        bandwidth = sum(count for _, count in days)
        if not self._has_bars and len(days) > 1:
            line = sparkline([count for _, count in days], self._screen.width, ascii_only=self._screen.ascii_only)
            yield Text()
            yield Text(f"Bandwidth from {days[0][0]} to {days[-1][0]}")
            yield Text(line, style="cyan")
        yield Text()
        yield from map(Text, note_of(self._left_out))
        yield _counted(len(days), total, "day")
        these = _these(len(days), total)
        yield Text(f"Bandwidth{these}: {exact(bandwidth)} bytes (≈ {size(bandwidth)} or {size_in_gb(bandwidth)})")
        yield Text(f"Cost{these}: {plain_money(self._usd, self._decimals)} USD")


class TopUpTable:
    """Draws TopUps."""

    def __init__(self, screen: Screen, decimals: int = 6) -> None:
        self._screen = screen
        self._decimals = decimals
        self._count = 0
        self._tokens: dict[str, Decimal] = {}
        self._usd: Decimal = Decimal(0)
        self._false = 0
        self._false_usd: Decimal = Decimal(0)
        self._left_out: dict[str, None] = {}

    def body(self, records: Sequence[TopUp]) -> Iterator[Drawn]:
        """Draw deposits."""
        amounts = [row.amount.value for row in records]
        symbols = {*self._tokens, *(row.amount.symbol for row in records)}  # the title stays that of the first page
        hashes = [row.evm_tx_hash or row.cosmos_tx_hash for row in records]
        title = next(iter(symbols)) if len(symbols) == 1 else "Amount"
        columns: list[Sequence[Form]] = [
            [
                Form("Created (UTC)", [moment(row.created_at) for row in records], left=True),
                Form("Created", [moment(row.created_at)[:10] for row in records], left=True),
            ],
            _money(amounts, self._decimals, title=title, whole=_THOUSANDS),
            [] if len(symbols) == 1 else [Form("", [row.amount.symbol for row in records], left=True)],
            _money([row.credit_usd for row in records], self._decimals, whole=_THOUSANDS),
            [Form("Status", ["true" if row.status else "false" for row in records], left=True)],
            *(
                [Form(title, texts, left=True), Form(title, [shortened(text) for text in texts], left=True)]
                for title, texts in (
                    ("Id", [row.id for row in records]),
                    ("Sender", [row.sender for row in records]),
                    ("Transaction", hashes),
                )
            ),
        ]
        table, left_out = self._screen.table(columns, give_way=(7, 6, 5, 7, 6, 5, 0, 1, 3), header=not self._count)
        self._left_out |= dict.fromkeys(left_out)
        if not self._count:
            yield Text("AIOZ Pin, top-ups", style="bold")
        self._add(records)
        yield table

    def foot(self, total: int | None) -> Iterator[Drawn]:
        """Draw the totals. Deposits with status false are counted separately."""
        if not self._count:
            yield _nothing(total, "top-ups")
            return
        yield Text()
        yield from map(Text, note_of(self._left_out))
        yield _counted(self._count, total, "top-up")
        these = _these(self._count, total)
        for symbol, amount in self._tokens.items():
            yield Text(f"Deposited{these}: {plain_money(amount, self._decimals)} {symbol}")
        yield Text(f"Credited{these}: {plain_money(self._usd, self._decimals)} USD")
        if self._false:
            noun = "top-up has" if self._false == 1 else "top-ups have"
            missing = plain_money(self._false_usd, self._decimals)
            yield Text(f"{self._false:,} {noun} status false: {missing} USD, not in this sum")

    def _add(self, records: Sequence[TopUp]) -> None:
        self._count += len(records)
        self._usd = exact_sum((self._usd, *(row.credit_usd for row in records if row.status)))
        self._false += sum(not row.status for row in records)
        self._false_usd = exact_sum((self._false_usd, *(row.credit_usd for row in records if not row.status)))
        for row in records:
            symbol = row.amount.symbol
            self._tokens[symbol] = exact_sum((self._tokens.get(symbol), row.amount.value))


def _money(
    amounts: Sequence[Decimal | None],
    places: int,
    total: Decimal | None = None,
    *,
    title: str = "USD",
    whole: int = 0,
) -> list[Form]:
    """Return a column of money, and the same column with two decimals for a narrow terminal.

    There is room for `whole` characters before the decimals, for rows that are printed later.
    """
    forms = []
    for decimals in dict.fromkeys((places, min(places, _NARROW_PLACES))):
        *cells, foot = aligned([money(amount, decimals) for amount in (*amounts, total)])
        forms.append(
            Form(
                title if decimals == places else f"≈ {title}",
                cells,
                "" if total is None else foot,
                least=whole and whole + decimals,
            )
        )
    return forms


def _these(shown: int, total: int | None) -> str:
    """Return words such as " in these 50" for a sum that does not include all rows of the list."""
    if total is None or total <= shown:
        return ""
    return " in this row" if shown == 1 else f" in these {shown:,}"


def _nothing(total: int | None, nouns: str) -> Text:
    return Text(f"None of {total:,} {nouns}." if total else f"No {nouns}.")


def _counted(shown: int, total: int | None, noun: str) -> Text:
    plural = "" if shown == 1 else "s"
    if total is None or total <= shown:
        return Text(f"{shown:,} {noun}{plural}", style="bold")
    text = f"{shown:,} of {total:,} {noun}s. --all, --max-items or --format csv shows more."
    return Text(text, style="bold")
