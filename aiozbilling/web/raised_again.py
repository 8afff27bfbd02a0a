"""An error that several requests or subscribers raise."""

from __future__ import annotations

import copy

from aiozbilling.errors import AiozBillingError

__all__ = ["raised_again"]


def raised_again(error: BaseException) -> BaseException:
    """Return a copy of the error to raise: each raise of the same object would make its traceback longer."""
    return copy.copy(error) if isinstance(error, AiozBillingError) else error.with_traceback(None)
