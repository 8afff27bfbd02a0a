"""The Spark data source in a local session."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.fleets import run
from tests.integrations.conftest import SIZES, exact_usd

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Start a local session with two cores, an event log and its web pages."""
    from pyspark.sql import SparkSession

    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    log = tmp_path_factory.mktemp("events")
    session = (
        SparkSession.builder.master("local[2,3]")  # a task may fail twice
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.eventLog.enabled", "true")
        .config("spark.eventLog.dir", log.as_uri())
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    from aiozbilling.integrations.spark import BillingSource

    session.dataSource.register(BillingSource)
    session.event_log = log
    try:
        yield session
    finally:
        session.stop()


def table(spark: Any, file: Path, name: str, **options: Any) -> Any:
    options = {"accountsPerPartition": 1, "rateLimit": "none"} | options
    return spark.read.format("aiozbilling").options(table=name, accounts=str(file), **options).load()


def test_the_tables_have_exact_types_and_sums(spark, file, accounts):
    """Top-ups, history and months have decimals, timestamps in UTC and dates, and sums to the last digit."""
    found = table(spark, file, "top_ups").groupBy("account").agg({"credit_usd": "sum", "*": "count"})
    sums = {row[0]: (row["count(1)"], row["sum(credit_usd)"]) for row in found.collect()}
    assert sums == {label: (SIZES[label], exact_usd(accounts[label])) for label in ("eu", "us")}
    days = table(spark, file, "history")
    assert dict(days.dtypes)["day"] == "date"
    assert days.filter("account = 'empty'").count() == 30
    assert isinstance(days.first()["day"], dt.date)
    assert {row["account"] for row in table(spark, file, "months").collect()} == set(SIZES)


def test_an_accounts_file_without_aioz_has_no_rows(spark, tmp_path):
    """The tables have no rows if all accounts are of other systems."""
    other = tmp_path / "others.toml"
    other.write_text('[[account]]\nlabel = "cu"\nsystem = "b3os"\norganization = "org_1"\ntoken = "env:UNUSED"\n')
    assert [table(spark, other, name).collect() for name in ("top_ups", "outcomes")] == [[], []]


def test_a_dataset_of_a_fleet_has_its_partition_column_types_and_sums(spark, file, accounts, tmp_path):
    """`spark.read.parquet` finds every row under its label, exact decimals and timestamps."""
    asyncio.run(run(file, tmp_path / "out"))
    frame = spark.read.parquet(str(tmp_path / "out/top_ups"))
    types = dict(frame.dtypes)
    assert (types["account"], types["credit_usd"], types["created_at"]) == ("string", "decimal(38,18)", "timestamp")
    found = frame.groupBy("account").agg({"credit_usd": "sum", "*": "count"}).collect()
    sums = {row[0]: (row["count(1)"], row["sum(credit_usd)"]) for row in found}
    assert sums == {label: (SIZES[label], exact_usd(accounts[label])) for label in ("eu", "us")}


def test_one_bad_account_becomes_an_outcome(spark, file, accounts, simulator):
    """With onError=record a refused account has no rows and its error in `outcomes`; with raise the job fails."""
    accounts["us"].is_revoked = True
    rows = table(spark, file, "top_ups", onError="record", accountsPerPartition=50)
    assert {(row["account"], row["count"]) for row in rows.groupBy("account").count().collect()} == {("eu", 1300)}
    outcomes = table(spark, file, "outcomes").collect()
    failed = {(row["account"], row["error"]) for row in outcomes if row["status"] == "failed"}
    assert failed == {("us", "AuthenticationError")}
    assert {(row["account"], row["rows"]) for row in outcomes if row["list"] == "top_ups" and not row["error"]} == {
        ("eu", 1300),
        ("empty", 0),
    }
    with pytest.raises(Exception, match="HTTP 401"):
        table(spark, file, "top_ups").count()


def test_no_secret_is_in_plans_logs_pages_or_errors(spark, file, accounts):
    """Canary keys are in no plan, event log, web page or error, and an option that may be a secret is refused."""
    canaries = [secret for account in accounts.values() for secret in (account.api_key, account.secret_key)]
    accounts["us"].is_revoked = True
    frame = table(spark, file, "top_ups", onError="record")
    frame.count()
    texts = [frame._jdf.queryExecution().toString()]
    for options in ({"api_key": canaries[0]}, {"token": canaries[1]}, {"onError": canaries[2]}):
        with pytest.raises(Exception, match="option") as caught:
            table(spark, file, "top_ups", **options).count()
        texts.append(str(caught.value))
    with pytest.raises(Exception, match="401") as caught:
        table(spark, file, "top_ups").count()
    texts.append(str(caught.value))
    for page in ("jobs/", "stages/", "environment/", "SQL/", "executors/"):
        with urllib.request.urlopen(f"{spark.sparkContext.uiWebUrl}/{page}") as reply:
            texts.append(reply.read().decode())
    texts += [path.read_text(errors="replace") for path in spark.event_log.rglob("*") if path.is_file()]
    assert len(texts) > 8
    assert [text[:200] for text in texts for canary in canaries if canary in text] == []


def test_a_stream_returns_only_new_rows(spark, file, accounts, tmp_path):
    """With availableNow, each run writes the rows that were added since the last one."""

    def run() -> list[str]:
        stream = spark.readStream.format("aiozbilling").options(table="top_ups", accounts=str(file), rateLimit="none")
        query = stream.load().writeStream.format("parquet").option("path", str(tmp_path / "stream"))
        query = query.option("checkpointLocation", str(tmp_path / "checkpoint")).trigger(availableNow=True).start()
        query.awaitTermination(120)
        assert query.exception() is None
        return [row["id"] for row in spark.read.parquet(str(tmp_path / "stream")).select("id").collect()]

    assert len(run()) == 1340
    accounts["us"].add_top_ups(5)
    accounts["empty"].add_top_ups(1)
    assert len(run()) == 1346
    accounts["us"].add_top_ups(2)
    ids = run()
    assert sorted(ids) == sorted(id_ for label in SIZES for id_ in accounts[label].top_up_ids())


@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
def test_a_batch_is_replayed_with_the_same_rows(file, accounts, simulator, order):
    """The rows between two offsets are read again, although more rows were added since."""
    from aiozbilling.integrations.spark import BillingSource

    simulator.behaviour.order = order
    options = {"table": "top_ups", "accounts": str(file), "rateLimit": "none"}
    stream = BillingSource(options).simpleStreamReader(None)
    offset = stream.initialOffset()
    batches = []
    for _ in range(3):
        rows, end = stream.read(offset)
        batches.append((offset, end, sorted(rows)))
        offset = end
        accounts["us"].add_top_ups(3)
        accounts["empty"].add_top_ups(40)
    assert [len(rows) for _, _, rows in batches] == [1340, 43, 43]
    for start, end, rows in batches:
        assert sorted(stream.readBetweenOffsets(start, end)) == rows


def test_a_killed_worker_leaves_exact_rows(spark, file, accounts, simulator):
    """A Python worker that is killed in the middle has its task run again, and each row comes once."""
    simulator.behaviour.max_limit = 50
    simulator.fail("hang", times=1000, after=10)
    before = len(simulator.requests)
    killed: list[int] = []

    def kill() -> None:
        deadline = time.monotonic() + 100
        while len(simulator.requests) < before + 11 and time.monotonic() < deadline:
            time.sleep(0.02)
        simulator.forgive()
        for process in workers():
            os.kill(process, signal.SIGKILL)
            killed.append(process)

    thread = threading.Thread(target=kill)
    thread.start()
    rows = table(spark, file, "top_ups").select("id").collect()
    thread.join()
    assert killed
    assert sorted(row["id"] for row in rows) == sorted(id_ for label in SIZES for id_ in accounts[label].top_up_ids())


def workers() -> list[int]:
    """Return the Python workers of this session: children of daemons that descend from this process."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            parents[int(status.parent.name)] = (int(fields[1]), (status.parent / "cmdline").read_bytes())
        except OSError:
            continue

    def is_ours(process: int) -> bool:
        while process in parents and process != os.getpid():
            process = parents[process][0]
        return process == os.getpid()

    daemons = {one for one, (_, command) in parents.items() if b"pyspark.daemon" in command and is_ours(one)}
    return [one for one, (parent, _) in parents.items() if parent in daemons and one in daemons]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"table": "invoices"}, "must be one of"),
        ({"accountsPerPartition": "0"}, "at least 1"),
        ({"rateLimit": "fast"}, "180/60"),
        ({"onError": "skip"}, "'raise' or 'record'"),
        ({"accounts": None}, "'accounts'"),
    ],
)
def test_wrong_options_are_refused(tmp_path, options, says):
    """Each wrong option has a message that says what it must be."""
    from aiozbilling import ConfigurationError
    from aiozbilling.integrations.spark import BillingSource

    given = {"table": "top_ups", "accounts": "accounts.toml"} | options
    with pytest.raises(ConfigurationError, match=says):
        BillingSource({name: value for name, value in given.items() if value is not None})
