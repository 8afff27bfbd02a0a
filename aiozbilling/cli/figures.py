"""Numbers and times as people read them; exact, or with a mark that says that they are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal

__all__ = ["NOTHING", "aligned", "cut", "exact", "moment", "percent", "shortened", "size", "size_in_gb", "sum_of"]

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
NOTHING = "–"  # noqa: RUF001 - an en dash, not a minus


def exact(number: Decimal | int | None) -> str:
    """Write every digit, thousands grouped, no zeros at the end: ``1,234.5``."""
    if number is None:
        return NOTHING
    text = format(number, ",f") if isinstance(number, Decimal) else f"{number:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cut(text: str, places: int) -> str:
    """Cut a number's fraction, where it is longer, and mark that by ``…``."""
    whole, _, fraction = text.partition(".")
    return text if len(fraction) <= places else f"{whole}.{fraction[:places]}…"


def aligned(texts: Sequence[str]) -> list[str]:
    """Add blanks so that the points stand below each other when the texts are set to the right."""
    fractions = [len(text) - text.index(".") if "." in text else 0 for text in texts]
    longest = max(fractions, default=0)
    return [text + " " * (longest - fraction) for text, fraction in zip(texts, fractions, strict=True)]


def sum_of(numbers: Iterable[Decimal | None]) -> Decimal:
    """Add up what is known, without rounding."""
    result = Decimal(0)
    for number in numbers:
        if number is not None:
            result = _EXACT.add(result, number)
    return result


def size(count: int) -> str:
    """Write bytes rounded to four digits: ``527.3 GiB``."""
    return _scaled(count, 1024, _BINARY)


def size_in_gb(count: int) -> str:
    """Write bytes rounded to four digits: ``566.2 GB``."""
    return _scaled(count, 1000, _DECIMAL)


def percent(share: Decimal | float | None) -> str:
    """Write a percentage rounded to a tenth."""
    return NOTHING if share is None else f"{share:,.1f} %"


def shortened(text: str, head: int = 8, tail: int = 4) -> str:
    """Keep the beginning and the end of a hash or an address: ``aioz1qpz…4k7u``."""
    return text if len(text) <= head + tail + 1 else f"{text[:head]}…{text[-tail:]}"


def moment(time: datetime | None) -> str:
    """Write a time in UTC to the second."""
    return NOTHING if time is None else f"{time:%Y-%m-%d %H:%M:%S}"


def _scaled(count: int, step: int, units: tuple[str, ...]) -> str:
    number, power = float(count), 0
    while abs(number) >= step and power < len(units) - 1:
        number, power = number / step, power + 1
    return f"{count} B" if power == 0 else f"{number:.{max(0, 4 - len(str(int(abs(number)))))}f} {units[power]}"
