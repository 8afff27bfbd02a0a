"""A client of the simulator, and shared answers that are closed at the end."""

from __future__ import annotations

import asyncio
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


class Provider:
    """A fetch that is counted and can be slow, fail or hang."""

    def __init__(self) -> None:
        self.calls = 0
        self.running = 0
        self.seconds = 0.0
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.calls += 1
        self.running += 1
        answer = self.calls
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.running -= 1
        if self.error is not None:
            raise self.error
        return answer


@pytest.fixture
def provider() -> Provider:
    """Answer with the number of the call."""
    return Provider()
