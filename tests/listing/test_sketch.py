"""A summary of a set that shows how another set differs."""

from __future__ import annotations

import random

import pytest

from aiozbilling.listing.sketch import Sketch

CHOOSE = random.Random(7)


def digests(count: int) -> set[int]:
    return {CHOOSE.getrandbits(64) for _ in range(count)}


@pytest.mark.parametrize(("removed", "added"), [(0, 0), (1, 0), (0, 1), (12, 20), (0, 32), (32, 0)])
@pytest.mark.parametrize("common", [0, 1, 5000])
def test_a_small_difference_is_exact(common: int, removed: int, added: int) -> None:
    """Up to 32 digests in which two sets differ are found, however large the sets are."""
    both, before, after = digests(common), digests(removed), digests(added)
    kept = Sketch.from_text(Sketch.of(both | before).as_text())
    assert kept.difference(Sketch.of(both | after)) == (before, after)


def test_a_large_difference_is_refused_or_exact() -> None:
    """Sets that differ by more than the summary can show give None, and never a wrong answer."""
    refused = 0
    for size in (*range(33, 90), 200, 300, 5000):
        before, after = digests(size), digests(size // 2)
        found = Sketch.of(before).difference(Sketch.of(after))
        refused += found is None
        assert found in (None, (before, after))
    assert refused > 30


def test_what_was_added_can_be_taken_away() -> None:
    """A summary from which digests were removed is the same as one that never had them."""
    sketch, kept, gone = Sketch(), digests(400), digests(400)
    for digest in (*kept, *gone):
        sketch.change(digest, 1)
    for digest in gone:
        sketch.change(digest, -1)
    assert sketch.as_text() == Sketch.of(kept).as_text()


@pytest.mark.parametrize("text", ["", "AAAA", "?", "A" * 1384, "A" * 1392])
def test_what_is_no_summary_is_refused(text: str) -> None:
    """A text of another length or alphabet is a ValueError."""
    with pytest.raises(ValueError, match=r"sketch|base64|padding|alphabet"):
        Sketch.from_text(text)
