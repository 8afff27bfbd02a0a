"""Settings from environment variables."""

from __future__ import annotations

import os

from aiozbilling.errors import ConfigurationError
from aiozbilling.exchange.credentials import Secret

__all__ = ["environment", "variable"]


def variable(name: str) -> Secret | None:
    """Read an environment variable as a secret, or return None if it is not set or empty."""
    return Secret(os.environ[name]) if os.environ.get(name) else None


def environment(secret: str, *, optional: str) -> tuple[Secret, str | None]:
    """Read a secret variable that must be set and another variable that may be set.

    Raises:
        ConfigurationError: the first one is not set.
    """
    token = variable(secret)
    if token is None:
        raise ConfigurationError(f"set the environment variable {secret}")
    return token, os.environ.get(optional) or None
