"""Lists as files and tables that survive any crash, and as streams of bytes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiozbilling.export.facts import Progress
    from aiozbilling.export.job import export
    from aiozbilling.export.manifest import ExportReport
    from aiozbilling.export.stream import stream_csv, stream_jsonl

__all__ = ["ExportReport", "Progress", "export", "stream_csv", "stream_jsonl"]

_HOMES = {
    "ExportReport": "manifest",
    "Progress": "facts",
    "export": "job",
    "stream_csv": "stream",
    "stream_jsonl": "stream",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
