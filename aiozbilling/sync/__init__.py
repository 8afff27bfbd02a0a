"""The local SQLite ledger: what the provider reported about one or more accounts."""

from aiozbilling.sync.runs import ListCounts
from aiozbilling.sync.sync import SyncProgress, SyncReport, sync
from aiozbilling.sync.verify import Difference, ListTotal, VerifyReport, verify

__all__ = ["Difference", "ListCounts", "ListTotal", "SyncProgress", "SyncReport", "VerifyReport", "sync", "verify"]
