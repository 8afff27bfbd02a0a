"""The windows that a walk requests next."""

from __future__ import annotations

from aiozbilling.listing.window import Window

__all__ = ["MOST_AHEAD", "Plan", "overlap_of"]

MOST_AHEAD = 1000


class Plan:
    """Keep the planned windows, in list order. Windows in flight stay in the plan as long as they are useful.

    Attributes:
        limit: rows to request in each window.
        size: the largest number of rows in one reply; 0 before the first.
        overlap: how many rows windows share.
        step: how far apart windows begin.
        queue: the planned windows.
        ahead: maximum number of planned windows; small after the list grew faster than windows in flight were read.
        epoch: the number of windows taken from the plan.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size: int = 0
        self.overlap: int = overlap_of(limit)
        self.step: int = max(1, limit - self.overlap)
        self.queue: list[Window] = []
        self.ahead: int = MOST_AHEAD
        self.epoch: int = 0
        self._nonce = 0

    def take(self, window: Window) -> None:
        """Remove the first window.

        Raises:
            ValueError: it is not the first window.
        """
        queue = self.queue
        if not queue or (window is not queue[0] and window != queue[0]):
            raise ValueError("accept() takes the first window of plan()")
        del queue[0]
        self.epoch += 1

    def learn(self, came: int) -> None:
        """Adapt the plan to a reply with more rows than any before: the server returns at least that many."""
        self.size, self.overlap = came, overlap_of(came)
        self.step = max(1, came - self.overlap)
        self.queue.clear()

    def extend(self, ahead: int, end: int) -> None:
        """Add windows after the last one, up to `ahead` in all, while they may hold new rows before position `end`."""
        queue, overlap, step = self.queue, self.overlap, self.step
        offset = queue[-1].offset + step
        while len(queue) < ahead and offset + overlap < end:
            queue.append(self.window(offset))
            offset += step

    def window(self, offset: int, pause_s: float = 0.0) -> Window:
        """Return a window at a position."""
        return Window(offset, self.limit, self._nonce, pause_s, self.epoch)

    def ask_first(self, offset: int, pause_s: float = 0.0) -> None:
        """Put a new window before all others; it is requested even if its offset was requested before."""
        self._nonce += 1
        self.queue.insert(0, self.window(offset, pause_s))

    def slow_down(self) -> None:
        """Drop all windows, which were read too early to have new rows, and plan only one at a time."""
        self.queue.clear()
        self._nonce += 1
        self.ahead = 1

    def speed_up(self) -> None:
        """Plan one window more at a time, since new rows came."""
        self.ahead = min(self.ahead + 1, MOST_AHEAD)

    def keep_what_fits(self, base: int, place: int, total: int) -> None:
        """Drop windows that became useless: the last row is at `place`, and the next window should begin at `base`."""
        queue = self.queue
        if not base - self.step < queue[0].offset <= place:
            queue.clear()  # the first window would share no row, or have no new one
        while len(queue) > 1 and queue[-1].offset + self.overlap >= total:
            queue.pop()


def overlap_of(size: int) -> int:
    """Return how many rows windows of `size` rows share."""
    return max(1, min(5, size // 50))
