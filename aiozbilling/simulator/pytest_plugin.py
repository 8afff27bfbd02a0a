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


def _refuse_other_loop(request: pytest.FixtureRequest) -> None:
    """Fail a test in another event loop than the fixture's: its requests would hang."""
    mark = request.node.get_closest_marker("asyncio")
    if mark is None:
        return
    try:
        of_test = mark.kwargs.get("loop_scope") or request.config.getini("asyncio_default_test_loop_scope")
        of_fixture = request.config.getini("asyncio_default_fixture_loop_scope") or "function"
    except ValueError:  # pytest-asyncio before 0.26 lacks a setting
        return
    if of_test != of_fixture:
        pytest.fail(
            f"the test runs in the event loop of its {of_test}, and the fixture billing_simulator in that of its "
            f"{of_fixture}: set asyncio_default_fixture_loop_scope = {of_test} in the configuration of pytest",
            pytrace=False,
        )


def _missing() -> None:
    pytest.fail("the fixture billing_simulator needs pytest-asyncio: pip install pytest-asyncio", pytrace=False)


@_async_fixture
async def billing_simulator(request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    """Serve the three billing APIs on a loopback port, with the options of `@pytest.mark.billing_simulator`."""
    from aiozbilling.simulator.server import Simulator

    _refuse_other_loop(request)
    async with Simulator(**_options(request)) as simulator:
        yield simulator
