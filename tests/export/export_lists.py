"""Rows, and listings that read them from memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

from aiozbilling import Listing, TokenAmount, TopUp
from aiozbilling.listing.source import Source

NOON = datetime(2026, 10, 31, 12, tzinfo=UTC)


def top_up(number: int, **changes: Any) -> TopUp:
    """Return a deposit; the higher its number, the newer it is."""
    fields: dict[str, Any] = {
        "id": f"top-up-{number}",
        "amount": TokenAmount("attoaioz", Decimal(10**18 + number)),
        "sender": "aioz1sender",
        "recipient": "aioz1recipient",
        "status": True,
        "cosmos_tx_hash": f"{number:064X}",
        "evm_tx_hash": "",
        "event_index": number % 7,
        "block_number": 27_000_000 + number,
        "total_amount": Decimal(3 * 10**17 + number),
        "created_at": NOON + timedelta(minutes=number, microseconds=number),
        "updated_at": None,
    }
    return TopUp(**fields | changes)


def top_ups(count: int) -> list[TopUp]:
    """Return `count` deposits, newest first."""
    return [top_up(number) for number in reversed(range(count))]


def listing_of(rows: Sequence[TopUp | None], page_size: int = 5, **options: Any) -> Listing[TopUp]:
    """Return a listing that reads from `rows`, which may change meanwhile."""

    async def fetch(offset: int, limit: int, _received: object = None) -> tuple[Sequence[TopUp | None], int]:
        return rows[offset : offset + limit], len(rows)

    source = Source("/api/billing/topUp", fetch, attrgetter("id"), attrgetter("created_at"), {})
    return Listing(source, page_size=page_size, **options)
