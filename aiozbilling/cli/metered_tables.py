"""Draws metered billing's records as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from rich.text import Text

from aiozbilling.cli.figures import aligned, exact, moment, plain_money
from aiozbilling.cli.pictures import gauge, level
from aiozbilling.cli.screen import Drawn, Form, Screen
from aiozbilling.records import EstimatedCost, MeteredUsage, MetricUsage
from aiozbilling.records.amounts import exact_sum

__all__ = ["MeteredTable"]


class MeteredTable:
    """Draws MeteredUsages: each period's metrics and their cost."""

    def __init__(self, screen: Screen, decimals: int = 6) -> None:
        self._screen = screen
        self._decimals = decimals
        self._costs: list[EstimatedCost] = []

    def body(self, records: Sequence[MeteredUsage]) -> Iterator[Drawn]:
        """Draw periods."""
        for usage in records:
            if self._costs:
                yield Text()
            period = f"{moment(usage.period.start)} to {moment(usage.period.end)} UTC"
            yield Text(f"Metered billing, {period}", style="bold")
            if usage.metrics:
                yield from self._metrics(usage)
            else:
                yield Text("No metrics.")
            cost = usage.estimated_cost
            base, overage, total = (
                plain_money(amount, self._decimals) for amount in (cost.base, cost.overage, cost.total)
            )
            yield Text(f"Estimated cost: {total} {cost.currency.upper()} ({base} base + {overage} overage)")
            self._costs.append(cost)

    def foot(self, total: int | None) -> Iterable[Drawn]:  # noqa: ARG002 - periods are counted here
        """Draw the sum of several periods."""
        if len(self._costs) > 1:
            for currency in dict.fromkeys(cost.currency for cost in self._costs):
                costs = [cost.total for cost in self._costs if cost.currency == currency]
                yield Text()
                yield Text(
                    f"{len(costs)} periods: {plain_money(exact_sum(costs), self._decimals)} {currency.upper()}",
                    style="bold",
                )

    def _metrics(self, usage: MeteredUsage) -> Iterator[Drawn]:
        metrics = list(usage.metrics.values())
        ends = [usage.projected_usage.get(id_) for id_ in usage.metrics]
        columns = [
            [Form("Metric", [metric.name for metric in metrics], left=True)],
            [Form("Id", list(usage.metrics), left=True)],
            [_numbers("Used", [metric.used for metric in metrics])],
            [_numbers("Included", [metric.included for metric in metrics])],
            [Form("Unit", [metric.unit for metric in metrics], left=True)],
            [self._gauges(metrics, 24), self._gauges(metrics, 10)],
            [_numbers("%", [metric.percentage for metric in metrics])],
            [_numbers("Overage", [metric.overage for metric in metrics])],
            [_numbers("Projected", [None if end is None else end.projected for end in ends])],
        ]
        return self._screen.fitted(columns, give_way=(1, 5, 8, 5, 7, 4))

    def _gauges(self, metrics: Sequence[MetricUsage], width: int) -> Form:
        shares = [None if metric.percentage is None else float(metric.percentage) / 100 for metric in metrics]
        ascii_only = self._screen.ascii_only
        pictures = ["" if share is None else gauge(share, width, ascii_only=ascii_only) for share in shares]
        return Form("", pictures, left=True, styles=[level(share or 0) for share in shares])


def _numbers(title: str, numbers: Sequence[Decimal | None]) -> Form:
    return Form(title, aligned([exact(number) for number in numbers]))
