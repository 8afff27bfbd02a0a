"""Pages of 1000 top-ups like those of real servers, with one unusual row or a thousand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from benchmarks.server import Pages

__all__ = ["ODD", "PLAIN", "page"]

Row = dict[str, Any]
PLAIN = "plain"
_ROWS = 1000
_FRACTION = re.compile(r"(\.\d+)?Z$")


def _in_nanoseconds(row: Row) -> None:
    for name in ("created_at", "updated_at"):
        row[name] = _FRACTION.sub(lambda match: (match[1] or ".").ljust(7, "0") + "789Z", row[name])


def _with_letter(row: Row) -> None:
    row["sender"] = "é" + row["sender"]


def _with_offset(row: Row) -> None:
    row["created_at"] = row["created_at"].replace("Z", "+00:00")


# What is changed, and in how many rows.
ODD: dict[str, tuple[Callable[[Row], object], int]] = {
    "1 nanosecond time": (_in_nanoseconds, 1),
    "1000 nanosecond times": (_in_nanoseconds, _ROWS),
    "1 empty amount": (lambda row: row.update(total_amount=""), 1),
    "1 non-ASCII letter": (_with_letter, 1),
    "1 offset of zero": (_with_offset, 1),
    "1 null row": (lambda row: row.clear(), 1),
    "1 missing amount": (lambda row: row.pop("total_amount"), 1),
    "1 bad row": (lambda row: row.update(total_amount="x"), 1),
}


def page(name: str) -> bytes:
    """Return the body of a page."""
    body = Pages(_ROWS).page(0, _ROWS, _ROWS).partition(b"\r\n\r\n")[2]
    if name == PLAIN:
        return body
    change, count = ODD[name]
    document = json.loads(body)
    rows = document["data"]["top_up_usages"]
    first = (_ROWS - count) // 2
    for row in rows[first : first + count]:
        change(row)
    document["data"]["top_up_usages"] = [row or None for row in rows]
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
