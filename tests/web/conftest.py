"""A client of the simulator, and shared answers that are closed at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aiozbilling import AiozBilling
from aiozbilling.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """Serve two accounts."""
    async with Simulator(seed=11, accounts=2, top_ups=30, days=20) as simulator:
        yield simulator


@pytest.fixture
async def billing(simulator: Simulator) -> AsyncIterator[AiozBilling]:
    """Read the first account."""
    async with AiozBilling(
        api_key=simulator.api_key, secret_key=simulator.secret_key, base_url=simulator.url
    ) as billing:
        yield billing
