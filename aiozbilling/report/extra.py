"""The error message if the extra of the report is not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiozbilling.errors import ConfigurationError

__all__ = ["needs_extra"]

_MODULES = ("altair", "vl_convert", "jinja2", "markupsafe", "xlsxwriter")


@contextmanager
def needs_extra() -> Iterator[None]:
    """Convert the error of a missing module of the extra ``report`` to a message about how to install it.

    Raises:
        ConfigurationError: one of the modules is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _MODULES:
            raise
        raise ConfigurationError(
            f"the report needs {error.name}, which is not installed: pip install 'aiozbilling[report]'"
        ) from None
