"""The command ``aiozbilling``.

This module and the modules of the commands import nothing heavy. Each command imports HTTP, decoding, tables and the
simulator when it runs, so that ``--help`` takes little longer than typer itself.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main", "report_missing_extra"]

_EXTRA = ("typer", "rich", "click")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; None means the arguments of this process."""
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
    """If a package of the extra is missing, write how to install it and return True."""
    is_missing = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _EXTRA
    if is_missing:
        sys.stderr.write("aiozbilling: the command line needs an extra: pip install 'aiozbilling[cli]'\n")
    return is_missing
