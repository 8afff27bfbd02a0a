"""Checks of numbers, durations and labels that users set."""

from __future__ import annotations

from typing import TypeGuard

from aiozbilling.errors import ConfigurationError

__all__ = ["checked_concurrency", "checked_seconds", "is_number", "refuse_bad_count", "refuse_bad_label"]


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is an int or a float. A bool is neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def refuse_bad_count(name: str, value: object, least: int = 1, why: str = "") -> None:
    """Raise an error if a value is not a whole number of at least `least`.

    Raises:
        ConfigurationError: the value is invalid.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{name} must be a whole number of at least {least}, not {value!r}{why}")


def checked_seconds(name: str, value: object, *, zero: bool = False) -> float:
    """Return a positive number of seconds as a float. 0 is accepted only if it is allowed.

    Raises:
        ConfigurationError: the value is invalid.
    """
    if not is_number(value) or not 0 <= value < 1e9 or (value == 0 and not zero):
        what = "a number of seconds of at least 0" if zero else "a positive number of seconds"
        raise ConfigurationError(f"{name} must be {what}, not {value!r}")
    return float(value)


def checked_concurrency(concurrency: object) -> int:
    """Check and return a number of requests at the same time.

    Raises:
        ConfigurationError: it is not a whole number of at least 1.
    """
    refuse_bad_count("concurrency", concurrency)
    return concurrency  # type: ignore[return-value]


def refuse_bad_label(account: object) -> None:
    """Raise an error if the label of an account is not a text, is blank, or can't be encoded in UTF-8.

    If an argument of a command is not UTF-8, Python's text of it has surrogates, which no file in UTF-8 can contain.

    Raises:
        ConfigurationError: the value is invalid.
    """
    try:
        if isinstance(account, str) and account.strip() and account.encode():
            return
    except UnicodeEncodeError:
        pass
    raise ConfigurationError(f"account must be a label in UTF-8, such as 'main', not {account!r}")
