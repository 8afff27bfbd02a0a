"""The local SQLite ledger: what the provider reported about one or more accounts."""

from aiozbilling.sync.sync import SyncProgress, SyncReport, sync

__all__ = ["SyncProgress", "SyncReport", "sync"]
