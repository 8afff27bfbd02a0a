"""Exports of many accounts to one dataset."""

from __future__ import annotations

import asyncio
import errno
import itertools
import json
import shutil
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from aiozbilling import (
    AuthenticationError,
    ConfigurationError,
    ExportError,
    ExportLockedError,
    NotSentError,
    SharedRateLimit,
)
from aiozbilling.fleet import FleetProgress, fleet
from aiozbilling.simulator import Account, Simulator
from aiozbilling.simulator.deposits import Deposits
from tests.fleet.fleets import accounts_file, ids_in, run
from tests.marks import slow

SIZES = {"eu": 130, "eu-west": 1, "us": 40, "empty": 0}


@pytest.fixture
async def simulator():
    async with Simulator(top_ups=5, days=3) as simulator:
        yield simulator


@pytest.fixture
def accounts(simulator: Simulator) -> dict[str, Account]:
    return {label: simulator.add_account(top_ups=size, days=20) for label, size in SIZES.items()}


@pytest.fixture
def file(tmp_path: Path, simulator: Simulator, accounts: dict[str, Account]) -> Path:
    return accounts_file(tmp_path / "etc", simulator, accounts)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


async def test_a_token_named_usd(file, out, accounts, monkeypatch):
    """The sum in USD and the sum of a token with the denomination "usd" are two figures."""
    encode = Deposits.encode
    monkeypatch.setattr(Deposits, "encode", lambda *row: encode(*row).replace("attoaioz", "usd"))
    outcome = (await run(file, out, only="us"))["us"]
    assert outcome.error is None
    assert outcome.usd == sum(Decimal(row["total_amount"]).scaleb(-18) for row in accounts["us"].top_up_rows())
    assert outcome.amounts == {"usd": sum(Decimal(row["amount"]["amount"]) for row in accounts["us"].top_up_rows())}


async def test_a_damaged_mark_of_unfinished_work_is_replaced(file, out):
    """If the file that says whose an unfinished export is has invalid bytes, the account is exported from the start."""
    mark = out / "_work/top_ups/eu/key"
    mark.parent.mkdir(parents=True)
    mark.write_bytes(b"\xff\xfe")
    outcomes = await run(file, out)
    assert {label: outcome.rows for label, outcome in outcomes.items()} == SIZES


async def test_a_summary_that_cannot_be_written_is_named(file, out, accounts):
    """If the summary can't be written, as on a full disk, the error names it, and the accounts are complete."""
    (out / "_fleet.json").mkdir(parents=True)  # a file can't replace a folder
    with pytest.raises(ExportError, match="_fleet.json: is a directory"):
        await run(file, out)
    (out / "_fleet.json").rmdir()
    assert [outcome.new_rows for outcome in (await run(file, out)).values()] == [0] * len(accounts)


async def test_each_account_has_its_rows(file, out, accounts):
    """The dataset holds each account's top-ups exactly, under its label, and the outcomes count and sum them."""
    outcomes = await run(file, out)
    assert ids_in(out) == {label: account.top_up_ids() for label, account in sorted(accounts.items())}
    assert {label: outcome.rows for label, outcome in outcomes.items()} == SIZES
    assert all(outcome.status == "complete" and outcome.error is None for outcome in outcomes.values())
    assert outcomes["eu"].tags == {"team": "storage"}
    usd = pq.read_table(out / "top_ups" / "account=eu", partitioning=None)["credit_usd"].to_pylist()
    assert outcomes["eu"].usd == sum(value for value in usd if value is not None)


async def test_the_dataset_is_read_with_the_partition_column(file, out):
    """The folder is one table for pyarrow and DuckDB, with the label in the text column `account`."""
    await run(file, out)
    table = pq.read_table(out)
    assert table.num_rows == sum(SIZES.values())
    assert set(table["account"].to_pylist()) == {"eu", "eu-west", "us"}
    rows = duckdb.sql(
        f"SELECT account, count(*) FROM read_parquet('{out}/top_ups/*/*.parquet', hive_partitioning = true)"
        " GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert rows == [("eu", 130), ("eu-west", 1), ("us", 40)]


async def test_both_lists_share_a_folder(file, out, accounts):
    """Top-ups and history share the folder, and the summary has the totals of both."""
    await run(file, out)
    outcomes = await run(file, out, "history")
    assert {outcome.rows for outcome in outcomes.values()} == {20}
    lists = json.loads((out / "_fleet.json").read_bytes())["lists"]
    assert (lists["top_ups"]["rows"], lists["history"]["rows"]) == (sum(SIZES.values()), 80)
    assert Decimal(lists["history"]["usd"]) == sum(outcome.usd for outcome in outcomes.values())


async def test_a_failed_account_does_not_stop_the_others(file, out, accounts):
    """An account that is refused has a failed outcome, the others are complete, and a rerun tries it again."""
    accounts["us"].is_revoked = True
    outcomes = await run(file, out)
    assert isinstance(outcomes["us"].error, AuthenticationError)
    assert {label for label, outcome in outcomes.items() if outcome.status == "complete"} == {"eu", "eu-west", "empty"}
    statuses = json.loads((out / "_fleet.json").read_bytes())["lists"]["top_ups"]["account"]
    assert statuses["us"]["status"] == "failed"
    assert "AuthenticationError" in statuses["us"]["error"]
    accounts["us"].is_revoked = False
    again = await run(file, out)
    assert (again["us"].status, again["us"].new_rows) == ("complete", 40)
    assert not list(out.glob("_work/*/*"))


async def test_a_rerun_skips_what_is_complete(file, out, simulator):
    """A second run sends no request and changes no file."""
    await run(file, out)
    simulator.requests.clear()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    outcomes = await run(file, out)
    assert simulator.requests == []
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")} == before
    assert {(outcome.status, outcome.new_rows) for outcome in outcomes.values()} == {("complete", 0)}
    assert outcomes["eu"].rows == SIZES["eu"]


async def test_a_missing_part_is_exported_again(file, out, accounts):
    """An account whose file was removed or truncated is exported again."""
    await run(file, out)
    (out / "top_ups/account=eu/part-00001.parquet").unlink()
    (out / "top_ups/account=us/part-00001.parquet").write_bytes(b"PAR1")
    await run(file, out)
    assert ids_in(out) == {label: account.top_up_ids() for label, account in sorted(accounts.items())}


async def test_a_run_that_is_left_early_resumes(file, out, accounts, simulator, tasks_left):
    """Leaving the iteration ends all requests and tasks; the next run completes the dataset."""
    simulator.behaviour.latency_s = 0.01
    simulator.behaviour.max_limit = 10
    async with aclosing(fleet(file, "top_ups", out, rate_limit=None)) as outcomes:
        async for _ in outcomes:
            break
    assert simulator.in_flight == 0
    assert await tasks_left() == []
    statuses = json.loads((out / "_fleet.json").read_bytes())["lists"]["top_ups"]["account"]
    assert {facts["status"] for facts in statuses.values()} & {"partial", "pending"}
    await run(file, out)
    assert ids_in(out) == {label: account.top_up_ids() for label, account in sorted(accounts.items())}


async def test_a_cancelled_run_resumes(file, out, accounts, simulator, tasks_left):
    """Cancelling the task leaves nothing running; partial accounts resume from their checkpoints."""
    simulator.behaviour.latency_s = 0.02
    simulator.behaviour.max_limit = 10
    seen = asyncio.Event()
    task = asyncio.create_task(run(file, out, on_progress=lambda progress: progress.rows > 60 and seen.set()))
    await seen.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await tasks_left() == []
    before = len(simulator.requests)
    simulator.behaviour.latency_s = 0
    await run(file, out)
    assert len(simulator.requests) - before < sum(SIZES.values()) // 9
    assert ids_in(out) == {label: account.top_up_ids() for label, account in sorted(accounts.items())}


async def test_an_account_revoked_in_the_middle_keeps_what_was_read(file, out, accounts, simulator):
    """A key that is revoked fails its account alone; the rows read before still count, and are not read again."""
    simulator.behaviour.max_limit = 10
    simulator.fail("http-401", times=1, path="topUp", account=accounts["eu"], after=5)
    seen: list[FleetProgress] = []
    outcomes = await run(file, out, workers=1, on_progress=seen.append)
    assert all(one.rows <= two.rows for one, two in itertools.pairwise(seen))
    assert [label for label, outcome in outcomes.items() if outcome.status == "failed"] == ["eu"]
    simulator.requests.clear()
    await run(file, out)
    assert len(simulator.requests) < 13
    assert ids_in(out)["eu"] == accounts["eu"].top_up_ids()


async def test_only_selects_by_label(file, out):
    """Patterns select labels, and one that fits none is an error."""
    assert set(await run(file, out, only=["eu*"])) == {"eu", "eu-west"}
    with pytest.raises(ConfigurationError, match="asia"):
        await run(file, out, only=["asia-*"])


async def test_two_labels_of_one_key_are_refused(tmp_path, simulator, accounts, out):
    """The same key in two files is found before any request."""
    file = accounts_file(tmp_path / "etc", simulator, {"one": accounts["eu"], "two": accounts["eu"]})
    with pytest.raises(ConfigurationError, match="'one' and 'two' have the same key"):
        await run(file, out)
    assert simulator.requests == []


@pytest.mark.parametrize("what", ["top_ups", "history"])
async def test_two_labels_of_one_account_are_refused(tmp_path, simulator, accounts, out, what):
    """Two keys whose rows are the same are found by their rows; the second one is not in the dataset."""
    file = accounts_file(tmp_path / "etc", simulator, {"one": accounts["eu"], "two": accounts["us"]})
    await run(file, out, what)
    other = accounts_file(tmp_path / "other", simulator, {"us": accounts["us"]})
    outcomes = await run(other, out, what)
    assert isinstance(outcomes["us"].error, ExportError)
    assert "'two'" in str(outcomes["us"].error)
    assert not (out / what / "account=us").exists()
    assert json.loads((out / "_fleet.json").read_bytes())["lists"][what]["account"]["us"]["status"] == "failed"


async def test_rows_of_another_account_in_a_later_run_are_refused(tmp_path, simulator, accounts, out):
    """An account without rows that has those of another account later is found by them."""
    empty = simulator.add_account(top_ups=0)
    file = accounts_file(tmp_path / "etc", simulator, {"eu": accounts["eu"], "new": empty})
    assert {one.status for one in (await run(file, out)).values()} == {"complete"}
    other = accounts_file(tmp_path / "other", simulator, {"new": accounts["eu"]})
    outcomes = await run(other, out, incremental=True)
    assert "'eu'" in str(outcomes["new"].error)
    assert not (out / "top_ups" / "account=new").exists()


async def test_a_missing_secret_fails_its_account_alone(file, out):
    """A secret that can't be read is the outcome of its account."""
    (file.parent / "us.key").unlink()
    outcomes = await run(file, out)
    assert isinstance(outcomes["us"].error, ConfigurationError)
    assert outcomes["eu"].status == "complete"


async def test_files_of_a_killed_run_are_removed(file, out):
    """A manifest or a summary that a killed run left half-written is removed by the next run."""
    (out / "_manifests").mkdir(parents=True)
    left = [out / "_manifests/eu.json.0123456789abcdef.tmp", out / "_fleet.json.0123456789abcdef.tmp"]
    for path in left:
        path.write_bytes(b"{")
    await run(file, out)
    assert not any(path.exists() for path in left)


async def test_one_fleet_writes_to_a_folder(file, out):
    """A second fleet on the same folder is refused while the first one runs."""
    async with aclosing(fleet(file, "top_ups", out, rate_limit=None)) as outcomes:
        await anext(outcomes)
        with pytest.raises(ExportLockedError, match=r"out: another process \(\d+\) is writing to this folder\. Wait"):
            await run(file, out)


async def test_another_format_needs_another_folder(file, out):
    """Nothing is exported as CSV into a folder with Parquet: not even an account that is not there yet."""
    await run(file, out, only=["us"])
    before = sorted(out.rglob("*"))
    with pytest.raises(ConfigurationError, match="has account 'us' as parquet: use another folder for csv"):
        await run(file, out, format="csv")
    assert sorted(out.rglob("*")) == before


@pytest.mark.parametrize("format_", ["csv", "jsonl", "sqlite"])
async def test_the_other_formats(file, out, format_):
    """Each format has its files under the same names."""
    await run(file, out, format=format_, only=["us"])
    assert (out / f"top_ups/account=us/part-00001.{format_}").stat().st_size > 1000


async def test_progress_counts_accounts_and_rows(file, out):
    """The last report has all accounts and all rows."""
    seen: list[FleetProgress] = []
    await run(file, out, on_progress=seen.append)
    assert seen[-1] == FleetProgress(accounts=4, done=4, failed=0, rows=sum(SIZES.values()))
    assert all(one.rows <= two.rows for one, two in itertools.pairwise(seen))


@pytest.mark.parametrize("options", [{"workers": 0}, {"format": "xml"}, {"what": "months"}])
async def test_wrong_arguments_are_refused_at_once(file, out, options):
    """Arguments are checked at the call, before the first outcome is awaited."""
    with pytest.raises(ConfigurationError):
        fleet(file, **{"what": "top_ups", "out": out} | options)


@pytest.mark.parametrize("order", ["newest_first", *slow("oldest_first")])
async def test_incremental_runs_add_new_rows_as_new_parts(file, out, accounts, simulator, order):
    """Each incremental run adds one part with the new rows alone, and none where there are none."""
    simulator.behaviour.order = order
    await run(file, out)
    first = (out / "top_ups/account=eu/part-00001.parquet").read_bytes()
    for number, new in enumerate((0, 3, 0, 150), 1):
        accounts["eu"].add_top_ups(new)
        accounts["empty"].add_top_ups(number % 2)
        outcomes = await run(file, out, incremental=True)
        assert [outcome.error for outcome in outcomes.values() if outcome.error is not None] == []
        assert outcomes["eu"].new_rows == new
        assert outcomes["eu"].rows == len(accounts["eu"].top_up_ids())
    parts = sorted((out / "top_ups/account=eu").iterdir())
    assert [path.name for path in parts] == [f"part-0000{number}.parquet" for number in (1, 2, 3)]
    assert parts[0].read_bytes() == first
    found = ids_in(out)
    assert {label: sorted(ids) for label, ids in found.items()} == {
        label: sorted(account.top_up_ids()) for label, account in accounts.items()
    }


async def test_an_incremental_history_has_the_latest_day_as_it_is(file, out, accounts, simulator):
    """The history is exported again, so that its current day is right and each day occurs once."""
    await run(file, out, "history")
    simulator.advance(days=2)
    outcomes = await run(file, out, "history", incremental=True)
    assert outcomes["us"].new_rows == 2
    usd = pq.ParquetFile(out / "history/account=us/part-00001.parquet").read()["total_amount_attousd"].to_pylist()
    assert usd == [Decimal(row["total_amount"]) for row in accounts["us"].history_rows()]


async def test_rows_added_elsewhere_cause_a_new_export(file, out, accounts):
    """If the server's count is higher than expected, the parts are replaced by one part with all rows."""
    gone = accounts["eu"].remove_top_up(100)
    await run(file, out)
    accounts["eu"].add_top_ups(2)
    await run(file, out, incremental=True)
    accounts["eu"].restore_top_up(gone)
    accounts["eu"].add_top_ups(1)
    await run(file, out, incremental=True)
    assert ids_in(out)["eu"] == accounts["eu"].top_up_ids()
    assert len(list((out / "top_ups/account=eu").iterdir())) == 1


async def test_a_rotated_key_continues_and_another_account_does_not(tmp_path, simulator, accounts, out):
    """A new key of the same account is accepted by its rows; the key of another account is refused."""
    await run(accounts_file(tmp_path / "etc", simulator, {"eu": accounts["eu"]}), out)
    simulator.requests.clear()
    file = accounts_file(tmp_path / "etc", simulator, {"eu": accounts["us"]})
    outcomes = await run(file, out)
    assert "none of the rows that were read before" in str(outcomes["eu"].error)
    assert ids_in(out)["eu"] == accounts["eu"].top_up_ids()
    manifest = json.loads((out / "_manifests/eu.json").read_bytes())
    assert accounts["eu"].secret_key not in json.dumps(manifest)
    assert len(manifest["lists"]["top_ups"]["key"]) == 32


async def test_accounts_with_equal_ids_are_different_accounts(tmp_path, simulator, out, monkeypatch):
    """Ids may be numbers from 1 on: two accounts are told apart by their rows, and so is a key of the other account."""
    monkeypatch.setattr(Deposits, "_id", lambda _deposits, serial, _digits: str(serial))
    accounts = {label: simulator.add_account(top_ups=20) for label in ("one", "two")}
    file = accounts_file(tmp_path / "etc", simulator, accounts)
    assert [one.status for one in (await run(file, out)).values()] == ["complete", "complete"]
    assert ids_in(out)["one"] == ids_in(out)["two"]
    accounts_file(tmp_path / "etc", simulator, {"one": accounts["two"]})
    outcome = (await run(file, out))["one"]
    assert "none of the latest top-ups is the same as in the dataset" in str(outcome.error)
    renamed = accounts_file(tmp_path / "renamed", simulator, {"three": accounts["two"]})
    assert "account 'three' has the same rows as account 'two'" in str((await run(renamed, out))["three"].error)


async def test_the_history_of_another_account_does_not_replace_an_account(tmp_path, simulator, accounts, out):
    """With the key of another account, each run refuses the history; with a new key of the same one, none does."""
    file = accounts_file(tmp_path / "etc", simulator, {"eu": accounts["eu"]})
    await run(file, out, "history")
    before = {path: path.read_bytes() for path in (out / "history").rglob("*.parquet")}
    accounts_file(tmp_path / "etc", simulator, {"eu": accounts["us"]})
    for incremental in (False, False, True):
        outcome = (await run(file, out, "history", incremental=incremental))["eu"]
        assert "none of the latest days with a cost is the same as in the dataset" in str(outcome.error)
        assert {path: path.read_bytes() for path in (out / "history").rglob("*.parquet")} == before
    (tmp_path / "etc" / "eu.token").write_text(accounts["eu"].token)
    file.write_text(f'[[account]]\nlabel = "eu"\nbase_url = "{simulator.url}"\ntoken = "file:eu.token"\n')
    simulator.advance(days=2)
    outcome = (await run(file, out, "history"))["eu"]
    assert (outcome.status, outcome.new_rows) == ("complete", 2)


@pytest.mark.parametrize(
    ("what", "path", "words"),
    [
        ("top_ups", "topUp", "none of the rows that were read before"),
        ("history", "historyUsage", "none of the latest days with a cost is the same"),
    ],
)
async def test_another_account_is_refused_if_an_export_was_resumed(
    tmp_path, simulator, accounts, out, what, path, words
):
    """After a resumed export, which did not read the first page again, another account is refused, too."""
    simulator.behaviour.max_limit = 10
    file = accounts_file(tmp_path / "etc", simulator, {"eu": accounts["eu"]})
    simulator.fail("http-401", times=1, path=path, account=accounts["eu"], after=1)
    assert [(await run(file, out, what))["eu"].status for _ in range(2)] == ["failed", "complete"]
    (part,) = (out / what).rglob("*.parquet")
    before = part.read_bytes()
    accounts_file(tmp_path / "etc", simulator, {"eu": accounts["us"]})
    outcome = (await run(file, out, what, incremental=True))["eu"]
    assert words in str(outcome.error)
    assert part.read_bytes() == before


async def test_a_history_without_checksums_continues_with_a_new_key(tmp_path, simulator, accounts, out):
    """A dataset whose manifest has no checksums of the history's rows, as an earlier version wrote it, continues."""
    file = accounts_file(tmp_path / "etc", simulator, {"eu": accounts["eu"]})
    await run(file, out, "history")
    path = out / "_manifests/eu.json"
    manifest = json.loads(path.read_bytes())
    manifest["lists"]["history"] |= {"latest": ""}
    path.write_text(json.dumps(manifest))
    (tmp_path / "etc" / "eu.token").write_text(accounts["eu"].token)
    file.write_text(f'[[account]]\nlabel = "eu"\nbase_url = "{simulator.url}"\ntoken = "file:eu.token"\n')
    outcome = (await run(file, out, "history"))["eu"]
    assert (outcome.status, outcome.new_rows) == ("complete", 0)
    assert json.loads(path.read_bytes())["lists"]["history"]["latest"]


async def test_a_file_that_the_manifest_does_not_list_is_removed(file, out, accounts):
    """A part that was named just before a crash is not read twice: the next run removes what is not listed."""
    await run(file, out)
    folder = out / "top_ups/account=eu"
    (folder / "part-00002.parquet").write_bytes((folder / "part-00001.parquet").read_bytes())
    await run(file, out)
    assert ids_in(out)["eu"] == accounts["eu"].top_up_ids()


async def test_the_log_names_the_account_of_each_call(file, out, caplog):
    """Each log record of a call carries the label from the accounts file."""
    caplog.set_level("DEBUG", "aiozbilling")
    await run(file, out)
    assert {record.account for record in caplog.records if hasattr(record, "account")} == set(SIZES)


async def test_a_shared_limit_holds_from_one_run_to_the_next(file, out, simulator, accounts, tmp_path):
    """Two runs, one after the other, with one SharedRateLimit keep one limit: the second one may not send."""
    limit = SharedRateLimit(tmp_path / "limits", 1, 3600)
    assert (await run(file, out, rate_limit=limit, only=["eu"]))["eu"].error is None
    refused = (await run(file, out, "history", rate_limit=limit, only=["eu"]))["eu"].error
    assert isinstance(refused, NotSentError)
    assert len(simulator.requests) == 1


@pytest.mark.parametrize("order", ["newest_first", *slow("oldest_first")])
@pytest.mark.parametrize("new", [0, 3])
async def test_a_top_up_that_is_credited_later_is_corrected(file, out, accounts, simulator, order, new):
    """An incremental run finds a deposit that was credited since, and exports its account again, but no others."""
    simulator.behaviour.order = order
    await run(file, out)
    accounts["eu"].add_top_ups(new)
    assert not any(outcome.is_rewritten for outcome in (await run(file, out, incremental=True)).values())
    waiting = [number for number, row in enumerate(accounts["eu"].top_up_rows()) if row and not row["status"]]
    credited = accounts["eu"].credit_top_up(waiting[-1 if order == "oldest_first" else 0])
    accounts["eu"].add_top_ups(new)
    outcomes = await run(file, out, incremental=True)
    assert {label for label, outcome in outcomes.items() if outcome.is_rewritten} == {"eu"}
    table = pq.read_table(out / "top_ups/account=eu", partitioning=None)
    assert dict(zip(table["id"].to_pylist(), table["status"].to_pylist(), strict=True))[credited] is True
    assert table["id"].to_pylist() == accounts["eu"].top_up_ids()


async def test_an_interrupted_incremental_run_adds_each_row_once(file, out, accounts, monkeypatch):
    """If an incremental run fails after it read its new rows, the next ones read again and add each row once."""
    await run(file, out)
    accounts["eu"].add_top_ups(45)
    with monkeypatch.context() as patched:
        patched.setattr("aiozbilling.export.job.publish", _full)
        assert (await run(file, out, incremental=True))["eu"].status == "failed"
    for new in (0, 0, 1):
        accounts["eu"].add_top_ups(new)
        assert (await run(file, out, incremental=True))["eu"].status == "complete"
        assert sorted(ids_in(out)["eu"]) == sorted(accounts["eu"].top_up_ids())


async def test_new_rows_of_a_failed_run_are_not_said_to_be_kept(file, out, accounts, simulator):
    """The next run reads the new rows of an incremental run again, so its error does not say that they are kept."""
    simulator.behaviour.max_limit = 20
    simulator.fail("http-401", path="topUp", account=accounts["us"], after=1)
    outcomes = await run(file, out)
    assert "20 rows were read and are kept" in outcomes["us"].error.__notes__[0]
    accounts["eu"].add_top_ups(400)
    simulator.fail("http-401", path="topUp", account=accounts["eu"], after=15)
    outcomes = await run(file, out, incremental=True)
    assert isinstance(outcomes["eu"].error, AuthenticationError)
    assert not hasattr(outcomes["eu"].error, "__notes__")


def _full(*_arguments: object, **_options: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_removed_row_causes_a_new_export(file, out, accounts):
    """A row that the provider removed is no longer in the dataset after the next incremental run."""
    await run(file, out)
    accounts["eu"].remove_top_up(100)
    outcomes = await run(file, out, incremental=True)
    assert (outcomes["eu"].is_rewritten, outcomes["eu"].rows) == (True, 129)
    assert ids_in(out)["eu"] == accounts["eu"].top_up_ids()


async def test_a_list_that_lost_most_rows_does_not_replace_the_dataset(file, out, accounts):
    """If more than half of the rows are missing, the account fails with a hint, and its rows stay."""
    await run(file, out)
    before = ids_in(out)["eu"]
    for _ in range(100):
        accounts["eu"].remove_top_up(20)
    outcomes = await run(file, out, incremental=True)
    assert "the list has 30 rows, but the dataset has 130" in str(outcomes["eu"].error)
    assert ids_in(out)["eu"] == before
    facts = json.loads((out / "_fleet.json").read_bytes())["lists"]["top_ups"]["account"]["eu"]
    assert facts["status"] == "failed"
    assert "remove this folder and run again" in facts["error"]
    shutil.rmtree(out / "top_ups/account=eu")
    assert (await run(file, out))["eu"].rows == 30


async def test_a_damaged_manifest_fails_its_account_alone(file, out, accounts):
    """If the manifest of an account is damaged, the others are exported, and its parts and its hint stay."""
    await run(file, out)
    before = ids_in(out)["eu"]
    accounts["us"].add_top_ups(3)
    (out / "_manifests/eu.json").write_text("{")
    outcomes = await run(file, out, incremental=True)
    assert "Remove it and the account's folders" in str(outcomes["eu"].error)
    assert [label for label, outcome in outcomes.items() if outcome.status == "failed"] == ["eu"]
    assert outcomes["us"].new_rows == 3
    assert ids_in(out)["eu"] == before
    (out / "_manifests/eu.json").unlink()
    assert (await run(file, out, incremental=True))["eu"].rows == 130


async def test_a_resumed_export_is_repeated_once(file, out, accounts, simulator):
    """After a resumed export, the next incremental run reads all rows again, and later ones read only new rows."""
    simulator.behaviour.max_limit = 10
    simulator.fail("http-401", times=1, path="topUp", account=accounts["eu"], after=5)
    await run(file, out, workers=1)
    await run(file, out)
    for requests in (13, 1):
        simulator.requests.clear()
        outcomes = await run(file, out, incremental=True, only=["eu"])
        assert len(simulator.requests) >= requests
        assert (outcomes["eu"].status, outcomes["eu"].rows) == ("complete", 130)
