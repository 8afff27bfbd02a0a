"""The report of a complete export. The caller gets it, and the manifest next to the file stores it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

from aiozbilling.export.checkpoint import Checkpoint, Names
from aiozbilling.export.disk import Disk, write_whole
from aiozbilling.export.formats import FileFormat
from aiozbilling.export.totals import gaps
from aiozbilling.listing.window import Consistency
from aiozbilling.records.amounts import EXACT, TokenAmount, scaled
from aiozbilling.tables.table import HISTORY
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
    "stopped_early",
    "host",
    "started_at",
)


@attrs.frozen(kw_only=True)
class ExportReport:
    """Facts about a complete export; the file's manifest has the same.

    Attributes:
        path: the file.
        format: of the file.
        endpoint: path of the list.
        rows: written.
        rows_outside: of the list, but left out because their time is outside the span or missing.
        rows_without_usd: written, but with nothing in USD to sum.
        rows_uncredited: written, deposits whose status is not true; they are in the sums.
        usd_uncredited: their part of `usd`.
        amounts_uncredited: their part of `amounts`.
        missing_days: first and last day of each gap between days that have a row; only of `history_usage()`.
        account: label of the account, or None.
        host: that the latest run read from.
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
        stopped_early: the rest of the list was not read, because all rows so far were newest first and the latest page
            was before `since`. `rows_outside` counts only rows that were read.
        started_at: when the first run began.
        finished_at: when the file was complete.
        columns: names, in order.
        cursor: the place after the last row as text, for ``after=``; None if there were no rows.
    """

    path: Path
    format: FileFormat
    endpoint: str
    rows: int
    rows_outside: int
    rows_without_usd: int
    rows_uncredited: int
    usd_uncredited: Decimal
    amounts_uncredited: dict[str, TokenAmount]
    missing_days: tuple[tuple[date, date], ...]
    account: str | None
    host: str
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
    stopped_early: bool
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
            rows_uncredited=facts.uncredited_rows,
            usd_uncredited=scaled(facts.uncredited_attousd),
            amounts=_tokens(facts.amounts),
            amounts_uncredited=_tokens(facts.uncredited_amounts),
            missing_days=tuple(gaps(facts.days)),
            account=parameters.get("account"),
            sha256=sealed.sha256,
            bytes=sealed.size,
            finished_at=datetime.now(UTC),
            columns=tuple(parameters["columns"]),
            cursor=sealed.cursor,
            **{name: getattr(facts, name) for name in _SAME},
        )


def _tokens(amounts: dict[str, Decimal]) -> dict[str, TokenAmount]:
    return {denom: TokenAmount(denom, amount) for denom, amount in sorted(amounts.items())}


def write_manifest(disk: Disk, names: Names, report: ExportReport, sealed: Checkpoint) -> None:
    """Put the manifest in place."""
    facts, parameters = sealed.facts, sealed.parameters
    content: dict[str, Any] = {
        "file": report.path.name,
        "account": report.account,
        "host": report.host,
        "format": report.format,
        "bytes": report.bytes,
        "sha256": report.sha256,
        "rows": report.rows,
        "rows_outside": report.rows_outside,
        "rows_without_usd": report.rows_without_usd,
        "first_time": _time(report.first_time),
        "last_time": _time(report.last_time),
        "sums": _sums(report.usd, report.amounts),
        **_details(report),
        "duplicates_skipped": report.duplicates_skipped,
        "null_rows_skipped": report.null_rows_skipped,
        "consistency": report.consistency,
        "totals": [facts.total_first, facts.total_last],
        "requests": facts.requests,
        "runs": report.runs,
        "stopped_early": report.stopped_early,
        "started_at": _time(report.started_at),
        "finished_at": _time(report.finished_at),
        "list": {name: value for name, value in parameters.items() if name not in ("columns", "format", "account")},
        "columns": report.columns,
        "cursor": report.cursor,
        "made_by": f"aiozbilling {version('aiozbilling')}",
    }
    write_whole(disk, names.manifest, json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")


def _sums(usd: Decimal, amounts: dict[str, TokenAmount]) -> dict[str, Any]:
    tokens = {
        denom: {"amount": decimal_text(sum_.amount), "tokens": decimal_text(sum_.value), "token": sum_.symbol}
        for denom, sum_ in amounts.items()
    }
    return {"usd": decimal_text(usd), **tokens}


def _details(report: ExportReport) -> dict[str, Any]:
    """Return the sums of deposits by status, or the gaps of days."""
    if report.endpoint == HISTORY.endpoint:
        return {"missing_days": [[first.isoformat(), last.isoformat()] for first, last in report.missing_days]}
    with localcontext(EXACT):
        usd = report.usd - report.usd_uncredited
        amounts = {
            denom: TokenAmount(denom, sum_.amount - _amount(report.amounts_uncredited, denom))
            for denom, sum_ in report.amounts.items()
        }
    credited = {"rows": report.rows - report.rows_uncredited, **_sums(usd, amounts)}
    uncredited = {"rows": report.rows_uncredited, **_sums(report.usd_uncredited, report.amounts_uncredited)}
    return {"sums_by_status": {"credited": credited, "uncredited": uncredited}}


def _amount(amounts: dict[str, TokenAmount], denom: str) -> Decimal:
    return amounts[denom].amount if denom in amounts else Decimal(0)


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
