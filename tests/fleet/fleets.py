"""Accounts files for a simulator's accounts, and the rows of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from aiozbilling.fleet import Outcome, fleet
from aiozbilling.simulator import Account, Simulator


def accounts_file(folder: Path, simulator: Simulator, accounts: dict[str, Account]) -> Path:
    """Write an accounts file whose secrets are in files beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for label, account in accounts.items():
        (folder / f"{label}.key").write_text(account.api_key + "\n")
        (folder / f"{label}.secret").write_text(account.secret_key + "\n")
        lines += [
            "[[account]]",
            f'label = "{label}"',
            f'base_url = "{simulator.url}"',
            f'api_key = "file:{label}.key"',
            f'secret_key = "file:{label}.secret"',
            'tags = { team = "storage" }',
            "",
        ]
    path = folder / "accounts.toml"
    path.write_text("\n".join(lines))
    return path


async def run(accounts: Any, out: Path, what: Any = "top_ups", **options: Any) -> dict[str, Outcome]:
    """Run a fleet and return the outcomes by label."""
    options = {"rate_limit": None} | options
    return {outcome.account: outcome async for outcome in fleet(accounts, what, out, **options)}


def ids_in(out: Path) -> dict[str, list[str]]:
    """Return the ids of each account's top-ups, part by part in the order of the parts."""
    return {
        folder.name.partition("=")[2]: [
            id_
            for part in sorted(folder.glob("*.parquet"))
            for id_ in pq.ParquetFile(part).read(["id"])["id"].to_pylist()
        ]
        for folder in sorted((out / "top_ups").iterdir())
    }
