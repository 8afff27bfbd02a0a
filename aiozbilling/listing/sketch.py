"""A summary of a set that has the same size however large the set is, and shows how another set differs.

It is an invertible Bloom lookup table (Goodrich and Mitzenmacher, 2011). Each digest is added to five cells. If the
summaries of two sets are subtracted, only the digests remain that one of the sets lacks. A cell with a single digest
shows it. Removing that digest from its other cells leaves a single one in some of these, and so on.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable

import attrs

__all__ = ["Sketch"]

_PARTS, _PART = 5, 16  # each digest has a cell in each part; of 2,000 differences of 40 digests, 5 could not be read
_CELLS = _PARTS * _PART
_DIGEST_BITS, _CHECK_BITS = 64, 32
_VALUE_BYTES = (_DIGEST_BITS + _CHECK_BITS) // 8
_FACTOR = 0x9E3779B97F4A7C15  # odd, with bits that look random


@attrs.define(eq=False, repr=False)
class Sketch:
    """A summary of a set of digests, which are numbers of 64 bits.

    Attributes:
        counts: how many digests are in each cell.
        values: the exclusive or of the digests in each cell, each with its check number.
    """

    counts: list[int] = attrs.field(factory=lambda: [0] * _CELLS)
    values: list[int] = attrs.field(factory=lambda: [0] * _CELLS)

    @classmethod
    def of(cls, digests: Iterable[int]) -> Sketch:
        """Summarize digests."""
        sketch = cls()
        for digest in digests:
            sketch.change(digest, 1)
        return sketch

    @classmethod
    def from_text(cls, text: str) -> Sketch:
        """Read what `as_text` returned.

        Raises:
            ValueError: it is something else.
        """
        data = b64decode(text, validate=True)
        if len(data) != _CELLS * (1 + _VALUE_BYTES):
            raise ValueError("a sketch of another size")
        begins = range(_CELLS, len(data), _VALUE_BYTES)
        return cls(list(data[:_CELLS]), [int.from_bytes(data[begin : begin + _VALUE_BYTES]) for begin in begins])

    def as_text(self) -> str:
        """Return the sketch as 1388 characters."""
        counts = bytes(count & 255 for count in self.counts)
        return b64encode(counts + b"".join(value.to_bytes(_VALUE_BYTES) for value in self.values)).decode()

    def change(self, digest: int, by: int) -> None:
        """Add a digest (`by` is 1) or remove it (`by` is -1)."""
        value = _value(digest)
        for cell in _cells(digest):
            self.counts[cell] += by
            self.values[cell] ^= value

    def difference(self, other: Sketch) -> tuple[set[int], set[int]] | None:
        """Return the digests that only this set has, and those that only the other one has.

        None if they are too many to be read: more than about 40.
        """
        left = Sketch(
            [(one - two + 128) % 256 - 128 for one, two in zip(self.counts, other.counts, strict=True)],
            [one ^ two for one, two in zip(self.values, other.values, strict=True)],
        )
        found: dict[int, int] = {}
        waiting = list(range(_CELLS))
        while waiting:
            cell = waiting.pop()
            count, digest = left.counts[cell], left.values[cell] >> _CHECK_BITS
            if count not in (1, -1) or left.values[cell] != _value(digest) or cell not in _cells(digest):
                continue
            if digest in found:
                return None
            found[digest] = count
            left.change(digest, -count)
            waiting += _cells(digest)
        if any(left.counts) or any(left.values):
            return None
        return {digest for digest, count in found.items() if count > 0}, {
            digest for digest, count in found.items() if count < 0
        }


def _cells(digest: int) -> list[int]:
    return [part * _PART + (digest >> 4 * part) % _PART for part in range(_PARTS)]


def _value(digest: int) -> int:
    check = (digest * _FACTOR >> _DIGEST_BITS - _CHECK_BITS) & ((1 << _CHECK_BITS) - 1)
    return digest << _CHECK_BITS | check
