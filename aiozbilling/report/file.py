"""Writes the report to a file, an HTML page or a workbook, by its suffix. The file appears once it is complete."""

from __future__ import annotations

import datetime as dt
import glob
import os
import secrets
import time
from contextlib import suppress
from importlib.util import find_spec
from os import PathLike
from pathlib import Path

from aiozbilling.errors import ConfigurationError, ExportError
from aiozbilling.export.disk import failures_named
from aiozbilling.records.calendar import first_day
from aiozbilling.report.book import workbook
from aiozbilling.report.extra import needs_extra
from aiozbilling.report.page import html_report
from aiozbilling.report.period import ReportMonth, default_month
from aiozbilling.statement.summary import Statement

__all__ = ["refuse_mistakes", "write_report"]

_PAGES, _BOOKS = (".html", ".htm"), (".xlsx",)
_ABANDONED_S = 3600
_NEEDED = {**dict.fromkeys(_PAGES, ("altair", "jinja2", "vl_convert")), **dict.fromkeys(_BOOKS, ("xlsxwriter",))}


def write_report(
    statement: Statement,
    path: str | PathLike[str],
    *,
    month: str | None = None,
    static: bool = False,
    now: dt.datetime | None = None,
) -> str:
    """Write the report of a month and return the month.

    Args:
        statement: the statement, of any number of accounts.
        path: path with the suffix ``.html`` or ``.xlsx``. An existing file is replaced; a link stays, and its target is
            replaced.
        month: month such as ``"2026-10"``. Default: the latest closed month.
        static: whether to write a page without scripts.
        now: time of the report, UTC. Default: now.

    Raises:
        ConfigurationError: the suffix or the month is invalid, the path is a folder or a device, a workbook should be
            static, or the extra ``report`` is not installed.
        ExportError: the file can't be written.
    """
    refuse_mistakes(path, month=month, static=static)
    file = Path(path)
    chosen = month or default_month(statement, now or dt.datetime.now(dt.UTC))
    if file.suffix.lower() in _BOOKS:
        content = workbook(ReportMonth(statement, chosen))
    else:
        content = html_report(statement, month=chosen, static=static, now=now).encode()
    with failures_named(file, "Fix this and write the report again"):
        _replace(Path(os.path.realpath(file)), content)  # a link stays a link
    return chosen


def refuse_mistakes(path: str | PathLike[str], *, month: str | None, static: bool) -> None:
    """Raise the errors that `write_report` would raise for its arguments, before anything is read.

    Raises:
        ConfigurationError: the suffix or the month is invalid, the path is a folder or a device, a workbook should be
            static, or the extra ``report`` is not installed.
        ExportError: the folder does not exist or can't be read.
    """
    file = Path(path)
    if file.suffix.lower() not in (*_PAGES, *_BOOKS):
        raise ConfigurationError(f"the name of a report ends with .html or .xlsx, not {file.name!r}")
    if static and file.suffix.lower() in _BOOKS:
        raise ConfigurationError("a workbook has no scripts: leave out static=True")
    if month is not None:
        first_day(month)
    with failures_named(file, "Fix this and write the report again"):
        if not file.parent.is_dir():
            raise ExportError("there is no such folder", path=str(file))
        if file.exists() and not file.is_file():
            raise ConfigurationError(f"{file} is a folder, a device or a pipe: pass the path of a file")
    with needs_extra():
        for module in _NEEDED[file.suffix.lower()]:
            if find_spec(module) is None:
                raise ModuleNotFoundError(name=module)


def _replace(file: Path, content: bytes) -> None:
    """Write a temporary file next to the file, and rename it to the file when it is on the disk."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    _sweep(file)
    try:
        with part.open("xb") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _sweep(file: Path) -> None:
    """Remove the temporary files of reports that were killed. A report that runs needs its own for a moment only."""
    for left in file.parent.glob(f".{glob.escape(file.name)}.{'[0-9a-f]' * 8}.part"):
        with suppress(OSError):  # such as a file of another user
            if left.stat().st_mtime < time.time() - _ABANDONED_S:
                left.unlink()
