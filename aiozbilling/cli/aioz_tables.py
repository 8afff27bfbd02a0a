"""AIOZ's records as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from rich.text import Text

from aiozbilling.cli.figures import aligned, cut, exact, moment, shortened, size, size_in_gb, sum_of
from aiozbilling.cli.pictures import sparkline
from aiozbilling.cli.screen import Bars, Drawn, Form, Screen
from aiozbilling.records import DayUsage, MonthUsage, TopUp

__all__ = ["HistoryTable", "MonthTable", "TopUpTable"]

_PLACES = 6  # of an amount that is cut where there is no room for all of its digits


class MonthTable:
    """Draws a MonthUsage."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def body(self, records: Sequence[MonthUsage]) -> Iterable[Drawn]:
        """Draw the month."""
        for usage in records:
            counts = (usage.storage_usage, usage.bandwidth_usage, usage.total_storage)
            costs = (usage.storage_cost_usd, usage.bandwidth_cost_usd, None)
            table, _ = self._screen.table(
                [
                    [Form("This month", ("Storage", "Bandwidth", "Total storage"), "Together", left=True)],
                    [Form("≈ binary", [size(count) for count in counts], style="cyan")],
                    [Form("≈ decimal", [size_in_gb(count) for count in counts], style="cyan")],
                    [Form("bytes", [exact(count) for count in counts])],
                    _money("USD", costs, usage.total_cost_usd),
                ],
                give_way=(2, 3, 4),
            )
            yield table

    def foot(self, total: int | None) -> Iterable[Drawn]:  # noqa: ARG002 - there is one month
        """Draw nothing."""
        return ()


class HistoryTable:
    """Draws DayUsages."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._days: list[tuple[str, int]] = []
        self._usd: Decimal = Decimal(0)
        self._has_bars = True

    def body(self, records: Sequence[DayUsage]) -> Iterable[Drawn]:
        """Draw days."""
        highest = max(day.total_bandwidth for day in records) or 1
        table, kept = self._screen.table(
            [
                [Form("Day", [str(day.day) for day in records], left=True)],
                [Form("≈ Storage", [size(day.total_storage) for day in records], style="cyan")],
                [Form("bytes", [exact(day.total_storage) for day in records])],
                [Form("≈ Bandwidth", [size(day.total_bandwidth) for day in records], style="cyan")],
                [Form("bytes", [exact(day.total_bandwidth) for day in records])],
                _money("USD", [day.amount_usd for day in records]),
                [Bars("Bandwidth", [day.total_bandwidth / highest for day in records])],
            ],
            give_way=(6, 2, 4, 1, 5),
            header=not self._days,
        )
        self._has_bars = 6 in kept
        self._days += [(str(day.day), day.total_bandwidth) for day in records]
        self._usd = sum_of((self._usd, *(day.amount_usd for day in records)))
        yield table

    def foot(self, total: int | None) -> Iterator[Drawn]:
        """Draw the totals, and the days as a line where there was no room for bars."""
        if not self._days:
            yield _nothing(total, "days")
            return
        days = sorted(self._days)
        bandwidth = sum(count for _, count in days)
        if not self._has_bars:
            line = sparkline([count for _, count in days], self._screen.width, ascii_only=self._screen.ascii_only)
            yield Text(f"\nBandwidth from {days[0][0]} to {days[-1][0]}")
            yield Text(line, style="cyan")
        yield Text()
        yield _counted(len(days), total, "day")
        these = _these(len(days), total)
        yield Text(f"Bandwidth{these}: {exact(bandwidth)} bytes (≈ {size(bandwidth)} or {size_in_gb(bandwidth)})")
        yield Text(f"Cost{these}: {exact(self._usd)} USD")


class TopUpTable:
    """Draws TopUps."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._count = 0
        self._tokens: dict[str, Decimal] = {}
        self._usd: Decimal = Decimal(0)
        self._open = 0
        self._open_usd: Decimal = Decimal(0)

    def body(self, records: Sequence[TopUp]) -> Iterable[Drawn]:
        """Draw deposits."""
        amounts = [exact(row.amount.value) for row in records]
        symbols = {row.amount.symbol for row in records}
        hashes = [row.evm_tx_hash or row.cosmos_tx_hash for row in records]
        table, _ = self._screen.table(
            [
                [
                    Form("Created (UTC)", [moment(row.created_at) for row in records], left=True),
                    Form("Created", [moment(row.created_at)[:10] for row in records], left=True),
                ],
                _digits(symbols.pop() if len(symbols) == 1 else "Amount", amounts),
                [] if not symbols else [Form("", [row.amount.symbol for row in records], left=True)],
                _money("USD", [row.credit_usd for row in records]),
                [Form("Status", ["true" if row.status else "false" for row in records], left=True)],
                [
                    Form("Id", [row.id for row in records], left=True),
                    Form("Id", [shortened(row.id) for row in records], left=True),
                ],
                [
                    Form("Sender", [row.sender for row in records], left=True),
                    Form("Sender", [shortened(row.sender) for row in records], left=True),
                ],
                [
                    Form("Transaction", hashes, left=True),
                    Form("Transaction", [shortened(text) for text in hashes], left=True),
                ],
            ],
            give_way=(7, 6, 5, 7, 6, 4, 5, 0, 3, 1),
            header=not self._count,
        )
        self._add(records)
        yield table

    def foot(self, total: int | None) -> Iterator[Drawn]:
        """Draw the totals."""
        if not self._count:
            yield _nothing(total, "top-ups")
            return
        yield Text()
        yield _counted(self._count, total, "top-up")
        these = _these(self._count, total)
        for symbol, amount in self._tokens.items():
            yield Text(f"Deposited{these}: {exact(amount)} {symbol}")
        yield Text(f"Credited{these}: {exact(self._usd)} USD")
        if self._open:
            yield Text(f"Of these, {self._open:,} with status false: {exact(self._open_usd)} USD")

    def _add(self, records: Sequence[TopUp]) -> None:
        self._count += len(records)
        self._usd = sum_of((self._usd, *(row.credit_usd for row in records)))
        for row in records:
            symbol = row.amount.symbol
            self._tokens[symbol] = sum_of((self._tokens.get(symbol), row.amount.value))
            if not row.status:
                self._open += 1
                self._open_usd = sum_of((self._open_usd, row.credit_usd))


def _money(title: str, amounts: Sequence[Decimal | None], sum_: Decimal | None = None) -> list[Form]:
    return _digits(title, [exact(amount) for amount in amounts], "" if sum_ is None else exact(sum_))


def _digits(title: str, texts: Sequence[str], sum_: str = "") -> list[Form]:
    """Give the exact form of a column of numbers, and one that is cut and says so."""
    forms = []
    for all_ in ([*texts, sum_], [cut(text, _PLACES) for text in (*texts, sum_)]):
        *cells, foot = aligned(all_)
        forms.append(Form(title, cells, foot if sum_ else ""))
    return forms


def _these(shown: int, total: int | None) -> str:
    """Say of a sum that it is of the rows shown, where there are others."""
    return f" in these {shown:,}" if total is not None and total > shown else ""


def _nothing(total: int | None, nouns: str) -> Text:
    if total is None:  # nothing was asked, as the number wanted is 0
        return Text(f"No {nouns} wanted.")
    return Text(f"None of {total:,} {nouns}." if total else f"No {nouns}.")


def _counted(shown: int, total: int | None, noun: str) -> Text:
    plural = "" if shown == 1 else "s"
    if total is None or total <= shown:
        return Text(f"{shown:,} {noun}{plural}", style="bold")
    rest = total - shown
    text = f"{shown:,} of {total:,} {noun}s; {rest:,} more with --all, --max-items or --format csv"
    return Text(text, style="bold")
