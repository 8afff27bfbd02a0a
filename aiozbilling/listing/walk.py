"""Walk an offset/limit list so that each row comes exactly once, though the list moves while it is read.

Pure: windows in, requests and rows out; who fetches owns the tasks. The rule: what is delivered from a window is only
what comes after the last row that it shares with what was delivered before. A window is a contiguous run of the list
at one instant, so it holds every row that survives between that shared row and its own last row; when it was read,
and in what order, never enters the argument. So windows overlap by a few rows, and one that shares nothing is not
used until the place is found again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, TypeVar, cast

import attrs

from aiozbilling.errors import ConfigurationError, DriftError, IncompleteError, ListingError, RunawayError
from aiozbilling.listing.drift import Drift
from aiozbilling.listing.last_rows import LastRows
from aiozbilling.listing.memory import FLOATING, Memory, Overlap, RepeatedKeyError, opening, refuse_repeated
from aiozbilling.listing.page import Page
from aiozbilling.listing.plan import Plan, overlap_of
from aiozbilling.listing.search import PROBES, Search
from aiozbilling.listing.window import Anchors, WalkReport, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable, Sequence

__all__ = ["Anchors", "Walk", "WalkReport", "Window"]

R = TypeVar("R")

PAUSES_S = (0.2, 1.0)  # before a reply that contradicts its total is asked for again
EMPTY_PAUSE_S = 0.5  # before a list that seems to be empty is asked for again
MOST_AHEAD = 1000
MOST_UNCOUNTED = 1000  # rows that may come beyond twice the total
BARREN = 3  # windows in a row without a new row, where nothing is looked for
MOST_REMOVED = 10  # rows, beyond a tenth of the list, that may go while it is read
IDLE = 2 * PROBES  # requests in a row without a new row, in all
_LATER = "read the list again later, or continue from the error's cursor"
_OFFSET = "the server ignores or rounds the offset, or the list grows faster than it is read; try another page_size"
_ORDER = "a walk needs keys that are unique and an order that stays"
_NEEDS_TWO = "a walk needs pages of at least two rows, to see how they join"


@attrs.define
class Reply(Generic[R]):
    """Hold what came for a window; `full` if it could not have held more rows, `whole` if none of them is null."""

    offset: int
    rows: Sequence[R | None]
    keys: list[Hashable]
    total: int
    full: bool
    whole: bool

    @property
    def ends(self) -> bool:
        """Whether the rows reach the end of the list and the total agrees."""
        return not self.full and self.offset + len(self.rows) == self.total


class Walk(Generic[R]):
    """Say which windows to ask for next, and deliver the new rows of each.

    Call `plan`, fetch what it wants (in any order, at once or not), pass the first of it to `accept`, until `done`.

    Args:
        key: what names a row for its whole life, never shared by two rows; as of `attrgetter`, it fails on None.
        limit: rows to ask for in each window, at least 2; if a server returns fewer, its size is used.
        offset: position of the first row wanted.
        max_items: stop after that many rows.
        on_drift: "raise" to stop with `DriftError` at the first change that is no append.
        after: begin after this place instead of at `offset`.
        stop_at: end before the first row whose key is in it; `met` is whether there was one.
        believe_empty: take a first reply without rows as it is; by default it is asked for once more, after a pause.

    Raises:
        ConfigurationError: `limit` is less than 2, so that windows can't overlap.
    """

    def __init__(
        self,
        *,
        key: Callable[[R], Hashable],
        limit: int,
        offset: int = 0,
        max_items: int | None = None,
        on_drift: Literal["repair", "raise"] = "repair",
        after: Anchors | None = None,
        stop_at: Container[Hashable] | None = None,
        believe_empty: bool = False,
    ) -> None:
        if limit < 2:
            raise ConfigurationError("page_size must be at least 2: windows that share no row can't be joined")
        self.report: WalkReport = WalkReport()
        self.met: bool = False
        self.done: bool = max_items is not None and max_items <= 0
        self._key = key
        self._most = max_items
        self._stop_at = stop_at
        self._strict = on_drift == "raise"
        self._believe_empty = believe_empty
        if max_items is not None:
            limit = max(2, min(limit, max_items + (overlap_of(limit) if after else 0)))
        self._plan = Plan(limit)
        self._seen = Memory()
        self._drift = Drift()
        self._last_rows = LastRows(after)
        self._start = offset
        self._begun = after is not None  # there is a row z to continue from, and all below is about it
        self._rank = offset - 1
        self._shift = 0  # from its rank to its position
        self._total = 0  # where it was seen last
        self._most_total = 0  # the highest total that came with rows
        self._counted = 0  # if the walk continues from a place: the total there
        self._edge: list[Hashable] = []  # the last rows up to it, as they stood in its window
        self._joined_epoch = 0
        self._again = self._barren = self._idle = 0
        self._pace = MOST_AHEAD  # windows ahead: few where the list grew faster than those under way were read
        self._search = Search()
        self._doubted = False
        self._aside: tuple[list[Hashable], Sequence[R | None]] | None = None  # a window that begins after a gap
        self._calm = False
        if after is not None:
            self._follow(after)

    def _follow(self, anchors: Anchors) -> None:
        self._rank, self._total, self._start = anchors.position, anchors.total, anchors.position
        self._most_total = self._counted = anchors.total
        self._edge = list(anchors.keys[-self._plan.overlap :])
        self._seen.add(opening(anchors.keys, -1, anchors.position - len(anchors.keys)))
        self._seen.complete = False

    def plan(self, ahead: int) -> list[Window]:
        """Name the windows wanted now, at most `ahead`, in list order; `accept` takes the first.

        A window that was named before and is named again is the same one; those not named again are wanted no more.
        """
        if self.done:
            return []
        plan = self._plan
        queue = plan.queue
        if not queue:
            queue.append(plan.window(self._base()))
        if self._pace < ahead:
            ahead = self._pace
        if len(queue) < ahead and plan.size > 1 and not self._is_unsure:
            end = self.report.total_last or 0
            if self._most is not None:
                end = min(end, self._rank + self._shift + 1 + self._most - self.report.rows)
            plan.extend(ahead, end)
        if len(queue) > ahead:
            del queue[ahead:]
        return queue.copy()

    def accept(self, window: Window, rows: Sequence[R | None], total: int) -> Page[R]:
        """Take the reply to the first window of the plan, and deliver its new rows; there may be none.

        Raises:
            DriftError: keys repeat, the order changed, the place was lost, or there are more rows than asked for.
            IncompleteError: the total says that there are more rows, but no more came.
            RunawayError: nothing new comes, or far more requests were made than the list has pages.
        """
        self._plan.take(window)
        keys, whole = self._keys(rows)
        if whole and self._calm and (page := self._go_on(window, keys, rows, total)) is not None:
            return page
        self._calm = False
        full = len(rows) >= (self._plan.size or self._plan.limit)
        reply = Reply(window.offset, rows, keys, max(0, total), full, whole)
        self._count(reply, window)
        try:
            overlap = self._overlap(reply)
            if not reply.rows and self._is_asked_again(reply):
                items = []
            elif overlap is None:
                items = self._missed(window, reply)
            elif self._is_doubtful(reply, overlap):
                items = self._doubt(window)
            elif self._is_cut_off(reply, overlap):
                items = []
            else:
                items = self._join(window, reply, overlap)
        except RepeatedKeyError as error:
            raise self._error(DriftError, str(error), _ORDER) from None
        if items:
            self.report.pages += 1
        else:
            self._last_rows.roll(self._rank + self._shift, self._total)
        self._calm = self._is_calm()
        first = self._last_rows.ranks[0] if items else self._rank + 1
        return Page(items, first + self._shift, total)

    # A list that does not move: the path of nearly every window, in few steps. By the general path below, with the same
    # result, a window of 10 rows took 50 µs more, a fifth of its request.

    def _is_calm(self) -> bool:
        """Return whether the next window may take the fast path."""
        return (
            bool(self._edge)
            and self._drift.is_static(self._shift, self._total)
            and self._stop_at is None
            and not self._is_unsure
        )

    def _go_on(self, window: Window, keys: list[Hashable], rows: Sequence[R | None], total: int) -> Page[R] | None:
        """Take a full window in mid-list that is where it was expected; None if it is another."""
        edge, rank, plan, report = self._edge, self._rank, self._plan, self.report
        came, overlap, offset = len(keys), len(edge), window.offset
        first = rank + self._shift + 1
        if (
            not overlap < came == plan.size
            or offset + overlap != first
            or total != self._total
            or offset + came >= total
            or (self._most is not None and report.rows + came >= self._most)
        ):
            return None
        try:
            fresh = self._seen.extend(keys, edge, rank)
        except RepeatedKeyError as error:
            report.requests += 1
            raise self._error(DriftError, str(error), _ORDER) from None
        if fresh is None:
            return None
        new = came - overlap
        self._last_rows.go_on(fresh, range(rank + 1, rank + 1 + new), first - 1, total)
        self._rank = rank + new
        self._edge = keys[-plan.overlap :]
        self._joined_epoch = plan.epoch
        self._idle = 0
        if self._pace < MOST_AHEAD:
            self._pace += 1
        report.requests += 1
        report.pages += 1
        report.rows += new
        return Page(cast("list[R]", rows[overlap:]), first, total)

    def anchors(self, yielded: int | None = None) -> Anchors | None:
        """Return the place after the first `yielded` rows of the latest page (all of them by default).

        None if nothing was yielded yet.
        """
        return self._last_rows.anchors(yielded, self._shift, self._rank + self._shift, self._total)

    # What is wanted.

    @property
    def _is_unsure(self) -> bool:
        return bool(self._again or self._barren or self._doubted or self._search.tried)

    def _base(self) -> int:
        place = self._rank + self._shift + 1
        if not self._begun:
            return place
        place -= len(self._edge) or self._plan.overlap
        return max(0, place)

    def _ask_again(self, offset: int, error: type[ListingError], reason: str, hint: str) -> None:
        if self._again == len(PAUSES_S):
            raise self._error(error, reason, hint)
        self._plan.ask_first(offset, PAUSES_S[self._again])
        self._again += 1

    def _is_asked_again(self, reply: Reply[R]) -> bool:
        """Ask again for a reply without rows, which may come from a server in disarray.

        Raises:
            IncompleteError: rows were delivered before, and the list is empty after the pauses too.
        """
        if not self._begun:
            if reply.total > reply.offset or self._believe_empty or self._again:
                return False
            self._again = len(PAUSES_S)
            self._plan.ask_first(reply.offset, EMPTY_PAUSE_S)
            return True
        if self._again < len(PAUSES_S):
            self._ask_again(reply.offset, IncompleteError, "", "")
            return True
        if reply.total or not self._most_total:
            return False
        raise self._error(IncompleteError, f"the server counted {self._most_total} rows before, and none now", _LATER)

    def _is_cut_off(self, reply: Reply[R], overlap: Overlap) -> bool:
        """Whether the list ends far before the place where it ended at first; then the window is asked for again.

        Raises:
            IncompleteError: it ends there after the pauses too.
        """
        end = reply.offset + len(reply.rows)
        if reply.full or end < reply.total or not self._begun:
            return False
        end -= reply.offset + overlap.index - overlap.rank
        known = max(self._counted, self._drift.counted)
        if end >= 0.9 * known - MOST_REMOVED:
            return False
        reason = f"the list had {known} rows, and ends after {end} of them now"
        self._ask_again(reply.offset, IncompleteError, reason, _LATER)
        return True

    # What came.

    def _keys(self, rows: Sequence[R | None]) -> tuple[list[Hashable], bool]:
        try:
            return list(map(self._key, rows)), True  # type: ignore[arg-type]  # null rows are rare, and have no key
        except (AttributeError, TypeError):
            return [None if row is None else self._key(row) for row in rows], False

    def _count(self, reply: Reply[R], window: Window) -> None:
        report, came = self.report, len(reply.rows)
        self._idle += 1
        report.requests += 1
        report.total_last = reply.total
        if report.total_first is None:
            report.total_first = reply.total
        if came > window.limit:
            hint = "the server ignores the page size: try page_size=" + str(came)
            raise self._error(DriftError, f"asked for {window.limit} rows and got {came}", hint)
        self._plan.learn(came)
        if came:
            self._most_total = max(self._most_total, reply.total)
        rows = max(reply.total, report.total_first, self._rank + self._shift + 1) - self._start
        pages = 1 + rows // self._plan.step
        if self._idle > IDLE:
            raise self._error(RunawayError, f"{IDLE} requests in a row brought no new row", _LATER)
        most = max(reply.total, self._most_total)
        if reply.offset + came - self._start > 2 * most + max(MOST_UNCOUNTED, 10 * self._plan.size):
            reason = f"{reply.offset + came} rows came, though the server counts {most}"
            raise self._error(RunawayError, reason, _LATER)
        if report.requests > 4 * pages + 16:
            raise self._error(RunawayError, f"{report.requests} requests were made for {pages} pages", _LATER)

    def _overlap(self, reply: Reply[R]) -> Overlap | None:
        if self._begun:
            sure = reply.whole and (reply.full or reply.offset + len(reply.rows) < reply.total)  # not to be asked again
            overlap = self._seen.joined(reply.keys, self._edge, self._rank) if sure else None
            return overlap or self._seen.overlap(reply.keys, self._rank)
        refuse_repeated(reply.keys)
        return opening(reply.keys, -1, self._rank)

    def _join(self, window: Window, reply: Reply[R], overlap: Overlap) -> list[R]:
        shift = reply.offset + overlap.index - overlap.rank
        if self._begun and not self._drift.begun and overlap.fresh:
            reply.full = True  # the first window after anchors may be cut to a size that happens to meet the total
        searched = bool(self._search.tried)
        if searched:
            self._search = Search()
        before = (self._rank + self._shift, self._total)
        self._judge(window, reply, overlap, shift)
        self._shift, self._total, self._joined_epoch = shift, reply.total, self._plan.epoch
        self._doubted = False
        if overlap.shared > self._plan.overlap:
            self.report.duplicates_skipped += overlap.shared - self._plan.overlap
        if overlap.fresh:
            self._last_rows.roll(*before)
        items = self._deliver(overlap, reply.keys, reply.rows)
        if not self.done:
            self._settle(reply, overlap, searched=searched)
        if not self.done and self._aside is not None:
            items += self._take_aside()
        return items

    def _judge(self, window: Window, reply: Reply[R], overlap: Overlap, shift: int) -> None:
        drift = self._drift
        if drift.begun:
            has_gaps = overlap.has_gaps or (bool(overlap.fresh) and overlap.rank != self._rank)
            end = reply.offset + len(reply.rows)
            if not reply.full and end >= reply.total:
                has_gaps = has_gaps or drift.misses_rows(end - shift)
            verdict, appended = drift.judge(window.epoch, shift, reply.total, has_gaps=has_gaps, ends=reply.ends)
            if self._strict and not appended:
                raise self._error(DriftError, "the list changed while it was read", 'on_drift="repair" continues')
            if verdict == "changed" or self.report.consistency == "static":
                self.report.consistency = verdict
            drift.note(self._plan.epoch, shift, reply.total)
        elif self._begun or reply.keys:
            drift.begin(self._plan.epoch, shift, reply.total)

    def _deliver(self, overlap: Overlap, keys: list[Hashable], rows: Sequence[R | None]) -> list[R]:
        index, rank = overlap.index, overlap.rank
        if overlap.fresh:
            self._cut(overlap)
        if overlap.fresh:
            behind = self._seen.unsettle(rank) if rank < self._rank else []
            self._last_rows.push(keys, behind)
            self._last_rows.deliver(overlap.fresh, overlap.ranks)
            self._seen.add(overlap)
            self._rank = overlap.ranks[-1]
            index += self._rank - rank
            self._begun = True
            self._barren = self._again = self._idle = 0
            self._pace = min(self._pace + 1, MOST_AHEAD)
            self.report.rows += len(overlap.fresh)
            self.report.null_rows_skipped += self._rank - rank - len(overlap.fresh)
        elif rank != self._rank:
            self._edge = []  # z is further on, where this window does not reach
            return []
        self._edge = keys[max(0, index + 1 - self._plan.overlap) : index + 1]
        items = rows[overlap.index + 1 : index + 1]
        if len(items) != len(overlap.fresh) or not isinstance(items, list):
            return [row for row in items if row is not None]
        return cast("list[R]", items)  # as many as there are keys, so none is null

    def _cut(self, overlap: Overlap) -> None:
        end = len(overlap.fresh)
        if self._most is not None and end >= self._most - self.report.rows:
            self.done = True
            end = self._most - self.report.rows
        if self._stop_at is not None:
            known = next((i for i, key in enumerate(overlap.fresh[:end]) if key in self._stop_at), None)
            if known is not None:
                self.met = self.done = True
                end = known
        if end < len(overlap.fresh):
            overlap.fresh, overlap.ranks = overlap.fresh[:end], overlap.ranks[:end]

    def _settle(self, reply: Reply[R], overlap: Overlap, *, searched: bool) -> None:
        if reply.ends:
            self._finish(reply, overlap)
            return
        self._plan.keep_what_fits(self._base(), self._rank + self._shift, reply.total)
        if overlap.fresh:
            return
        end = reply.offset + len(reply.rows)
        if self._plan.size == 1 and end == reply.total:
            self._finish(reply, overlap)
        elif self._plan.size == 1:
            self._ask_again(self._base(), DriftError, "the server returns one row at a time", _NEEDS_TWO)
        elif reply.full and reply.keys[-1] is None:
            reason = f"{len(reply.rows) - 1 - overlap.index} null rows in a row"
            self._ask_again(self._base(), DriftError, reason, "what comes after them can't be joined")
        elif end < reply.total and not reply.full:
            reason = f"the server counts {reply.total} rows, but none came after position {end - 1}"
            self._ask_again(self._base(), IncompleteError, reason, _LATER)
        elif not reply.full:
            self._finish(reply, overlap)
        elif not searched:
            self._barren += 1
            self._pace = 1
            self._plan.forget()  # what is under way was read before: it would bring nothing new either
            if self._barren == BARREN and self._again:
                raise self._error(IncompleteError, f"none of {reply.total} rows came after position {end - 1}", _LATER)
            if self._barren == BARREN:
                raise self._error(RunawayError, f"{BARREN} windows in a row brought no new row", _OFFSET)

    def _finish(self, reply: Reply[R], overlap: Overlap) -> None:
        self.done = True
        behind = overlap.ranks[-1] - overlap.rank if overlap.fresh else 0
        self.report.null_rows_skipped += len(reply.rows) - 1 - overlap.index - behind

    def _take_aside(self) -> list[R]:
        (keys, rows), self._aside = self._aside or ([], []), None
        try:
            overlap = self._seen.overlap(keys, self._rank)
        except RepeatedKeyError:
            return []
        if overlap is None or overlap.has_strangers or overlap.rank != self._rank:
            return []
        return self._deliver(overlap, keys, rows)

    # What does not fit.

    def _is_doubtful(self, reply: Reply[R], overlap: Overlap) -> bool:
        """Return whether an overlap may be wrong: a key that is there twice, or rows in another order."""
        if overlap.remembered or not self._begun:
            return False
        if overlap.has_strangers:
            return True
        if overlap.fresh and self._rank - overlap.rank > (self._plan.size if self._doubted else 0):
            return True
        index, rank = overlap.first_shared
        if not self._seen.complete or rank == FLOATING or not any(key is not None for key in reply.keys[:index]):
            return False
        return reply.offset + index - rank > reply.total - (
            self.report.total_first or 0
        )  # more than came in at the head

    def _doubt(self, window: Window) -> list[R]:
        # Read before rows were deleted, it is right the next time. Rows put in where the walk has been can't be told
        # from rows that are shuffled, and then some would be lost.
        if self._doubted:
            raise self._error(DriftError, "rows delivered before are among other rows now", _ORDER)
        self._doubted = True
        self._plan.ask_first(window.offset if self._search.tried else self._base())
        return []

    def _missed(self, window: Window, reply: Reply[R]) -> list[R]:
        search, offset = self._search, reply.offset
        if not reply.rows and offset < reply.total and not search.tried and self._again < len(PAUSES_S):
            self._ask_again(offset, IncompleteError, "", "")
            return []
        if self._is_all_there_is(reply):
            overlap = opening(reply.keys, -1, self._rank)
            overlap.has_gaps = True
            return self._join(window, reply, overlap)
        if self._strict and reply.rows and self._drift.begun:
            raise self._error(DriftError, "the list changed while it was read", 'on_drift="repair" continues')
        moved = reply.total - self._total
        if search.tried:
            self._plan.queue.clear()
        else:
            self._aside = (reply.keys, reply.rows) if reply.rows else None
            if window.epoch < self._joined_epoch:
                moved = max(
                    moved, -(self._plan.size // 2)
                )  # may have been read before the last overlap: then nothing moved
            else:
                search.tried.add(offset)
        search.blank = search.blank and not reply.rows
        self._look_elsewhere(moved, reply.total)
        return []

    def _look_elsewhere(self, moved: int, total: int) -> None:
        place, search = self._rank + self._shift, self._search
        size = self._plan.size or self._plan.limit
        offset = search.next(place, moved, size, self._plan.overlap, len(self._seen), total)
        if offset is None and search.blank and total:
            raise self._error(IncompleteError, f"the server counts {total} rows, but returns none", _LATER)
        if offset is None:
            reason = f"none of the last rows delivered is found again near position {place}"
            raise self._error(DriftError, reason, "they were deleted, or the server does not keep to the offset")
        self._plan.ask_first(offset)

    def _is_all_there_is(self, reply: Reply[R]) -> bool:
        """Return whether all that was delivered is gone and the reply is the whole rest of the list."""
        whole = reply.offset == 0 and reply.ends and self._plan.size > len(reply.rows)
        return whole and self._start == 0 and self._seen.complete

    def _error(self, kind: type[ListingError], reason: str, hint: str) -> ListingError:
        return kind(reason, delivered=self.report.rows, report=self.report, hint=hint)
