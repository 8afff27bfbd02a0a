"""The report of a complete export, and its manifest, which has the same facts as JSON."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import msgspec

from aiozbilling.export.checkpoint import Checkpoint, Names
from aiozbilling.export.disk import Disk, write_whole
from aiozbilling.export.facts import Facts
from aiozbilling.export.formats import FileFormat
from aiozbilling.export.totals import gaps
from aiozbilling.records.amounts import EXACT, TokenAmount
from aiozbilling.records.texts import decimal_text, time_text
from aiozbilling.tables.table import HISTORY

__all__ = ["ExportReport", "denom_of", "manifest_in", "write_manifest"]

_LARGEST = 16 << 20  # bytes of a manifest
_MARK = " (denom)"

# These fields of the report have another form in the manifest: "file", "list", "totals", "sums", "sums_by_status" and
# "missing_days".
_IN_ANOTHER_FORM = {
    "path",
    "endpoint",
    "total_first",
    "total_last",
    "usd",
    "amounts",
    "rows_uncredited",
    "usd_uncredited",
    "amounts_uncredited",
    "missing_days",
}


@attrs.frozen(kw_only=True)
class ExportReport(Facts):
    """Facts about a complete export. The file's manifest has the same facts."""

    path: Path
    """The file."""
    format: FileFormat
    """Format of the file."""
    endpoint: str
    """Path of the list at the server."""
    account: str | None
    """The account's label, or None."""
    sha256: str
    """SHA-256 of the file, hexadecimal."""
    bytes: int
    """Size of the file."""
    missing_days: tuple[tuple[date, date], ...]
    """First and last day of each gap between days that have a row; only of `history_usage()`."""
    finished_at: datetime
    """When the file was complete, UTC."""
    columns: tuple[str, ...]
    """Names of the columns, in order."""
    cursor: str | None = attrs.field(repr=False)
    """The cursor after the last row as text, for ``after=``; None if there were no rows."""

    @classmethod
    def of(cls, path: Path, sealed: Checkpoint) -> ExportReport:
        """Return the report of a sealed export."""
        parameters = sealed.parameters
        return cls(
            **attrs.asdict(sealed.totals.facts, recurse=False),
            path=path,
            format=parameters["format"],
            endpoint=parameters["endpoint"],
            account=parameters["account"],
            sha256=sealed.sha256,
            bytes=sealed.size,
            missing_days=tuple(gaps(sealed.totals.days)),
            finished_at=datetime.now(UTC),
            columns=tuple(parameters["columns"]),
            cursor=sealed.cursor,
        )


def write_manifest(disk: Disk, names: Names, report: ExportReport, parameters: dict[str, Any]) -> None:
    """Write the manifest of a complete export."""
    facts = attrs.asdict(report, recurse=False, filter=lambda field, _: field.name not in _IN_ANOTHER_FORM)
    content: dict[str, Any] = {
        "file": report.path.name,
        "list": {name: value for name, value in parameters.items() if name not in ("columns", "format", "account")},
        **{name: time_text(fact) if isinstance(fact, datetime) else fact for name, fact in facts.items()},
        "totals": [report.total_first, report.total_last],
        "sums": _sums(report.usd, report.amounts),
        **_details(report),
        "made_by": f"aiozbilling {_version()}",
    }
    # json.dumps writes the same, and takes ten times as long, because its fast encoder does not indent.
    write_whole(disk, names.manifest, msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


@lru_cache(maxsize=1)
def _version() -> str:
    return version("aiozbilling")  # reads the metadata of the package, which takes 2 ms


def _sums(usd: Decimal, amounts: dict[str, TokenAmount]) -> dict[str, Any]:
    tokens = {
        _key_of(denom): {"amount": decimal_text(sum_.amount), "tokens": decimal_text(sum_.value), "token": sum_.symbol}
        for denom, sum_ in amounts.items()
    }
    return {"usd": decimal_text(usd), **tokens}


def _key_of(denom: str) -> str:
    """Return the key of a denomination in the sums. The keys "usd" and "rows" are those of other values there."""
    return denom + _MARK if denom in ("usd", "rows") or denom.endswith(_MARK) else denom


def denom_of(key: str) -> str:
    """Return the denomination that has a key in the sums of a manifest."""
    return key.removesuffix(_MARK)


def _details(report: ExportReport) -> dict[str, Any]:
    """Return the sums by status of deposits, or the missing days of a history."""
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


def manifest_in(disk: Disk, path: Path) -> dict[str, Any] | None:
    """Return the content of a manifest that some release of this library wrote, or None if it is not one."""
    with disk.reader(path) as file:
        try:
            content = json.loads(file.read(_LARGEST))
        except (ValueError, RecursionError):
            return None
    is_ours = isinstance(content, dict) and str(content.get("made_by", "")).startswith("aiozbilling ")
    return content if is_ours else None
