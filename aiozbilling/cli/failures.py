"""What went wrong, as one or two lines on stderr and an exit code."""

from __future__ import annotations

import os
import sys
import traceback

from aiozbilling.cli import report_missing_extra
from aiozbilling.cli.messages import complain
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
    """Whoever read the output has gone, as ``| head`` does."""


class OutputFailedError(ExportError):
    """The output could not be written."""


# (exit code, errors, meaning); the first that fits counts
_FAILURES: tuple[tuple[int, tuple[type[Exception], ...], str], ...] = (
    (2, (ConfigurationError,), "wrong arguments, or credentials are missing"),
    (3, (AuthenticationError,), "the server refuses the credentials (401)"),
    (4, (PermissionDeniedError,), "the credentials are not enough for this (403)"),
    (5, (NotFoundError,), "there is no such thing (404)"),
    (7, (RateLimitedError,), "too many requests (429)"),
    (8, (ServerError,), "the server failed (5xx)"),
    (6, (ApiError,), "the server says no in another way"),
    (9, (TransportError,), "no connection, a timeout, or no usable reply"),
    (10, (DecodeError,), "the reply is not what the API promises"),
    (11, (ListingError,), "a list could not be read exactly once"),
    (12, (ExportError,), "the output could not be written"),
    (141, (OutputClosedError,), "the reader of the pipe has gone"),
)
EXIT_CODES: tuple[tuple[int, str], ...] = tuple(
    sorted(
        [
            *((code, meaning) for code, _, meaning in _FAILURES),
            (0, "all is well"),
            (1, "a bug: please report it"),
            (130, "Ctrl-C"),
            (143, "SIGTERM"),
        ]
    )
)


def report_failure(error: Exception) -> int:
    """Say in a line or two what went wrong, and give the exit code."""
    for code, kinds, _ in _FAILURES:
        if isinstance(error, kinds):
            if not isinstance(error, OutputClosedError):
                complain(str(error))
            return code
    if report_missing_extra(error):
        return 2
    if os.environ.get("AIOZBILLING_TRACEBACK"):
        traceback.print_exception(error, file=sys.stderr)
    # The error's own words stay unsaid: nobody knows what is in them.
    complain(f"unexpected {type(error).__name__}: this is a bug; AIOZBILLING_TRACEBACK=1 shows where")
    return 1
