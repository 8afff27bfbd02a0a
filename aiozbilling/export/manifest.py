"""What is told of a complete export, to the caller and in the file beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

from aiozbilling.export.checkpoint import Checkpoint, Names
from aiozbilling.export.disk import Disk, write_whole
from aiozbilling.export.formats import FileFormat
from aiozbilling.listing.window import Consistency
from aiozbilling.records.amounts import TokenAmount
from aiozbilling.tables.texts import decimal_text, time_text

__all__ = ["ExportReport", "is_manifest", "write_manifest"]

_LARGEST = 16 << 20  # bytes of a manifest

_SAME = (
    "rows",
    "rows_without_usd",
    "first_time",
    "last_time",
    "usd",
    "duplicates_skipped",
    "null_rows_skipped",
    "consistency",
    "runs",
    "started_at",
)


@attrs.frozen(kw_only=True)
class ExportReport:
    """Facts about a complete export; the same stand in the file's manifest.

    Attributes:
        path: the file.
        format: of the file.
        endpoint: path of the list.
        rows: written.
        rows_outside: of the list, but left out because their time is outside the span or missing.
        rows_without_usd: written, but with nothing in USD to sum.
        first_time: earliest time of a row, or None.
        last_time: latest time of a row, or None.
        amounts: sums of tokens by denomination, exact.
        usd: sum in USD, exact.
        duplicates_skipped: rows that came again because the list moved.
        null_rows_skipped: null rows of the list.
        consistency: what the walk saw: ``"static"``, ``"grown"`` or ``"changed"``.
        sha256: of the file, hexadecimal.
        bytes: size of the file.
        runs: how often the export was taken up, 1 if it was never interrupted.
        started_at: when the first run began.
        finished_at: when the file was complete.
        columns: names, in order.
        cursor: text of the place behind the last row, for ``after=``; None where there were no rows.
    """

    path: Path
    format: FileFormat
    endpoint: str
    rows: int
    rows_outside: int
    rows_without_usd: int
    first_time: datetime | None
    last_time: datetime | None
    amounts: dict[str, TokenAmount]
    usd: Decimal
    duplicates_skipped: int
    null_rows_skipped: int
    consistency: Consistency
    sha256: str
    bytes: int
    runs: int
    started_at: datetime
    finished_at: datetime
    columns: tuple[str, ...]
    cursor: str | None

    @classmethod
    def of(cls, path: Path, sealed: Checkpoint) -> ExportReport:
        """Make the report of a sealed export."""
        facts, parameters = sealed.facts, sealed.parameters
        return cls(
            path=path,
            format=parameters["format"],
            endpoint=parameters["endpoint"],
            rows_outside=facts.outside,
            amounts={denom: TokenAmount(denom, amount) for denom, amount in sorted(facts.amounts.items())},
            sha256=sealed.sha256,
            bytes=sealed.size,
            finished_at=datetime.now(UTC),
            columns=tuple(parameters["columns"]),
            cursor=sealed.cursor,
            **{name: getattr(facts, name) for name in _SAME},
        )


def write_manifest(disk: Disk, names: Names, report: ExportReport, sealed: Checkpoint) -> None:
    """Put the manifest in place."""
    facts, parameters = sealed.facts, sealed.parameters
    content: dict[str, Any] = {
        "file": report.path.name,
        "account": parameters.get("account"),
        "format": report.format,
        "bytes": report.bytes,
        "sha256": report.sha256,
        "rows": report.rows,
        "rows_outside": report.rows_outside,
        "rows_without_usd": report.rows_without_usd,
        "first_time": _time(report.first_time),
        "last_time": _time(report.last_time),
        "sums": {
            "usd": decimal_text(report.usd),
            **{
                denom: {"amount": decimal_text(sum_.amount), "tokens": decimal_text(sum_.value), "token": sum_.symbol}
                for denom, sum_ in report.amounts.items()
            },
        },
        "duplicates_skipped": report.duplicates_skipped,
        "null_rows_skipped": report.null_rows_skipped,
        "consistency": report.consistency,
        "totals": [facts.total_first, facts.total_last],
        "requests": facts.requests,
        "runs": report.runs,
        "started_at": _time(report.started_at),
        "finished_at": _time(report.finished_at),
        "list": {name: value for name, value in parameters.items() if name not in ("columns", "format", "account")},
        "columns": report.columns,
        "cursor": report.cursor,
        "made_by": f"aiozbilling {version('aiozbilling')}",
    }
    write_whole(disk, names.manifest, json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")


def is_manifest(disk: Disk, path: Path) -> bool:
    """Return whether a file is a manifest that some release of this library wrote."""
    with disk.reader(path) as file:
        try:
            content = json.loads(file.read(_LARGEST))
        except (ValueError, RecursionError):
            return False
    return isinstance(content, dict) and str(content.get("made_by", "")).startswith("aiozbilling ")


def _time(time: datetime | None) -> str | None:
    return None if time is None else time_text(time)
