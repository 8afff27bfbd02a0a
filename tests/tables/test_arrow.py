"""Cells as Arrow."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from aiozbilling.tables.arrow import batch_of_cells
from aiozbilling.tables.columns import Column

COLUMNS = (Column("usd", "decimal"), Column("attousd", "decimal", scale=0))
# pyarrow 26 turns these into 0 or another wrong number, without an error.
TINY = ("1E-57", "1.566200192189774624913144078777240025348E-36", "7.36703923364060157148796603719018436859345E-79")


@pytest.mark.parametrize("text", TINY)
def test_a_number_with_very_many_places_is_a_misfit(text: str) -> None:
    """The number is null in its column and exact in `misfits`; the rows next to it keep their numbers."""
    number = Decimal(text)
    batch = batch_of_cells(COLUMNS, [[number, Decimal("0.5"), None], [number, Decimal("0E-60"), Decimal(7)]], 3)
    first, second, third = batch.to_pylist()
    misfits = json.loads(first["misfits"])
    assert (first["usd"], first["attousd"]) == (None, None)
    assert (Decimal(misfits["usd"]), Decimal(misfits["attousd"])) == (number, number)
    assert (second["usd"], second["attousd"], second["misfits"]) == (Decimal("0.5"), Decimal(0), None)
    assert (third["usd"], third["attousd"], third["misfits"]) == (None, Decimal(7), None)


def test_a_small_number_that_fits_is_no_misfit() -> None:
    """A number whose text has an exponent is in its column if it fits."""
    batch = batch_of_cells(COLUMNS, [[Decimal("1E-18")], [Decimal("1E+20")]], 1)
    assert batch.to_pylist() == [{"usd": Decimal("1E-18"), "attousd": Decimal(10**20), "misfits": None}]


def test_small_numbers_that_add_up_to_zero_are_misfits() -> None:
    """A sum of 0 hides no number that the column can't hold, and a missing cell hides none either."""
    cells = [Decimal("1E-57"), Decimal("-1E-57"), None, Decimal("1E-57"), Decimal(5)]
    batch = batch_of_cells((Column("usd", "decimal"),), [cells], 5)
    assert batch["usd"].to_pylist() == [None, None, None, None, Decimal(5)]
    assert [text and Decimal(json.loads(text)["usd"]) for text in batch["misfits"].to_pylist()] == [*cells[:4], None]
