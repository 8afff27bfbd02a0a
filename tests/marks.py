"""Parameters that only .ci/run tests, because the default run proves the same with other parameters."""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["slow"]


def slow(*values: Any) -> list[Any]:
    """Return the values as parameters with the mark `slow`."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]
