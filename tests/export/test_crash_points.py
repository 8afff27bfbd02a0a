"""Power cuts and failures at every step of an export, on a disk that loses what was not synced."""

from __future__ import annotations

import errno
import json
import random
from hashlib import sha256
from pathlib import Path

import pytest

from aiozbilling import ExportError
from aiozbilling.export.job import Job
from aiozbilling.export.manifest import ExportReport
from aiozbilling.export.span import Span
from tests.export.export_lists import listing_of, top_ups
from tests.export.forgetful_disk import ForgetfulDisk, Inode, PowerCut

FORMATS = ("csv", "jsonl", "parquet")
# CSV and JSON Lines differ in their texts only: what is long is done for one of them by default.
SLOW_FORMATS = ("jsonl", *(pytest.param(form, marks=pytest.mark.slow) for form in ("csv", "parquet")))
ROWS = top_ups(17)
FOLDER = Path("/exports")


@pytest.fixture(autouse=True)
def _every_page_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiozbilling.export.saver._LONGEST_WAIT_S", 0.0)


def final(form: str) -> Path:
    return FOLDER / f"t.{form}"


async def run(disk: ForgetfulDisk, form: str, *, overwrite: bool = False) -> ExportReport | None:
    """Export; None if the file was complete already and all before it was done."""
    job = Job(listing_of(ROWS), final(form), None, Span(), overwrite=overwrite, disk=disk, clock=lambda: 0.0)
    try:
        return await job.run(lambda progress: None)
    except ExportError as error:
        if error.reason == "the file exists" and set(disk.entries) == {f"t.{form}", f"_t.{form}.manifest.json"}:
            return None
        raise


async def whole(form: str) -> tuple[bytes, list[str]]:
    """Export without a disturbance, and tell the file and the steps."""
    disk = ForgetfulDisk()
    await run(disk, form)
    return disk.content(final(form)) or b"", disk.steps


def check(disk: ForgetfulDisk, form: str, content: bytes) -> None:
    """Find on the platters the file as without a disturbance, its manifest, and nothing else."""
    survivor = disk.after_power_cut(random.Random(0))
    assert set(survivor.entries) == {f"t.{form}", f"_t.{form}.manifest.json"}
    assert survivor.content(final(form)) == content
    manifest = json.loads(survivor.content(FOLDER / f"_t.{form}.manifest.json") or b"")
    assert manifest["rows"] == len(ROWS)
    assert manifest["sha256"] == sha256(content).hexdigest()
    assert manifest["sums"]["usd"] == str(sum(row.credit_usd or 0 for row in ROWS)).rstrip("0")


def nothing_half_done(disk: ForgetfulDisk, form: str, content: bytes, *others: bytes) -> None:
    """Under the final name is nothing, or all."""
    assert disk.content(final(form)) in (None, content, *others)


@pytest.mark.parametrize("form", SLOW_FORMATS)
async def test_a_power_cut_at_any_step_loses_nothing(form: str) -> None:
    """After a cut at each step, whatever of the unsynced survives, the next run completes the same file."""
    content, steps = await whole(form)
    assert len(steps) > 40
    for cut_at in range(len(steps)):
        for luck in range(2 if form == "parquet" else 6):
            disk = ForgetfulDisk()
            disk.cut_at = cut_at
            with pytest.raises(PowerCut):
                await run(disk, form)
            found = disk.after_power_cut(random.Random(luck * 1000 + cut_at))
            nothing_half_done(found, form, content)
            await run(found, form)
            check(found, form, content)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("cuts", [pytest.param(60), pytest.param(400, marks=pytest.mark.slow)])
async def test_power_cuts_one_after_another_lose_nothing(form: str, cuts: int) -> None:
    """Runs that are cut again and again, at any step, still end in the same file."""
    content, steps = await whole(form)
    choose = random.Random(form)
    disk = ForgetfulDisk()
    for _ in range(cuts):
        disk.cut_at = choose.randrange(len(steps))
        try:
            await run(disk, form)
        except PowerCut:
            disk = disk.after_power_cut(choose)
            nothing_half_done(disk, form, content)
            continue
        check(disk, form, content)
        disk = ForgetfulDisk()
    disk.cut_at = None
    await run(disk, form)
    check(disk, form, content)


@pytest.mark.parametrize("form", SLOW_FORMATS)
@pytest.mark.parametrize("failure", [errno.ENOSPC, errno.EIO])
async def test_a_failure_of_any_step_stops_and_loses_nothing(form: str, failure: int) -> None:
    """Each write, fsync, rename and open that fails is reported once; the next run completes the same file.

    Also where the power goes in that next run: a failed fsync has left bytes that are read back, but are not there.
    """
    content, steps = await whole(form)
    choose = random.Random(failure)
    for fail_at in range(len(steps)):
        disk = ForgetfulDisk()
        disk.fail_at, disk.failure = fail_at, failure
        with pytest.raises(ExportError, match="run the same export again"):
            await run(disk, form)
        nothing_half_done(disk, form, content)
        assert not any(name.endswith(".tmp") for name in disk.entries)
        disk.fail_at, disk.cut_at = None, len(disk.steps) + choose.randrange(len(steps))
        try:
            if await run(disk, form) is None:  # all was done, but the last removal is not known to be on the platters
                disk = disk.after_power_cut(choose)
                await run(disk, form)
        except PowerCut:
            disk = disk.after_power_cut(choose)
            await run(disk, form)
        check(disk, form, content)


@pytest.mark.parametrize("form", FORMATS)
async def test_short_writes_are_gone_on_with(form: str) -> None:
    """A disk that takes a few bytes at a time gets all of them."""
    content, _ = await whole(form)
    disk = ForgetfulDisk()
    disk.most = 97
    await run(disk, form)
    check(disk, form, content)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
async def test_a_file_that_is_replaced_is_the_old_one_or_the_new_one(form: str) -> None:
    """With overwrite, a cut at any step leaves the old file or the complete new one, and never a wrong manifest."""
    content, _ = await whole(form)
    old, manifest = b"old", b'{"rows": 1, "made_by": "aiozbilling 0.1.0"}'

    def before() -> ForgetfulDisk:
        disk = ForgetfulDisk()
        disk.entries = {f"t.{form}": Inode(old), f"_t.{form}.manifest.json": Inode(manifest)}
        disk.durable_entries = dict(disk.entries)
        return disk

    undisturbed = before()
    await run(undisturbed, form, overwrite=True)
    check(undisturbed, form, content)
    for cut_at in range(len(undisturbed.steps)):
        for luck in range(2 if form == "parquet" else 10):
            disk = before()
            disk.cut_at = cut_at
            with pytest.raises(PowerCut):
                await run(disk, form, overwrite=True)
            found = disk.after_power_cut(random.Random(luck * 1000 + cut_at))
            nothing_half_done(found, form, content, old)
            told = found.content(FOLDER / f"_t.{form}.manifest.json")
            assert told is None or (told == manifest) == (found.content(final(form)) == old)
            await run(found, form, overwrite=True)
            check(found, form, content)
