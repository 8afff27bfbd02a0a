"""Which windows are wanted next."""

from __future__ import annotations

from aiozbilling.listing.window import Window

__all__ = ["MOST_AHEAD", "Plan", "overlap_of"]

MOST_AHEAD = 1000


class Plan:
    """Keep the windows wanted, in list order, so that what is in flight stays wanted as long as it will be of use.

    Attributes:
        limit: rows to request in each window.
        size: the largest number of rows that came in one window; 0 before the first.
        overlap: how many rows windows share.
        step: how far apart windows begin.
        queue: the windows wanted.
        ahead: how many windows may be wanted at once: few where the list grew faster than those in flight were read.
        epoch: the number of windows taken.
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
            ValueError: it is another one.
        """
        queue = self.queue
        if not queue or (window is not queue[0] and window != queue[0]):
            raise ValueError("accept() takes the first window of plan()")
        del queue[0]
        self.epoch += 1

    def learn(self, came: int) -> None:
        """Learn from a larger window than any before how many rows the server returns at most."""
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
        """Put a new window before all others; it is requested though its place was requested before."""
        self._nonce += 1
        self.queue.insert(0, self.window(offset, pause_s))

    def slow_down(self) -> None:
        """Drop all windows, which were read too early to bring new rows, and want one at a time."""
        self.queue.clear()
        self._nonce += 1
        self.ahead = 1

    def speed_up(self) -> None:
        """Want one window more at once, since new rows came."""
        self.ahead = min(self.ahead + 1, MOST_AHEAD)

    def keep_what_fits(self, base: int, place: int, total: int) -> None:
        """Drop what is of no use, now that the last row is at `place` and the next window would begin at `base`."""
        queue = self.queue
        if not base - self.step < queue[0].offset <= place:
            queue.clear()  # from its place, the next window would share nothing or bring nothing
        while len(queue) > 1 and queue[-1].offset + self.overlap >= total:
            queue.pop()


def overlap_of(size: int) -> int:
    """Return how many rows windows of `size` rows share."""
    return max(1, min(5, size // 50))
