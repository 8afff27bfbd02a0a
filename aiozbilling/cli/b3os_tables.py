"""Draws B3OS's records as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from rich.text import Text

from aiozbilling.cli.figures import CU_PLACES, NOTHING, aligned, exact, percent, rounded
from aiozbilling.cli.pictures import gauge, level
from aiozbilling.cli.screen import Bars, Drawn, Form, Screen
from aiozbilling.records import CuBalance, CuDay, CuLine, CuSummary, CuUsage
from aiozbilling.records.amounts import exact_sum

__all__ = ["CuBalanceTable", "CuTable"]


class CuTable:
    """Draws CuUsages: the allowance of each month, its days and its nodes."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._used: list[Decimal | None] = []

    def body(self, records: Sequence[CuUsage]) -> Iterator[Drawn]:
        """Draw months."""
        for usage in records:
            if self._used:
                yield Text()
            yield Text(f"B3OS, compute units in {usage.year_month or 'an unnamed month'}", style="bold")
            used = _used(usage)
            yield from self._allowance(usage.summary, used)
            if usage.daily:
                yield Text()
                yield from self._days(usage.daily)
            lines = _by_node(usage.daily)
            if lines:
                yield Text()
                yield from self._nodes(lines)
            self._used.append(used)

    def foot(self, total: int | None) -> Iterable[Drawn]:  # noqa: ARG002 - months are counted here
        """Draw the sum of several months."""
        if len(self._used) > 1:
            yield Text()
            yield Text(f"{len(self._used)} months: {_cu(_sum(self._used))} CU used", style="bold")

    def _allowance(self, summary: CuSummary | None, used: Decimal | None) -> Iterator[Drawn]:
        if summary is None:
            yield Text(f"{_cu(used)} CU used")
            return
        given = exact_sum((summary.deposited, summary.granted))
        yield Text(f"{_cu(used)} CU used; {_cu(summary.deposited)} deposited, {_cu(summary.granted)} granted")
        if used is not None and given > 0:
            share = float(used / given)
            picture = gauge(share, min(self._screen.width - 9, 40), ascii_only=self._screen.ascii_only)
            yield Text.assemble((picture, level(share)), f" {percent(share * 100)}", no_wrap=True)

    def _days(self, days: Sequence[CuDay]) -> Iterator[Drawn]:
        runs = [_runs(day.breakdown) for day in days]
        columns: list[Sequence[Form | Bars]] = [
            [Form("Day", [day.date or NOTHING for day in days], "Total", left=True)],
            [Form("CU", *_summed([day.used for day in days]))],
            [Form("Runs", *_counted(runs))],
            [_bars([day.used for day in days])],
        ]
        return self._screen.fitted(columns, give_way=(3, 2))

    def _nodes(self, lines: Sequence[CuLine]) -> Iterator[Drawn]:
        columns: list[Sequence[Form | Bars]] = [
            [Form("Node", [line.node_type or NOTHING for line in lines], "Total", left=True)],
            [Form("Type", [line.type or NOTHING for line in lines], left=True)],
            [Form("CU", *_summed([line.cu for line in lines]))],
            [Form("Runs", *_counted([line.count for line in lines]))],
            [_bars([line.cu for line in lines])],
        ]
        return self._screen.fitted(columns, give_way=(4, 3, 1))


class CuBalanceTable:
    """Draws a CuBalance."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def body(self, records: Sequence[CuBalance]) -> Iterator[Drawn]:
        """Draw the balance, and the threshold if the provider returns one."""
        for balance in records:
            yield Text(f"{_cu(balance.balance)} CU left", style="bold")
            if balance.min_threshold is not None:
                yield Text(f"The provider's minimum is {_cu(balance.min_threshold)} CU.")

    def foot(self, total: int | None) -> Iterable[Drawn]:  # noqa: ARG002 - there is one balance
        """Draw nothing."""
        return ()


def _cu(number: Decimal | None) -> str:
    return rounded(number, CU_PLACES)


def _by_node(days: Sequence[CuDay]) -> list[CuLine]:
    """Add the lines of all days by node type, the largest first."""
    nodes: dict[tuple[str | None, str | None], list[CuLine]] = {}
    for line in (line for day in days for line in day.breakdown):
        nodes.setdefault((line.type, line.node_type), []).append(line)
    sums = [
        CuLine(type=type_, node_type=node_type, count=_runs(lines), cu=_sum([line.cu for line in lines]))
        for (type_, node_type), lines in nodes.items()
    ]
    return sorted(sums, key=lambda line: line.cu or 0, reverse=True)


def _used(usage: CuUsage) -> Decimal | None:
    """Return the compute units of a month: the provider's sum, or else the sum of its days."""
    if usage.summary is not None and usage.summary.used is not None:
        return usage.summary.used
    return _sum([day.used for day in usage.daily])


def _sum(numbers: Sequence[Decimal | None]) -> Decimal | None:
    """Add numbers. The sum is unknown if all of them are."""
    return None if all(number is None for number in numbers) else exact_sum(numbers)


def _runs(lines: Sequence[CuLine]) -> int | None:
    """Add the runs of lines. The sum is unknown if all of them are."""
    counts = [line.count for line in lines if line.count is not None]
    return sum(counts) if counts else None


def _counted(counts: Sequence[int | None]) -> tuple[list[str], str]:
    known = [count for count in counts if count is not None]
    return [exact(count) for count in counts], exact(sum(known) if known else None)


def _summed(numbers: Sequence[Decimal | None]) -> tuple[list[str], str]:
    *cells, foot = aligned([_cu(number) for number in (*numbers, _sum(numbers))])
    return cells, foot


def _bars(numbers: Sequence[Decimal | None]) -> Bars:
    highest = max((number for number in numbers if number is not None), default=Decimal(0))
    return Bars("", [float(number / highest) if number and highest > 0 else 0.0 for number in numbers])
