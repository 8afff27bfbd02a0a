"""The report as a file: an HTML page or a workbook, by the name's ending. It is complete or not there."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from aiozbilling.errors import ConfigurationError, ExportError
from aiozbilling.report.book import workbook
from aiozbilling.report.page import html_report
from aiozbilling.report.period import ReportMonth, default_month
from aiozbilling.statement.calendar import first_day
from aiozbilling.statement.summary import Statement

__all__ = ["refuse_mistakes", "write_report"]

_PAGES, _BOOKS = (".html", ".htm"), (".xlsx",)


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
        statement: of any number of accounts.
        path: ends with ``.html`` or ``.xlsx``; a file that is there is replaced.
        month: as ``"2026-10"``. Default: the latest closed one.
        static: a page without any script.
        now: the time of making it, UTC. Default: now.

    Raises:
        ConfigurationError: the name has another ending, the month is none, a workbook can't be static, or the extra
            ``report`` is not installed.
        ExportError: the file can't be written.
    """
    refuse_mistakes(path, month=month, static=static)
    file = Path(path)
    chosen = month or default_month(statement, now or dt.datetime.now(dt.UTC))
    if file.suffix.lower() in _BOOKS:
        content = workbook(ReportMonth(statement, chosen))
    else:
        content = html_report(statement, month=chosen, static=static, now=now).encode()
    with _replaced(file) as part:
        part.write_bytes(content)
    return chosen


def refuse_mistakes(path: str | PathLike[str], *, month: str | None, static: bool) -> None:
    """Raise what `write_report` would raise of its arguments, before anything is read.

    Raises:
        ConfigurationError: the name has another ending, the month is none, or a workbook can't be static.
        ExportError: the folder does not exist.
    """
    file = Path(path)
    if file.suffix.lower() not in (*_PAGES, *_BOOKS):
        raise ConfigurationError(f"a report ends with .html or .xlsx, not {file.name!r}")
    if static and file.suffix.lower() in _BOOKS:
        raise ConfigurationError("a workbook has no script: leave out static")
    if month is not None:
        first_day(month)
    if not file.parent.is_dir():
        raise ExportError("there is no such folder", path=str(file))


@contextmanager
def _replaced(file: Path) -> Iterator[Path]:
    """Yield a name next to the file; what was written there becomes the file."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(file)
    except OSError as error:
        raise ExportError(error.strerror or "the file can't be written", path=str(file)) from error
    finally:
        part.unlink(missing_ok=True)
