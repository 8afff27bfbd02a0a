"""Progress bar, note after an interruption, and summary of the commands that write files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiozbilling.cli.messages import note
from aiozbilling.cli.output import wrapped
from aiozbilling.errors import ConfigurationError, ExportError, ListingError
from aiozbilling.records.texts import printable

__all__ = ["progress_bar", "rows_kept", "summary"]


@contextmanager
def rows_kept(
    is_kept: Callable[[], bool], is_complete: Callable[[], bool] = lambda: False
) -> Iterator[Callable[[int], None]]:
    """If the run is interrupted, note how many rows are kept. Yields a function that takes the rows read so far."""
    rows = 0

    def count(read: int) -> None:
        nonlocal rows
        rows = read

    try:
        yield count
    except (ExportError, ConfigurationError):
        raise
    except BaseException as error:
        is_stuck = isinstance(error, ListingError) and not error.delivered
        if is_complete():
            note("The file is complete: the command was interrupted after it was written.")
        elif (rows or is_kept()) and not is_stuck:
            kept = f"{rows:,} row{'' if rows == 1 else 's'}" if rows else "The rows read so far are"
            note(f"{kept} kept. Run the same command again to resume.")
        elif not isinstance(error, Exception):  # Ctrl-C or SIGTERM
            note("Nothing is kept: no row was read. Run the same command again to start from the beginning.")
        raise


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int, int], None]]:
    """Show a progress bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _read, _total, _resumed: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    columns: list[Any] = [
        BarColumn(bar_width=None),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} rows"),
        TimeRemainingColumn(compact=True),
    ]
    if console.width >= 72:
        columns.insert(0, TextColumn(title))
        columns.insert(-1, TextColumn("{task.fields[rate]}"))
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        task: Any = None

        def show(read: int, total: int, resumed: int) -> None:
            nonlocal task
            if task is None:
                task = progress.add_task(title, total=total, completed=resumed, rate="")
            speed = progress.tasks[0].speed
            progress.update(task, completed=read, total=max(read, total), rate=f"{speed:,.0f}/s" if speed else "")

        yield show


def summary(lines: list[tuple[str, str]]) -> str:
    """Return titles and texts in two columns."""
    from rich.cells import cell_len

    shown = [(printable(title), printable(text)) for title, text in lines]
    width = max(cell_len(title) for title, _ in shown) + 2
    return "".join(_entry(title + " " * (width - cell_len(title)), text, width) + "\n" for title, text in shown)


def _entry(title: str, text: str, width: int) -> str:
    """Return a line of a summary; the padded title has `width` columns.

    A word that is too wide for the second column, such as a hash, is below the title.
    """
    line = wrapped(" " * width + text, width)
    is_too_wide = sys.stdout.isatty() and max(map(len, line.splitlines())) > shutil.get_terminal_size().columns
    return f"{title.rstrip()}\n{wrapped(f'  {text}', 2)}" if is_too_wide else title + line[width:]
