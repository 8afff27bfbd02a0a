"""Which windows are wanted next."""

from __future__ import annotations

from aiozbilling.listing.window import Window

__all__ = ["Plan", "overlap_of"]


class Plan:
    """Keep the windows wanted, in list order, so that what is under way stays wanted as long as it will be of use."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size: int = 0  # the largest number of rows that came in one window
        self.overlap: int = overlap_of(limit)
        self.queue: list[Window] = []
        self.epoch: int = 0  # windows taken
        self._nonce = 0

    @property
    def step(self) -> int:
        """How far apart windows begin."""
        return max(1, (self.size or self.limit) - self.overlap)

    def take(self, window: Window) -> None:
        """Strike out the first window.

        Raises:
            ValueError: it is another one.
        """
        queue = self.queue
        if not queue or (window is not queue[0] and window != queue[0]):
            raise ValueError("accept() takes the first window of plan()")
        del queue[0]
        self.epoch += 1

    def learn(self, came: int) -> None:
        """Learn from the rows that came how many the server returns at most."""
        if came > self.size:
            self.size, self.overlap = came, overlap_of(came)
            self.queue.clear()

    def extend(self, ahead: int, end: int) -> None:
        """Add windows after the last one, up to `ahead` in all, while they may hold new rows before position `end`."""
        queue, overlap, step = self.queue, self.overlap, self.step
        offset = queue[-1].offset + step
        while len(queue) < ahead and offset + overlap < end:
            queue.append(self.window(offset))
            offset += step

    def window(self, offset: int, pause_s: float = 0.0) -> Window:
        """Make a window."""
        return Window(offset, self.limit, self._nonce, pause_s, self.epoch)

    def ask_first(self, offset: int, pause_s: float = 0.0) -> None:
        """Put a window before all others that is asked for anew, though its place was asked for before."""
        self._nonce += 1
        self.queue.insert(0, self.window(offset, pause_s))

    def forget(self) -> None:
        """Drop all windows; those planned from now on are asked for anew."""
        self.queue.clear()
        self._nonce += 1

    def keep_what_fits(self, base: int, place: int, total: int) -> None:
        """Drop what is of no use, now that the last row is at `place` and the next window would begin at `base`."""
        queue = self.queue
        if queue and not base - self.step < queue[0].offset <= place:
            queue.clear()  # from its place, the next window would share nothing or bring nothing
        while len(queue) > 1 and queue[-1].offset + self.overlap >= total:
            queue.pop()


def overlap_of(size: int) -> int:
    """Say how many rows windows of `size` rows share."""
    return max(1, min(5, size // 50))
