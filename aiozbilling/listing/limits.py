"""Limits of a walk: how many rows and requests are plausible, and how far a list may shrink."""

from __future__ import annotations

from typing import Any

from aiozbilling.errors import DriftError, IncompleteError, RunawayError
from aiozbilling.listing.memory import Overlap
from aiozbilling.listing.plan import Plan
from aiozbilling.listing.window import FetchedWindow, WalkReport

__all__ = ["LATER", "MOST_PROBES", "MOST_REMOVED", "Limits", "too_many"]

LATER = "Read the list again later, or continue from the error's cursor"
MOST_REMOVED = 10  # rows, beyond a tenth of the list, that may be removed while it is read
MOST_PROBES = 24  # requests of one search before it fails
_MOST_UNCOUNTED = 1000  # rows that may come beyond twice the total
_MOST_USELESS = 2 * MOST_PROBES  # requests in a row without a new row


class Limits:
    """Compare the rows that arrive with the server's counts.

    Args:
        start: position of the first row to deliver.
        counted: rows of the list at the anchors from which the walk continues, or 0.
    """

    def __init__(self, start: int, counted: int) -> None:
        self.start = start
        self._counted = counted
        self._highest_total = counted  # of the replies with rows

    def check(self, window: FetchedWindow[Any], plan: Plan, report: WalkReport, position: int, useless: int) -> None:
        """Refuse more rows or more requests than the list can explain.

        Args:
            window: the window and its reply.
            plan: says how large windows are.
            report: the walk's report, which includes this window.
            position: position of the last row delivered.
            useless: consecutive requests before this one that brought no new row.

        Raises:
            RunawayError: there are too many.
        """
        total, start = window.total, self.start
        if window.keys and total > self._highest_total:
            self._highest_total = total
        if useless >= _MOST_USELESS:
            raise RunawayError(f"{_MOST_USELESS} requests in a row brought no new row", hint=LATER)
        most = self._highest_total
        if total > most:
            most = total
        uncounted = window.end - start - 2 * most
        if uncounted > _MOST_UNCOUNTED and uncounted > 10 * plan.size:
            raise RunawayError(f"the server sent {window.end} rows, but its total is {most}", hint=LATER)
        if report.requests > 4 * ((total - start) // plan.step) + 20:  # seldom true, and quicker than the exact check
            pages = 1 + max(0, max(total, report.total_first or 0, position + 1) - start) // plan.step
            if report.requests > 4 * pages + 16:
                raise RunawayError(f"{report.requests} requests were made for {pages} pages", hint=LATER)

    def refuse_empty(self, total: int) -> None:
        """Refuse an empty list that had rows before.

        Raises:
            IncompleteError: the total is 0 now, and was not before.
        """
        if not total and self._highest_total:
            raise IncompleteError(f"the server counted {self._highest_total} rows before, and now none", hint=LATER)

    def too_short(self, window: FetchedWindow[Any], overlap: Overlap, counted: int) -> IncompleteError | None:
        """Return an error if a window shows that the list ends far before the position where it ended at first.

        `counted` is the number of rows when the first window was read. Rows that were added at the head meanwhile are
        not counted.
        """
        if window.end < window.total:
            return None
        end, known = len(window.keys) - overlap.index + overlap.rank, max(self._counted, counted)
        if end >= 0.9 * known - MOST_REMOVED:
            return None
        return IncompleteError(f"the list had {known} rows, and now ends after {end}", hint=LATER)


def too_many(came: int, limit: int) -> DriftError:
    """Return what is wrong with a reply that has more rows than were requested."""
    hint = f"The server ignores the page size: try page_size={came}"
    return DriftError(f"asked for {limit} rows and got {came}", hint=hint)
