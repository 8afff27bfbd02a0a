"""The pytest fixture `billing_simulator`: a running simulator, stopped when the test ends.

Nothing but pytest is loaded until a test asks for the fixture. It needs pytest-asyncio, in auto or in strict mode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiozbilling.simulator.server import Simulator

__all__ = ["billing_simulator"]

_MARK = "billing_simulator(**options): what the fixture billing_simulator passes to aiozbilling.simulator.Simulator"


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark for `--strict-markers`."""
    config.addinivalue_line("markers", _MARK)


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    marks = reversed(list(request.node.iter_markers("billing_simulator")))
    return {name: value for mark in marks for name, value in mark.kwargs.items()}


def _async_fixture(function: Callable[..., Any]) -> Any:
    try:
        import pytest_asyncio
    except ImportError:
        return pytest.fixture(_missing)
    return pytest_asyncio.fixture(function)


def _missing() -> None:
    pytest.fail("the fixture billing_simulator needs pytest-asyncio: pip install pytest-asyncio", pytrace=False)


@_async_fixture
async def billing_simulator(request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    """Serve the three billing APIs on a loopback port, with the options of `@pytest.mark.billing_simulator`."""
    from aiozbilling.simulator.server import Simulator

    async with Simulator(**_options(request)) as simulator:
        yield simulator
