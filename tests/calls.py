"""Counts the calls of functions, a measure of work that does not depend on the machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import attrs

__all__ = ["Calls", "counted_calls"]


@attrs.define
class Calls:
    """The number of calls, of functions of Python and of C."""

    number: int = 0


@contextmanager
def counted_calls() -> Iterator[Calls]:
    """Count the calls of this thread inside the block."""
    calls = Calls()

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        if event in ("call", "c_call"):
            calls.number += 1

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)
