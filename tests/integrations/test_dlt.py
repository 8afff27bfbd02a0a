"""dlt resources on PostgreSQL and DuckDB."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.conftest import SIZES, exact_usd

pytestmark = [
    pytest.mark.engines,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR"),
]


class Warehouse:
    """A dlt pipeline to one destination, and queries of it."""

    def __init__(self, name: str, folder: Path, url: str) -> None:
        import dlt

        self.folder, self.name = folder, name
        destination = dlt.destinations.postgres(url) if name == "postgres" else dlt.destinations.duckdb(url)
        # A dataset of its own for each test: the server is shared.
        dataset = f"billing_{abs(hash(str(folder)))}"
        self.pipeline = dlt.pipeline(
            "billing", destination=destination, dataset_name=dataset, pipelines_dir=str(folder / "pipelines")
        )

    def load(self, *resources: Any) -> int:
        """Load resources and return how many packages were written."""
        return len(self.pipeline.run(list(resources)).loads_ids)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self.pipeline.sql_client() as client:
            return list(client.execute_sql(statement) or [])


@pytest.fixture(params=["postgres", "duckdb"])
def warehouse(request, tmp_path) -> Warehouse:
    url = request.getfixturevalue("postgres") if request.param == "postgres" else str(tmp_path / "billing.duckdb")
    return Warehouse(request.param, tmp_path, url)


def resources(file: Path, **options: Any) -> tuple[Any, Any]:
    from aiozbilling.integrations.dlt import history, top_ups

    return tuple(resource(file, rate_limit=None, **options) for resource in (top_ups, history))


def test_rows_arrive_with_exact_types_and_sums(warehouse, file, accounts):
    """Numbers are NUMERIC, times have a zone, days are DATE, and sums are exact to the last digit."""
    assert warehouse.load(*resources(file)) == 1
    found = warehouse.ask("SELECT account, count(*), sum(credit_usd) FROM top_ups GROUP BY account ORDER BY account")
    assert found == [(label, SIZES[label], exact_usd(accounts[label])) for label in ("eu", "us")]
    assert warehouse.ask("SELECT account, count(*), min(day) FROM history GROUP BY account ORDER BY account") == [
        (label, 30, min(dt.date.fromisoformat(row["date"][:10]) for row in accounts[label].history_rows()))
        for label in sorted(SIZES)
    ]
    types = dict(
        warehouse.ask(
            "SELECT column_name, lower(data_type) FROM information_schema.columns"
            " WHERE table_name IN ('top_ups', 'history') AND column_name IN ('day', 'created_at', 'credit_usd')"
        )
    )
    assert types["day"] == "date"
    assert types["created_at"] == "timestamp with time zone"
    assert types["credit_usd"].startswith(("numeric", "decimal(38,18)"))


def test_a_second_run_writes_only_new_rows(warehouse, file, accounts, simulator):
    """Without new rows, nothing is written; new rows are added, and corrected ones are updated."""
    accounts["us"].behaviour.credit_after_s = 1
    late = accounts["us"].add_top_ups(1)[0]
    warehouse.load(*resources(file))
    assert warehouse.load(*resources(file)) == 0
    (before,) = warehouse.ask(f"SELECT credit_usd FROM top_ups WHERE id = '{late}'")
    accounts["us"].credit_top_up(late)
    accounts["eu"].add_top_ups(25)
    simulator.advance(days=2)
    assert warehouse.load(*resources(file)) == 1
    (after,) = warehouse.ask(f"SELECT credit_usd FROM top_ups WHERE id = '{late}'")
    assert before[0] == 0 < after[0]
    assert warehouse.ask("SELECT account, count(*) FROM top_ups GROUP BY account ORDER BY account") == [
        ("eu", 1325),
        ("us", 41),
    ]
    assert warehouse.ask("SELECT count(*), count(DISTINCT day) FROM history WHERE account = 'us'") == [(32, 32)]


def test_rows_inserted_during_the_walk_are_neither_lost_nor_doubled(warehouse, file, accounts, simulator):
    """A list that grows with every page ends with each row once, after one more run."""
    simulator.behaviour.max_limit, simulator.behaviour.grow_per_request = 100, 7
    warehouse.load(*resources(file))
    simulator.behaviour.grow_per_request = 0
    warehouse.load(*resources(file))
    ids = [found for (found,) in warehouse.ask("SELECT id FROM top_ups WHERE account = 'eu'")]
    assert len(ids) == len(set(ids))
    assert set(ids) == set(accounts["eu"].top_up_ids())


def test_one_bad_account_becomes_a_row(warehouse, file, accounts):
    """A refused account is recorded in `failed_accounts`, and the others are loaded; `raise` loads nothing."""
    from dlt.pipeline.exceptions import PipelineStepFailed

    accounts["us"].is_revoked = True
    with pytest.raises(PipelineStepFailed, match="HTTP 401"):
        warehouse.load(*resources(file, on_error="raise"))
    warehouse.load(*resources(file))
    assert warehouse.ask("SELECT DISTINCT account, error FROM failed_accounts") == [("us", "AuthenticationError")]
    assert warehouse.ask("SELECT count(*) FROM top_ups") == [(1300,)]
    assert accounts["eu"].secret_key not in "".join(
        path.read_text(errors="replace") for path in warehouse.folder.glob("pipelines/**/*") if path.is_file()
    )


RUN = """
import os, sys
from aiozbilling.integrations.dlt import top_ups
import dlt
dlt.pipeline("billing", destination=dlt.destinations.duckdb(sys.argv[2]), dataset_name="billing",
             pipelines_dir=sys.argv[3]).run(top_ups(sys.argv[1], rate_limit=None))
os._exit(0)
"""


def test_killed_runs_resume(tmp_path, file, accounts, simulator):
    """A run that is killed while it reads, one that is killed after, and a run to the end leave each row once."""
    import duckdb

    simulator.behaviour.max_limit, simulator.behaviour.latency_s = 50, 0.02
    database = tmp_path / "killed.duckdb"
    arguments = [sys.executable, "-W", "ignore", "-c", RUN, str(file), str(database), str(tmp_path / "pipelines")]
    for killed_after in (10, 27):  # replies; there are 26 pages of one account
        served = len(simulator.requests)
        with subprocess.Popen(arguments) as process:
            while len(simulator.requests) < served + killed_after and process.poll() is None:
                time.sleep(0.005)
            process.kill()
        assert process.returncode in (-signal.SIGKILL, 0)  # a run that only has to write may be quicker
    assert subprocess.run(arguments, check=False).returncode == 0
    with duckdb.connect(str(database)) as connection:
        found = connection.execute("SELECT account, count(*), count(DISTINCT id) FROM billing.top_ups GROUP BY 1")
        assert sorted(found.fetchall()) == [("eu", 1300, 1300), ("us", 40, 40)]


def test_an_interrupted_run_ends(tmp_path, file, simulator):
    """The second Ctrl-C ends a run that waits for a server; dlt waits for the next rows after the first one."""
    simulator.fail("hang", times=1000)
    arguments = [sys.executable, "-W", "ignore", "-c", RUN, str(file), str(tmp_path / "x.duckdb"), str(tmp_path / "x")]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL) as process:
        try:
            while not simulator.in_flight and process.poll() is None:
                time.sleep(0.05)
            for _ in range(100):  # two that come while the machine is busy count as one
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.5)
                    break
            assert process.returncode not in (0, None)
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("options", "says"),
    [({"workers": 0}, "workers must be a whole number"), ({"on_error": "x"}, "'record' or 'raise'")],
)
def test_wrong_arguments_are_refused(options, says):
    """No worker would wait for rows forever, and each error says what the argument must be."""
    from aiozbilling import ConfigurationError

    with pytest.raises(ConfigurationError, match=says):
        resources(Path("accounts.toml"), **options)
