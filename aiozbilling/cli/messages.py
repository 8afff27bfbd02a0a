"""Lines for the person at the terminal, on stderr."""

from __future__ import annotations

import os
import sys

__all__ = ["complain", "note", "printable"]


def complain(message: str, hint: str = "") -> None:
    """Write an error on a line, and a hint on another."""
    _write("aiozbilling: " + message, "31")
    if hint:
        _write(hint, "2")


def note(message: str) -> None:
    """Write a remark, dimmed."""
    _write(message, "2")


def printable(text: str) -> str:
    """Replace what a terminal would obey, not show: servers may send escape sequences."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " if character.isspace() else "�" for character in text)


def _write(message: str, style: str) -> None:
    text = printable(message)
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        text = f"\033[{style}m{text}\033[0m"
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        return  # nobody can be told
