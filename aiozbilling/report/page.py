"""Writes the statement as one HTML page that needs no network and no other file."""

from __future__ import annotations

import datetime as dt
from importlib.resources import files
from typing import Any

from aiozbilling.records.calendar import first_day
from aiozbilling.report.attention import remarks
from aiozbilling.report.controls import controls_grid
from aiozbilling.report.extra import needs_extra
from aiozbilling.report.grid import shown
from aiozbilling.report.grids import accounts_grid, deposits_grid, months_grid, top_days_grid, unusual_grid
from aiozbilling.report.lead import basis, lead
from aiozbilling.report.methods import METHODS
from aiozbilling.report.numbers import long_month, time_text
from aiozbilling.report.period import ReportMonth, default_month
from aiozbilling.report.systems import cu_grid, cu_summary, metered_cost, metered_grid
from aiozbilling.report.tiles import tiles
from aiozbilling.statement.summary import Statement

__all__ = ["html_report"]


def html_report(
    statement: Statement, *, month: str | None = None, static: bool = False, now: dt.datetime | None = None
) -> str:
    """Return the report of a month as HTML.

    Args:
        statement: the statement, of any number of accounts.
        month: month such as ``"2026-10"``. Default: the latest closed month.
        static: whether to leave out scripts, for mail and for pages with a strict content security policy.
        now: time of the report, UTC. Default: now.

    Raises:
        ConfigurationError: the month is invalid, or the extra ``report`` is not installed.
    """
    with needs_extra():
        made_at = now or dt.datetime.now(dt.UTC)
        chosen = month or default_month(statement, made_at)
        first_day(chosen)
        of = ReportMonth(statement, chosen)
        page: str = _template().render(**_context(of, made_at, static=static))
        return page


def _template() -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(_file),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _file(name: str) -> str:
    return (files("aiozbilling.report") / name).read_text(encoding="utf-8")


def _context(of: ReportMonth, made_at: dt.datetime, *, static: bool) -> dict[str, Any]:
    from aiozbilling.report.figures import figures  # its libraries belong to the extra, and take long to import

    return {
        "title": f"Billing report, {long_month(of.month)}",
        "about": basis(of),
        "lead": lead(of),
        "made_at": time_text(made_at),
        "as_of": time_text(of.statement.as_of),
        # A page of the other systems only has no empty tiles, charts and tables of AIOZ Pin.
        "of_aioz": bool(of.statement.accounts) or not (of.cu or of.metered),
        "style": _file("page.css"),
        "tiles": tiles(of),
        "remarks": remarks(of),
        "figures": figures(of, static=static),
        "months": months_grid(of),
        "deposits": deposits_grid(of),
        "accounts": accounts_grid(of),
        "top_days": top_days_grid(of),
        "unusual": unusual_grid(of),
        "cu": cu_grid(of),
        "cu_summary": cu_summary(of),
        "metered": metered_grid(of),
        "metered_cost": metered_cost(of),
        "controls": controls_grid(of),
        "methods": METHODS,
        "month_name": long_month(of.month),
        "not_read": [shown(name) for month in of.statement.months[-1:] for name in month.not_read],
        **_scripts(static=static),
    }


def _scripts(*, static: bool) -> dict[str, str]:
    if static:
        return {"vega": "", "draw": ""}
    from aiozbilling.report.drawing import script

    return {"vega": script(), "draw": _file("page.js")}
