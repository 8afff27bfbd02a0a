"""Settings from environment variables."""

from __future__ import annotations

import os

from aiozbilling.exchange.credentials import Secret
from aiozbilling.exchange.transport import checked_base_url

__all__ = ["url_variable", "variable"]


def variable(name: str) -> Secret | None:
    """Read an environment variable as a secret, or return None if it is not set or empty."""
    return Secret(os.environ[name]) if os.environ.get(name) else None


def url_variable(name: str, *, allow_http: bool = False) -> str | None:
    """Read an environment variable as the URL of a server, or return None if it is not set or empty.

    Raises:
        ConfigurationError: it is not a URL that a client accepts; the message names the variable.
    """
    url = os.environ.get(name)
    return checked_base_url(url, allow_http=allow_http, name=name) if url else None
