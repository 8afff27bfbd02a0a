"""The facts about an export that its checkpoint, its report and its manifest have in common."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import attrs

from aiozbilling.listing.window import Consistency
from aiozbilling.records.amounts import TokenAmount

__all__ = ["Facts"]


@attrs.frozen(kw_only=True)
class Facts:
    """Counts, sums and times of an export, over all of its runs.

    A field that is added here is added to the checkpoint, to the report and to the manifest.
    """

    host: str = ""
    """Host that the latest run read from."""
    key_fingerprint: str = ""
    """Identifies host and credentials of the latest run, without revealing them: the result of
    ``billing.fingerprint(bytes.fromhex(key_salt))``. Empty where the credentials come from a function and the client
    has no ``account=``."""
    key_salt: str = ""
    """Random key of `key_fingerprint`, hexadecimal."""
    key_changed: bool = False
    """Whether a later run had other credentials or another host. The list still had the rows that were read before."""
    rows: int = 0
    """Rows in the file."""
    rows_outside: int = 0
    """Rows of the list that are not in the file, because their time is missing or outside of `since` and `until`."""
    rows_without_usd: int = 0
    """Rows in the file that have no amount in USD. `usd` does not include them."""
    rows_uncredited: int = 0
    """Deposits in the file whose status is not true. All sums include them."""
    first_time: datetime | None = None
    """Earliest time of a row in the file, or None."""
    last_time: datetime | None = None
    """Latest time of a row in the file, or None."""
    usd: Decimal = Decimal(0)
    """Exact sum in USD."""
    usd_uncredited: Decimal = Decimal(0)
    """The part of `usd` that belongs to uncredited deposits."""
    amounts: dict[str, TokenAmount] = attrs.field(factory=dict)
    """Exact sums of tokens by denomination."""
    amounts_uncredited: dict[str, TokenAmount] = attrs.field(factory=dict)
    """The part of `amounts` that belongs to uncredited deposits."""
    duplicates_skipped: int = 0
    """Rows that were read again because the list moved."""
    null_rows_skipped: int = 0
    """Null rows of the list."""
    consistency: Consistency = "static"
    """How the list changed while it was read and between two runs: ``"static"``, ``"grown"`` or ``"changed"``."""
    total_first: int | None = None
    """The server's total at the first request, or None if the server never sent one."""
    total_last: int | None = None
    """The server's total at the latest request, or None if the server never sent one."""
    requests: int = 0
    """Requests for pages."""
    runs: int = 0
    """Runs that read rows of the file: 1 if the export was never interrupted."""
    stopped_early: bool = False
    """Whether `stop_early` ended the export before the end of the list. `rows_outside` then counts only rows that were
    read."""
    started_at: datetime
    """When the first run began, UTC."""
