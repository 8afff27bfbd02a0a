"""Reports an error as one or two lines on stderr and an exit code."""

from __future__ import annotations

import os
import sys
import traceback

from aiozbilling.cli import report_missing_extra
from aiozbilling.cli.messages import complain, with_cli_options
from aiozbilling.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    DecodeError,
    ExportError,
    ListingError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    TransportError,
)

__all__ = ["EXIT_CODES", "OutputClosedError", "OutputFailedError", "report_failure"]


class OutputClosedError(Exception):
    """The reader of the output closed the pipe, as ``| head`` does."""


class OutputFailedError(ExportError):
    """The output could not be written."""


# (exit code, errors, meaning); the first match counts
_FAILURES: tuple[tuple[int, tuple[type[Exception], ...], str], ...] = (
    (2, (ConfigurationError,), "wrong arguments, or missing credentials"),
    (3, (AuthenticationError,), "the server rejected the credentials (401)"),
    (4, (PermissionDeniedError,), "the credentials lack permission (403)"),
    (5, (NotFoundError,), "not found (404)"),
    (7, (RateLimitedError,), "too many requests (429)"),
    (8, (ServerError,), "the server failed (5xx)"),
    (6, (ApiError,), "the server returned another error"),
    (9, (TransportError,), "no connection, a timeout, or an unusable reply"),
    (10, (DecodeError,), "the reply does not match the API's description"),
    (11, (ListingError,), "a list could not be read exactly once"),
    (12, (ExportError,), "a file could not be read or written"),
    (141, (OutputClosedError,), "the reader of the pipe closed it"),
)
EXIT_CODES: tuple[tuple[int, str], ...] = tuple(
    sorted(
        [
            *((code, meaning) for code, _, meaning in _FAILURES),
            (0, "success"),
            (1, "a bug: please report it"),
            (13, "some accounts of a fleet failed"),
            (14, "runway --fail-below: an account has fewer days left"),
            (15, "verify found differences"),
            (130, "Ctrl-C"),
            (143, "SIGTERM"),
        ]
    )
)


def report_failure(error: Exception) -> int:
    """Print an error in one or two lines, and return its exit code."""
    for code, kinds, _ in _FAILURES:
        if isinstance(error, kinds):
            if not isinstance(error, OutputClosedError):
                quoted = error.message if isinstance(error, ApiError) else ""  # the words of the server
                complain(with_cli_options(str(error), quoted))
            # An accounts file that can't be read exits with 12, like any other file.
            return 12 if code == 2 and isinstance(error.__cause__, OSError) else code
    if report_missing_extra(error):
        return 2
    if isinstance(error, OSError):  # such as a full disk while typer prints the help
        complain(f"{error.filename or 'stdout'}: {error.strerror}")
        return 12
    if os.environ.get("AIOZBILLING_TRACEBACK"):
        traceback.print_exception(error, file=sys.stderr)
    # The error's own text is not printed: it may hold a secret.
    complain(f"unexpected {type(error).__name__}: this is a bug; AIOZBILLING_TRACEBACK=1 shows the traceback")
    return 1
