"""Lists as files and tables that survive any crash, and as streams of bytes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiozbilling.export.job import export
    from aiozbilling.export.manifest import ExportReport
    from aiozbilling.export.stream import stream_csv, stream_jsonl
    from aiozbilling.export.totals import Progress
    from aiozbilling.sync.sync import SyncProgress, SyncReport, sync

__all__ = ["ExportReport", "Progress", "SyncProgress", "SyncReport", "export", "stream_csv", "stream_jsonl", "sync"]

_HOMES = {
    "ExportReport": "export.manifest",
    "Progress": "export.totals",
    "export": "export.job",
    "stream_csv": "export.stream",
    "stream_jsonl": "export.stream",
    "SyncProgress": "sync",
    "SyncReport": "sync",
    "sync": "sync",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"aiozbilling.{_HOMES[name]}"), name)
