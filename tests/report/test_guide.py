"""The guide's Python, which needs a ledger, as it is written in aiozbilling/report/README.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import aiozbilling
from aiozbilling import AiozBilling
from aiozbilling.export import sync
from aiozbilling.simulator import Simulator

GUIDE = Path(aiozbilling.__file__).parent / "report" / "README.md"


@pytest.mark.slow
async def test_the_guides_example_runs(tmp_path, monkeypatch):
    """The block writes both files from a ledger in the current folder."""
    monkeypatch.chdir(tmp_path)
    async with Simulator(days=60, top_ups=10) as simulator:
        keys = {"api_key": simulator.api_key, "secret_key": simulator.secret_key}
        async with AiozBilling(**keys, base_url=simulator.url, rate_limit=None) as billing:
            await sync(billing, "ledger.db", clock=lambda: simulator.now)
    (block,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    namespace: dict[str, object] = {}
    exec(block, namespace)
    assert {"report.html", "report.xlsx"} <= {path.name for path in tmp_path.iterdir()}
    assert "October 2026" in str(namespace["page"])
