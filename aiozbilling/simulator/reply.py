"""The reply of a simulated service, before any fault is applied."""

from __future__ import annotations

import attrs

__all__ = ["Reply", "html", "text"]


@attrs.frozen
class Reply:
    """One whole reply."""

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = attrs.field(factory=dict)


def text(status: int, words: str) -> Reply:
    """Build a reply in plain text."""
    return Reply(status, words.encode(), "text/plain; charset=utf-8")


def html(status: int, words: str) -> Reply:
    """Build the page that an edge server sends."""
    title = f"{status} {words}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Reply(status, page.encode(), "text/html")
