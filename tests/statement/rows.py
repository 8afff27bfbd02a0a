from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from aiozbilling import DayUsage, TokenAmount, TopUp
from aiozbilling.records.amounts import scaled

USD = 10**18


def top_up(id_: str, at: datetime | None, usd: str | None = "1", *, tokens: str = "2", status: bool = True) -> TopUp:
    """Return a deposit with a value of `usd`."""
    return TopUp(
        id=id_,
        amount=TokenAmount("attoaioz", Decimal(tokens) * USD),
        sender="aioz1sender",
        recipient="aioz1recipient",
        status=status,
        cosmos_tx_hash="AB",
        total_amount=None if usd is None else scaled(Decimal(usd), -18),
        created_at=at,
        updated_at=None,
    )


def day_usage(day: date, usd: str | None = "1", *, storage: int = 10**12, bandwidth: int = 10**9) -> DayUsage:
    """Return a day with a cost of `usd`."""
    return DayUsage(
        date=datetime(day.year, day.month, day.day, tzinfo=UTC),
        total_storage=storage,
        total_bandwidth=bandwidth,
        total_amount=None if usd is None else scaled(Decimal(usd), -18),
    )
