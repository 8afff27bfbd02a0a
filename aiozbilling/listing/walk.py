"""Walks an offset/limit list so that each row is delivered exactly once, although the list changes while it is read.

The walk does no I/O: it plans windows, and its caller passes it the replies. The rule: find the last row of a window
that was delivered before, and deliver the rows after it. A window is a contiguous part of the list at one instant, so
it contains every surviving row between that shared row and its own last row, whenever and in whatever order windows
were read. Therefore windows overlap by a few rows. If one shares no row, the walk searches for the last delivered row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from aiozbilling.errors import ConfigurationError, DriftError, IncompleteError, ListingError
from aiozbilling.listing.delivered import Delivered
from aiozbilling.listing.drift import Drift
from aiozbilling.listing.limits import Limits, too_many
from aiozbilling.listing.memory import ORDER, Overlap, overlap_at
from aiozbilling.listing.page import Page, new_page
from aiozbilling.listing.plan import MOST_AHEAD, Plan, overlap_of
from aiozbilling.listing.search import Search
from aiozbilling.listing.stall import EMPTY_PAUSE_S, Stall, nothing_new
from aiozbilling.listing.window import Anchors, FetchedWindow, WalkOptions, WalkReport, Window, keys_of

__all__ = ["Walk"]

R = TypeVar("R")


class Walk(Generic[R]):
    """Decide which windows to request next, and deliver the new rows of each.

    Until `done`: call `plan`, fetch its windows in any order, and pass the reply to the first one to `accept`.

    Attributes:
        report: the report so far.
        done: whether the walk is at its end.

    Raises:
        ConfigurationError: the limit is less than 2, so that windows can't overlap.
    """

    def __init__(self, options: WalkOptions[R]) -> None:
        limit, most, after = options.limit, options.max_items, options.after
        if limit < 2:
            raise ConfigurationError("page_size must be at least 2: windows that share no row can't be joined")
        if most is not None:
            limit = max(2, min(limit, most + (overlap_of(limit) if after else 0)))
        self.report: WalkReport = WalkReport()
        self.done: bool = most is not None and most <= 0
        self._options = options
        self._plan = Plan(limit)
        self._delivered = Delivered(options.offset, after, self._plan.overlap)
        self._limits = Limits(options.offset, 0) if after is None else Limits(after.position, after.total)
        self._drift = Drift(is_strict=options.on_drift == "raise")
        self._search = Search()  # renewed when a window joins
        self._stall = Stall()  # renewed by a new row

    def plan(self, ahead: int) -> list[Window]:
        """Return the planned windows, at most `ahead`, in list order; `accept` takes the first.

        Fetch only windows that no earlier call returned. Windows that are not returned any more are not needed.
        """
        if self.done:
            return []
        plan = self._plan
        queue = plan.queue
        if not queue:
            queue.append(plan.window(self._delivered.next_offset(plan.overlap)))
        if plan.ahead < ahead:
            ahead = plan.ahead
        if len(queue) < ahead and plan.size > 1 and not self._is_unsure:
            plan.extend(ahead, self._wanted_end())
        if len(queue) > ahead:
            del queue[ahead:]
        return queue.copy()

    def accept(self, window: Window, rows: Sequence[R | None], total: int) -> Page[R]:
        """Take the reply to the first window of the plan, and return its new rows; there may be none.

        Raises:
            DriftError: keys repeat, the order changed, known rows are gone, or there are more rows than requested.
            IncompleteError: the server's total says that there are more rows, but it sent no more.
            RunawayError: replies have no new rows, or far more requests were made than the list has pages.
        """
        self._plan.take(window)
        try:
            items = self._new_rows(self._counted(window, rows, total))
        except ListingError as error:
            error.delivered, error.report = self.report.rows, self.report
            raise
        stall = self._stall
        if not items:
            stall.requests += 1
            self._delivered.begin_page()
        else:
            self.report.pages += 1
            if stall.requests:
                self._stall = Stall()
        return new_page(items, self._delivered.first_position(), total)

    def anchors(self, yielded: int | None = None) -> Anchors | None:
        """Return the anchors after the first `yielded` rows of the latest page (by default, after all of them).

        None if nothing was yielded yet.
        """
        return self._delivered.anchors(yielded)

    # Planning

    def _wanted_end(self) -> int:
        end, most = self.report.total_last or 0, self._options.max_items
        return end if most is None else min(end, self._delivered.place.position + 1 + most - self.report.rows)

    @property
    def _is_unsure(self) -> bool:
        """Whether the next window decides what comes after it."""
        search, stall = self._search, self._stall
        return bool(search.tried or search.is_doubted or stall.repeats or stall.windows)

    def _ask_again(self, offset: int, error: ListingError) -> list[R]:
        """Request an offset again after a pause, or raise the error after the last pause."""
        self._plan.ask_first(offset, self._stall.next_pause(error))
        return []

    # Replies

    def _counted(self, window: Window, rows: Sequence[R | None], total: int) -> FetchedWindow[R]:
        plan, report = self._plan, self.report
        if total < 0:
            total = 0
        report.requests += 1
        report.total_last = total
        if report.total_first is None:
            report.total_first = total
        keys, has_nulls = keys_of(rows, self._options.key)
        is_full = len(rows) >= (plan.size or plan.limit)
        if len(rows) > window.limit:
            raise too_many(len(rows), window.limit)
        if len(rows) > plan.size:
            plan.learn(len(rows))
        fetched = FetchedWindow(window.offset, window.epoch, rows, keys, total, is_full, has_nulls)
        self._limits.check(fetched, plan, report, self._delivered.place.position, self._stall.requests)
        return fetched

    def _new_rows(self, window: FetchedWindow[R]) -> list[R]:
        """Return the new rows of a window, which joins the delivered rows, joins doubtfully, or does not join."""
        if not window.rows and self._is_empty_again(window):
            return []
        overlap = self._delivered.overlap(window)
        if overlap is None:
            return self._look_elsewhere(window)
        if not overlap.is_continued and self._is_doubtful(window, overlap):
            return self._ask_once_more(window)
        # A short window that is requested again seems to be full, since only its own size is known.
        if (not window.is_full or (self._stall.repeats and not overlap.fresh)) and self._delivered.begun:
            error = self._limits.too_short(window, overlap, self._drift.counted)
            if error is not None:
                self._delivered.forget(overlap)
                return self._ask_again(window.offset, error)
        return self._join(window, overlap)

    def _is_empty_again(self, window: FetchedWindow[R]) -> bool:
        """Request a window without rows again, since the server may be failing; return False to accept it as it is.

        Raises:
            IncompleteError: rows were delivered before, and the list is still empty after the pauses.
        """
        stall = self._stall
        if self._delivered.begun:
            if not stall.is_exhausted:
                self._ask_again(window.offset, IncompleteError())
                return True
            self._limits.refuse_empty(window.total)
            return False
        if window.total > window.offset or self._options.believe_empty or stall.repeats:
            return False
        stall.exhaust()
        self._plan.ask_first(window.offset, EMPTY_PAUSE_S)
        return True

    def _is_doubtful(self, window: FetchedWindow[R], overlap: Overlap) -> bool:
        pushed = self._plan.size if self._search.is_doubted else 0
        added = window.total - (self.report.total_first or 0)
        return self._delivered.is_doubtful(window, overlap, pushed, added)

    # A window that joins

    def _join(self, window: FetchedWindow[R], overlap: Overlap) -> list[R]:
        search = self._search
        if search.tried or search.is_doubted:
            self._search = Search()
        if self._delivered.begun and not self._drift.begun and overlap.fresh:
            window.is_full = True  # a page size may cut the first window after anchors exactly at the total
        self._judge(window, overlap)
        if overlap.shared > self._plan.overlap:
            self.report.duplicates_skipped += overlap.shared - self._plan.overlap
        if overlap.fresh:
            self._delivered.begin_page()
        items = self._deliver(window, overlap)
        if not self.done:
            self._settle(window, overlap, search)
        if not self.done and search.set_aside is not None:
            items += self._take_aside(search.set_aside)
        return items

    def _judge(self, window: FetchedWindow[R], overlap: Overlap) -> None:
        delivered, report = self._delivered, self.report
        if delivered.begun or window.keys:
            verdict = self._drift.judge(window, overlap, delivered.place.rank, self._plan.epoch)
            if verdict == "changed" or report.consistency == "static":
                report.consistency = verdict

    def _deliver(self, window: FetchedWindow[R], overlap: Overlap) -> list[R]:
        if not overlap.fresh:
            self._delivered.add(window, overlap, self._plan.overlap, self._plan.epoch)
            return []
        report, most = self.report, self._options.max_items
        if most is not None and len(overlap.fresh) >= most - report.rows:
            self.done = True
            overlap.keep(most - report.rows)
        rows = self._delivered.add(window, overlap, self._plan.overlap, self._plan.epoch)
        count = len(overlap.fresh)
        if self._plan.ahead < MOST_AHEAD:
            self._plan.speed_up()
        report.rows += count
        report.null_rows_skipped += len(rows) - count
        if len(rows) != count or not isinstance(rows, list):
            return [row for row in rows if row is not None]
        return rows

    def _settle(self, window: FetchedWindow[R], overlap: Overlap, search: Search) -> None:
        """Decide how the walk continues after a window that joined: it ends, goes on, or requests the window again."""
        plan = self._plan
        if not window.is_full and window.end == window.total:
            self._finish(window, overlap)
            return
        if plan.queue:
            plan.keep_what_fits(self._delivered.next_offset(plan.overlap), self._delivered.place.position, window.total)
        if overlap.fresh:
            return
        if window.end == window.total if plan.size == 1 else window.end >= window.total and not window.is_full:
            self._finish(window, overlap)
        elif (error := nothing_new(window, overlap, plan.size)) is not None:
            self._ask_again(self._delivered.next_offset(plan.overlap), error)
        elif not search.tried:
            plan.slow_down()
            self._stall.add_window(window)

    def _finish(self, window: FetchedWindow[R], overlap: Overlap) -> None:
        self.done = True
        after = overlap.ranks[-1] - overlap.rank if overlap.fresh else 0
        self.report.null_rows_skipped += len(window.rows) - 1 - overlap.index - after

    def _take_aside(self, window: FetchedWindow[R]) -> list[R]:
        """Deliver a window that was set aside, if it joins now."""
        place = self._delivered.place
        try:
            overlap = self._delivered.memory.overlap(window.keys, place.rank)
        except DriftError:
            return []
        if overlap is None or overlap.has_strangers or overlap.rank != place.rank:
            return []
        window.offset, window.total = place.position - overlap.index, place.total  # as if it had just been read
        return self._deliver(window, overlap)

    # A window whose join is doubtful

    def _ask_once_more(self, window: FetchedWindow[R]) -> list[R]:
        # If it was read before rows were deleted, it is right the next time. Rows that were inserted among delivered
        # ones can't be distinguished from shuffled rows, of which some would be lost.
        search, plan = self._search, self._plan
        if search.is_doubted:
            raise DriftError("rows delivered before are among other rows now", hint=ORDER)
        search.is_doubted = True
        plan.ask_first(window.offset if search.tried else self._delivered.next_offset(plan.overlap))
        return []

    # A window that does not join

    def _look_elsewhere(self, window: FetchedWindow[R]) -> list[R]:
        search, delivered = self._search, self._delivered
        if self._is_all_there_is(window):
            overlap = overlap_at(window.keys, -1, delivered.place.rank)
            overlap.has_gaps = True
            return self._join(window, overlap)
        if window.rows:
            self._drift.refuse_lost()
        if search.tried:
            self._plan.queue.clear()
        self._plan.ask_first(search.next_offset(window, delivered.place, self._plan, len(delivered.memory)))
        return []

    def _is_all_there_is(self, window: FetchedWindow[R]) -> bool:
        """Return whether all delivered rows were removed, and the window has all rows that are left."""
        is_whole = window.offset == 0 and window.reaches_end and self._plan.size > len(window.rows)
        return is_whole and self._limits.start == 0 and self._delivered.memory.is_complete
