"""Writes messages to stderr."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap

from aiozbilling.records.texts import printable

__all__ = ["complain", "note", "with_cli_options"]

# The library's keywords in error messages, and the command line's options for them.
_OPTIONS = {
    "base_url": "--base-url",
    "concurrency": "--concurrency",
    "max_items": "--max-items",
    "overwrite": "--force",
    "page_size": "--page-size",
    "rate_limit": "--rate-limit",
    "timeout": "--timeout",
    "wait_s": "--wait",
}
_NOT_OFFERED = re.compile(r", or allow_http=True|, or raise `max_body`|, a date or a datetime")
# Not in a URL, in a host name, in the JSON path of a field, or in quotes, as the settings of an accounts file are.
_KEYWORD = re.compile(rf"(?<![\w.'/-])({'|'.join(_OPTIONS)})(?:=(\w+))?(?!\w|[.-]\w)")
_TEXTS = re.compile(r"(?<![\w-])(account|format)='([^']*)'")
# Elsewhere, these are ordinary words.
_WORDS = re.compile(r"(?<![\w-])(since|until|start|end|chain)(?= must be| must have| is outside| \(\d)")


def complain(message: str, hint: str = "") -> None:
    """Write an error, and a hint on its own line."""
    _write("aiozbilling: " + message, "31")
    if hint:
        _write(hint, "2")


def note(message: str) -> None:
    """Write a remark, dimmed."""
    _write(message, "2")


def with_cli_options(message: str, quoted: str = "") -> str:
    """Replace the library's keywords in an error message by the command line's options, such as ``--base-url``.

    `quoted` is a part of the message that stays as it is.
    """
    before, quoted, after = message.partition(quoted) if quoted else (message, "", "")
    return _replaced(before) + quoted + _replaced(after)


def _replaced(message: str) -> str:
    def option(match: re.Match[str]) -> str:
        name = _OPTIONS[match[1]]
        return name if match[2] in (None, "True") else f"{name} {match[2]}"

    message = _NOT_OFFERED.sub("", message).replace("static=True", "--static")
    message = _TEXTS.sub(r"--\1 \2", _KEYWORD.sub(option, message))
    return _WORDS.sub(r"--\1", message)


def _write(message: str, style: str) -> None:
    text = printable(message)
    if sys.stderr.isatty():
        text = textwrap.fill(text, max(shutil.get_terminal_size().columns, 20), break_on_hyphens=False)
        if not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
            text = f"\033[{style}m{text}\033[0m"
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        return  # stderr is closed
