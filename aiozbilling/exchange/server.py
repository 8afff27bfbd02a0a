"""The state of one server, shared by all accounts that use the same connections."""

from __future__ import annotations

import attrs

from aiozbilling.exchange.connections import Connections
from aiozbilling.exchange.credentials import Secret
from aiozbilling.exchange.retry import RetryBudget

__all__ = ["Server"]


@attrs.define(eq=False, repr=False)
class Server:
    """One server.

    Attributes:
        base_url: URL without a trailing slash.
        connections: connections to the server.
        max_body: largest decompressed body in bytes.
        budget: tokens for retries.
        paths: form of each path that the server redirected, with or without a trailing slash.
        latest_body: the last body, kept until the next one is read. If it were freed at once, its memory would go back
            to the system and cause page faults again (4,000 for 20 pages of 1000 rows, 6 % of their time).
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
