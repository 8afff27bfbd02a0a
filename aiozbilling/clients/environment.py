"""Settings from environment variables."""

from __future__ import annotations

import os

from aiozbilling.exchange.credentials import Secret

__all__ = ["variable"]


def variable(name: str) -> Secret | None:
    """Read an environment variable as a secret, or return None if it is not set or empty."""
    return Secret(os.environ[name]) if os.environ.get(name) else None
