"""Lists as files and tables that survive any crash, and as streams of bytes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiozbilling.export.facts import Progress
    from aiozbilling.export.job import export
    from aiozbilling.export.manifest import ExportReport
    from aiozbilling.export.mirror import SyncProgress, SyncReport, sync
    from aiozbilling.export.stream import stream_csv, stream_jsonl

__all__ = ["ExportReport", "Progress", "SyncProgress", "SyncReport", "export", "stream_csv", "stream_jsonl", "sync"]

_HOMES = {
    "ExportReport": "manifest",
    "Progress": "facts",
    "export": "job",
    "stream_csv": "stream",
    "stream_jsonl": "stream",
    "SyncProgress": "mirror",
    "SyncReport": "mirror",
    "sync": "mirror",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
