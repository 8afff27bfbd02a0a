"""An account of the simulator and its ledger."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiozbilling import AiozBilling
from aiozbilling.export import SyncReport, sync
from aiozbilling.simulator import Simulator
from tests.simulated import client_of

ORDERS = ("newest_first", "oldest_first")


class Synced:
    """An account, its simulator, and the database."""

    def __init__(self, simulator: Simulator, billing: AiozBilling, path: Path) -> None:
        self.simulator = simulator
        self.billing = billing
        self.path = path

    async def __call__(self, **options: Any) -> tuple[SyncReport, list[str]]:
        """Sync, and return the requested paths."""
        before = len(self.simulator.requests)
        report = await sync(self.billing, self.path, **options)
        return report, [request.path.rpartition("/")[2] for request in self.simulator.requests[before:]]

    def rows(self, statement: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            return database.execute(statement).fetchall()

    def check(self) -> None:
        """Compare the stored rows with those of the simulator."""
        assert {id_ for (id_,) in self.rows("SELECT id FROM top_ups")} == set(self.simulator.top_up_ids())
        served = {row["date"][:19]: row["total_amount"] for row in self.simulator.history_rows() if row}
        assert dict(self.rows("SELECT substr(date, 1, 19), total_amount_attousd FROM history")) == served


@asynccontextmanager
async def synced(path: Path, order: str = "newest_first", **sizes: int) -> AsyncIterator[Synced]:
    async with Simulator(**sizes) as simulator:
        simulator.behaviour.order = order  # type: ignore[assignment]
        simulator.behaviour.credit_after_s = (
            1  # otherwise one top-up in 16 is never credited, and every run reads it again
        )
        async with client_of(simulator) as billing:
            yield Synced(simulator, billing, path)
