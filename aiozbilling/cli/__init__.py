"""The command ``aiozbilling``.

Nothing heavy is imported here or in the modules of the commands: HTTP, decoding, tables and the simulator are loaded
inside the command that needs them, so that ``--help`` costs little more than typer itself.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main", "report_missing_extra"]

_EXTRA = ("typer", "rich", "click")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and give its exit code; None for the process's own arguments."""
    try:
        from aiozbilling.cli.app import run_app
    except ModuleNotFoundError as error:
        if not report_missing_extra(error):
            raise
        return 2
    except KeyboardInterrupt:
        return 130
    return run_app(arguments)


def report_missing_extra(error: Exception) -> bool:
    """Say how to install what is missing, if that is the error."""
    is_it = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _EXTRA
    if is_it:
        sys.stderr.write("aiozbilling: the command line needs an extra: pip install 'aiozbilling[cli]'\n")
    return is_it
