"""Records of AIOZ Pin (W3IPFS) billing.

Source: https://api.w3ipfs.aioz.network, pages "Retrieves historical usage data", "Retrieves top up data", "Get this
month usage data for a user". In replies, money is USD × 10^18; storage and bandwidth are bytes.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import ClassVar

import attrs

from aiozbilling.records.amounts import TokenAmount, amount_if_any, exact_sum, scaled_or_none
from aiozbilling.records.record import Record
from aiozbilling.records.times import is_unset, refuse_bad_time

__all__ = ["DayUsage", "MonthUsage", "TopUp"]


_SET = dt.datetime(2, 1, 1, tzinfo=dt.UTC)  # times of year 1 are Go's "not set"


@attrs.frozen(kw_only=True, repr=False)
class TopUp(Record):
    """A deposit of tokens, a row of ``GET /api/billing/topUp``."""

    _WIRE_ORDER: ClassVar = (
        *("cosmos_tx_hash", "event_index", "evm_tx_hash", "id", "sender", "recipient", "block_number", "status"),
        *("amount", "total_amount", "credit", "created_at", "updated_at"),
    )
    id: str
    """The provider's id, unique in the list."""
    amount: TokenAmount
    """The deposited tokens."""
    sender: str
    """Address of the sender."""
    recipient: str
    """Address of the recipient."""
    status: bool
    """Not documented by the provider. So far, True for deposits that are credited."""
    cosmos_tx_hash: str
    """Hash of the transaction on the Cosmos side."""
    evm_tx_hash: str | None = None
    """Hash of the transaction on the EVM side; may be empty or missing."""
    event_index: int | None = None
    """Index of the event in its transaction, or None."""
    block_number: int | None = None
    """Number of the block, or None."""
    total_amount: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    """USD × 10^18, exact, or None."""
    credit: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    """USD × 10^18, exact, or None: the name of `total_amount` in newer replies."""
    created_at: dt.datetime | None
    """When the deposit was recorded, UTC, or None if the provider has not set it."""
    updated_at: dt.datetime | None
    """When the record was last changed, UTC, or None."""

    def __attrs_post_init__(self) -> None:
        # Usual times are checked inline, which halves the cost. Only other ones need the function.
        created_at, updated_at = self.created_at, self.updated_at
        if created_at is not None and (created_at.tzinfo is not dt.UTC or created_at < _SET) and is_unset(created_at):
            object.__setattr__(self, "created_at", None)
        if updated_at is not None and (updated_at.tzinfo is not dt.UTC or updated_at < _SET) and is_unset(updated_at):
            object.__setattr__(self, "updated_at", None)

    @property
    def credit_usd(self) -> Decimal | None:
        """Value of the deposit in USD, not rounded: `credit` or `total_amount`, or None if both are missing."""
        return scaled_or_none(self.total_amount if self.credit is None else self.credit)


@attrs.frozen(kw_only=True, repr=False)
class DayUsage(Record):
    """Usage of one day, a row of ``GET /api/billing/historyUsage``."""

    date: dt.datetime
    """The provider's timestamp of the day, UTC; unique in the list."""
    total_storage: int
    """Bytes stored."""
    total_bandwidth: int
    """Bytes transferred."""
    total_amount: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    """Cost in USD × 10^18, exact, or None. Today's row changes during the day."""

    def __attrs_post_init__(self) -> None:
        refuse_bad_time(self.date)

    @property
    def day(self) -> dt.date:
        """The calendar day in UTC."""
        return self.date.date()

    @property
    def amount_usd(self) -> Decimal | None:
        """The day's cost in USD, not rounded, or None."""
        return scaled_or_none(self.total_amount)


@attrs.frozen(kw_only=True, repr=False)
class MonthUsage(Record):
    """Usage of the current month, the reply of ``GET /api/billing/thisMonthUsage``."""

    total_storage: int
    """Bytes. Sources disagree whether this is a quota or the usage, so do not compute a ratio from it."""
    storage_usage: int
    """Bytes stored."""
    bandwidth_usage: int
    """Bytes transferred."""
    storage_cost: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    """USD × 10^18, exact, or None."""
    bandwidth_cost: Decimal | None = attrs.field(default=None, validator=amount_if_any)
    """USD × 10^18, exact, or None."""

    @property
    def storage_cost_usd(self) -> Decimal | None:
        """Cost of storage in USD, not rounded, or None."""
        return scaled_or_none(self.storage_cost)

    @property
    def bandwidth_cost_usd(self) -> Decimal | None:
        """Cost of bandwidth in USD, not rounded, or None."""
        return scaled_or_none(self.bandwidth_cost)

    @property
    def total_cost_usd(self) -> Decimal | None:
        """Sum of both costs in USD, not rounded, or None if either is unknown."""
        if self.storage_cost is None or self.bandwidth_cost is None:
            return None
        return scaled_or_none(exact_sum(self.storage_cost, self.bandwidth_cost))
