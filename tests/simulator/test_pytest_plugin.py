"""The fixture `billing_simulator` works in other people's projects."""

from __future__ import annotations

import subprocess
import sys

import aiohttp
import pytest


async def test_the_fixture_is_a_running_simulator(billing_simulator):
    """A test that asks for the fixture has a server to talk to."""
    async with aiohttp.ClientSession() as session, session.get(billing_simulator.url) as response:
        assert response.status == 404


@pytest.mark.billing_simulator(top_ups=3, seed=9)
async def test_the_mark_passes_options(billing_simulator):
    """`@pytest.mark.billing_simulator(...)` sets the simulator's options."""
    assert len(billing_simulator.top_up_rows()) == 3
    assert billing_simulator.seed == 9


SAMPLE = """
import aiohttp
import pytest

{mark}
async def test_sample(billing_simulator):
    async with aiohttp.ClientSession() as session, session.get(billing_simulator.url) as response:
        assert response.status == 404
"""


def run_pytest(folder, mark, *arguments):
    """Run pytest in a folder of its own, with warnings as errors."""
    (folder / "test_sample.py").write_text(SAMPLE.format(mark=mark))
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=60)


@pytest.mark.slow  # the tests of this project use the fixture in auto mode themselves
@pytest.mark.parametrize(("mode", "mark"), [("strict", "@pytest.mark.asyncio"), ("auto", "")])
def test_both_modes_of_pytest_asyncio_work(tmp_path, mode, mark):
    """A project of its own passes its test in either mode."""
    run = run_pytest(tmp_path, mark, f"--asyncio-mode={mode}", "--strict-markers")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout


@pytest.mark.slow
def test_a_test_in_another_event_loop_is_told_what_to_set(tmp_path):
    """A test whose requests would wait forever fails at once, and says which setting is missing."""
    run = run_pytest(tmp_path, '@pytest.mark.asyncio(loop_scope="session")', "--asyncio-mode=strict")
    assert "asyncio_default_fixture_loop_scope = session" in run.stdout
    setting = ("-o", "asyncio_default_fixture_loop_scope=session")
    run = run_pytest(tmp_path, '@pytest.mark.asyncio(loop_scope="session")', "--asyncio-mode=strict", *setting)
    assert "1 passed" in run.stdout, run.stdout


def test_without_pytest_asyncio_the_fixture_says_what_is_missing(monkeypatch):
    """The fixture fails and shows the install command."""
    from aiozbilling.simulator import pytest_plugin

    monkeypatch.setitem(sys.modules, "pytest_asyncio", None)
    fixture = pytest_plugin._async_fixture(lambda: None)
    assert type(fixture).__name__ == "FixtureFunctionDefinition"
    with pytest.raises(pytest.fail.Exception, match="pip install pytest-asyncio"):
        pytest_plugin._missing()
