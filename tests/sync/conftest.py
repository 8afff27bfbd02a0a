"""Settings of all tests of the ledger."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses after which a list that seems empty is read again."""
    monkeypatch.setattr("aiozbilling.sync.incremental._PAUSES", (0.01, 0.02, 0.03))
