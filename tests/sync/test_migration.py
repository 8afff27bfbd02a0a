"""Migration of a ledger from version 1 to version 2."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from aiozbilling import AiozBilling
from aiozbilling.export import sync
from aiozbilling.export.disk import Disk
from aiozbilling.simulator import Simulator
from aiozbilling.sync.migration import migrate
from aiozbilling.sync.schema import create_tables, opened
from aiozbilling.sync.verify import verify
from tests.sync.version_1 import SCHEMA_1

EXACT = {
    "top_ups": "account, id, created_at, updated_at, status, token, sender, recipient, cosmos_tx_hash, evm_tx_hash,"
    " event_index, block_number, amount, denom, total_amount_attousd, credit_attousd",
    "history": "account, date, total_storage_bytes, total_bandwidth_bytes, total_amount_attousd",
    "months": "account, day, read_at, total_storage_bytes, storage_usage_bytes, bandwidth_usage_bytes,"
    " storage_cost_attousd, bandwidth_cost_attousd",
    "accounts": "account, synced_at",
    "lists": "account, list, grows_at, total, known, place, unfinished",
}


def ledger_1(path: Path, top_ups: int = 300, days: int = 40) -> None:
    """Create a ledger of version 1 with random rows of two accounts."""
    choose = random.Random(top_ups)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(f"BEGIN;{SCHEMA_1}PRAGMA user_version = 1;COMMIT;")
        for account in ("main", "other"):
            database.execute("INSERT INTO accounts VALUES (?, '2026-10-01T00:00:00.000000Z')", (account,))
            database.execute(
                "INSERT INTO lists VALUES (?, 'top_ups', 'head', ?, '[\"id:a\"]', NULL, NULL)", (account, top_ups)
            )
            for number in range(top_ups):
                amount = choose.randrange(10**25)
                usd = f"{amount // 10**18}.{amount % 10**18:018}"
                database.execute(
                    "INSERT INTO top_ups VALUES (?, ?, ?, NULL, ?, ?, 'AIOZ', ?, 's', 'r', 'c', NULL, 1, NULL, ?,"
                    " 'attoaioz', NULL, ?)",
                    (
                        account,
                        f"{account}-{number}",
                        f"2026-09-{number % 30 + 1:02}T12:00:00.000000Z",
                        number % 7 > 0,
                        usd,
                        usd,
                        str(amount),
                        str(amount),
                    ),
                )
            for number in range(days):
                day = datetime(2026, 8, 1, tzinfo=UTC) + timedelta(days=number)
                database.execute(
                    "INSERT INTO history VALUES (?, ?, 5, 6, '1.5', '1500000000000000000')",
                    (account, f"{day:%Y-%m-%d}T00:00:00.000000Z"),
                )
            database.execute(
                "INSERT INTO months VALUES (?, '2026-08-31', '2026-08-31T09:00:00.000000Z', 1, 2, 3, '0.5', '0.25',"
                " '0.75', '500000000000000000', '250000000000000000')",
                (account,),
            )
        database.commit()


def exact_rows(path: Path) -> list[list[tuple[object, ...]]]:
    """Return all exact columns of a ledger of either version."""
    with closing(sqlite3.connect(path)) as database:
        return [
            database.execute(f"SELECT {names} FROM {table} ORDER BY 1, 2").fetchall() for table, names in EXACT.items()
        ]


def test_no_row_is_lost(tmp_path: Path) -> None:
    """Version 2 has all cells of version 1, rounded ones as numbers, and the ledger has no differences."""
    path = tmp_path / "b.sqlite"
    ledger_1(path)
    before = exact_rows(path)
    opened(Disk(), path).close()
    assert exact_rows(path) == before
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (2,)
        assert database.execute("SELECT count(*) FROM top_ups WHERE credit_usd > 1000").fetchone() == (
            sum(int(str(row[-1])) > 1000 * 10**18 for row in before[0]),
        )
        assert database.execute("SELECT DISTINCT day, substr(date, 1, 10) = day FROM history").fetchone()[1] == 1
        assert database.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'old%'").fetchall() == []
    assert verify(path).is_ok


@pytest.mark.parametrize("at", [0.0, 0.3, 0.6, 0.95])
def test_a_migration_that_fails_leaves_version_1(tmp_path: Path, at: float) -> None:
    """A failure during the migration changes nothing, and the next attempt succeeds."""
    path = tmp_path / "b.sqlite"
    ledger_1(path)
    before, steps = exact_rows(path), statements_of_migration(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        left = [int(steps * at)]

        def interrupt() -> int:
            left[0] -= 1
            return int(left[0] < 0)

        database.execute("BEGIN IMMEDIATE")
        database.set_progress_handler(interrupt, 100)
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            migrate(database, create_tables)
    assert exact_rows(path) == before
    opened(Disk(), path).close()
    assert exact_rows(path) == before
    assert verify(path).is_ok


def statements_of_migration(path: Path) -> int:
    """Count how often the progress handler is called in a whole migration."""
    calls = [0]

    def count() -> int:
        calls[0] += 1
        return 0

    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.set_progress_handler(count, 100)
        database.execute("BEGIN IMMEDIATE")
        migrate(database, create_tables)
        database.execute("ROLLBACK")
    return calls[0]


async def test_a_migrated_ledger_can_be_synced(tmp_path: Path) -> None:
    """Sync keeps the rows of version 1, adds new ones, and accepts the credentials."""
    path = tmp_path / "b.sqlite"
    async with Simulator(top_ups=40, days=20) as simulator:
        simulator.behaviour.credit_after_s = 1
        async with AiozBilling(
            api_key=simulator.api_key, secret_key=simulator.secret_key, base_url=simulator.url, rate_limit=None
        ) as billing:
            await sync(billing, tmp_path / "new.sqlite")
            as_version_1(tmp_path / "new.sqlite", path)
            simulator.account.add_top_ups(2)
            report = await sync(billing, path)
    assert (report.top_ups_new, report.top_ups_changed, report.top_ups) == (2, 0, 42)
    assert verify(path).is_ok


def as_version_1(source: Path, target: Path) -> None:
    """Copy the rows of a ledger of version 2 to one of version 1."""
    with closing(sqlite3.connect(target)) as database:
        database.executescript(f"BEGIN;{SCHEMA_1}PRAGMA user_version = 1;COMMIT;")
        database.execute("ATTACH ? AS new", (str(source),))
        for table in ("accounts", "lists", "top_ups", "history", "months"):
            names = ", ".join(row[1] for row in database.execute(f"PRAGMA main.table_info({table})"))
            database.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM new.{table}")
        database.create_function("whole", 1, lambda atto: None if atto is None else str(Decimal(atto).scaleb(-18)))
        database.execute(
            "UPDATE main.top_ups SET token_amount = whole(amount),"
            " credit_usd = whole(coalesce(credit_attousd, total_amount_attousd))"
        )
        database.execute("UPDATE main.history SET total_amount_usd = whole(total_amount_attousd)")
        database.commit()
