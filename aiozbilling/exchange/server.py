"""What is known of one server, shared by all accounts that use the same connections."""

from __future__ import annotations

import attrs

from aiozbilling.exchange.connections import Connections
from aiozbilling.exchange.credentials import Secret
from aiozbilling.exchange.retry import RetryBudget

__all__ = ["Server"]


@attrs.define(eq=False)
class Server:
    """One server.

    Attributes:
        base_url: without a slash at its end.
        connections: to it.
        max_body: largest body in bytes, decompressed.
        budget: pays for retries.
        paths: the form of a path that the server wants, with or without a slash at its end, where it redirected.
        latest_body: the last body, kept until the next one is there. Freed at once, its memory goes back to the system
            and is faulted in again page by page (4,000 faults for 20 pages of 1000 rows, 6 % of their time).
    """

    base_url: str
    connections: Connections
    max_body: int
    budget: RetryBudget = attrs.field(factory=RetryBudget, init=False)
    paths: dict[str, str] = attrs.field(factory=dict, init=False)
    latest_body: Secret | None = attrs.field(default=None, init=False)

    def url(self, path: str, query: str) -> str:
        """Return the URL of a call."""
        url = self.base_url + self.paths.get(path, path)
        return f"{url}?{query}" if query else url
