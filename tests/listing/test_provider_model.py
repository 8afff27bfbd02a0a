"""Follow against a model of a provider that misbehaves, in virtual time."""

from __future__ import annotations

import logging

import pytest

from tests.listing.model_provider import trial


@pytest.mark.parametrize("block", range(4))
def test_no_row_twice_none_lost_no_old_row(block: int, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the list does, each new row comes once and no old one, or one of our errors is raised."""
    caplog.set_level(logging.CRITICAL)
    ended = {trial(seed) for seed in range(25 * block, 25 * (block + 1))}
    assert "complete" in ended


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_more_seeds(caplog: pytest.LogCaptureFixture) -> None:
    """The same for five hundred other seeds."""
    caplog.set_level(logging.CRITICAL)
    ended = [trial(seed) for seed in range(1000, 1500)]
    assert ended.count("complete") > 250
