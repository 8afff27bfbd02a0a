"""The time span of the rows to keep, and the order in which rows come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import TypeVar

import attrs

from aiozbilling.errors import ConfigurationError
from aiozbilling.records.calendar import first_day, last_day

__all__ = ["Moment", "Order", "Span"]

Moment = datetime | date | str
R = TypeVar("R")


@attrs.frozen
class Span:
    """The times from `since` on and before `until`; None for no limit. A row without a time is in no limited span."""

    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def between(cls, since: Moment | None, until: Moment | None) -> Span:
        """Return the span between two moments.

        A datetime or its ISO text is an instant. A day or a month ("2026-10") is included as a whole.

        Raises:
            ConfigurationError: a moment can't be read or has no time zone, or the span is empty.
        """
        first = None if since is None else _bounds("since", since)[0]
        end = None if until is None else _bounds("until", until)[1]
        if first is not None and end is not None and first >= end:
            raise ConfigurationError(f"since ({since}) is after until ({until})")
        return cls(first, end)

    def __bool__(self) -> bool:
        return self.since is not None or self.until is not None

    def holds(self, moment: datetime | None) -> bool:
        """Return whether a time is in the span."""
        if moment is None:
            return not self
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)

    def kept(self, rows: Sequence[R], times: Sequence[datetime | None]) -> tuple[list[R], list[datetime | None]]:
        """Return the rows whose times are in the span, and their times."""
        both = [(row, moment) for row, moment in zip(rows, times, strict=True) if self.holds(moment)]
        return [row for row, _ in both], [moment for _, moment in both]


@attrs.frozen
class Order:
    """Whether rows came newest first: each row has a time, and it is earlier than that of the previous row.

    Attributes:
        rows: rows so far.
        newest_first: whether all of them came newest first.
        last: time of the last row.
    """

    rows: int = 0
    newest_first: bool = True
    last: datetime | None = None

    def followed_by(self, times: Sequence[datetime | None]) -> Order:
        """Return the order after more rows."""
        if not times:
            return self
        seen = [self.last, *times] if self.rows else times
        known = [moment for moment in seen if moment is not None]
        in_order = len(known) == len(seen) and all(after < before for before, after in pairwise(known))
        return Order(self.rows + len(times), self.newest_first and in_order, times[-1])

    def is_past(self, since: datetime | None, times: Sequence[datetime | None]) -> bool:
        """Return whether the last page, which has these times, and all later rows are before `since`.

        A single row shows no order, so there must be two.
        """
        first = times[0] if times else None
        return self.newest_first and self.rows > 1 and since is not None and first is not None and first < since


def _bounds(name: str, moment: Moment) -> tuple[datetime, datetime]:
    """Return the first instant of a moment, and the first one after it. For an instant the two are equal."""
    try:
        if isinstance(moment, str):
            return _read(moment.strip())
        if isinstance(moment, datetime):
            return _instant(moment)
        return _days(moment, moment + timedelta(days=1))
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        why = ": it has no time zone" if isinstance(error, _NaiveError) else f", not {moment!r}"
        raise ConfigurationError(
            f"{name} must be a day (2026-10-31), a month (2026-10) or a time with its zone (2026-10-31T12:00Z){why}"
        ) from None


def _read(text: str) -> tuple[datetime, datetime]:
    if len(text) == len("2026-10"):
        return _days(first_day(text), last_day(text) + timedelta(days=1))
    if len(text) == len("2026-10-31"):
        first = date.fromisoformat(text)
        return _days(first, first + timedelta(days=1))
    return _instant(datetime.fromisoformat(text))


def _days(first: date, end: date) -> tuple[datetime, datetime]:
    return datetime.combine(first, time(), UTC), datetime.combine(end, time(), UTC)


def _instant(moment: datetime) -> tuple[datetime, datetime]:
    if moment.tzinfo is None:
        raise _NaiveError
    return moment.astimezone(UTC), moment.astimezone(UTC)


class _NaiveError(ValueError):
    pass
