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
from tests.marks import slow

FORMATS = ("csv", "jsonl", "parquet")
# CSV and JSON Lines take the same steps, so by default the long tests run for one of them.
SLOW_FORMATS = ("jsonl", *(pytest.param(form, marks=pytest.mark.slow) for form in ("csv", "parquet")))
REPEATS = (pytest.mark.slow, pytest.mark.unmeasured)
OUTCOMES = {"csv": 6, "jsonl": 6, "parquet": 2}  # of what survives each cut
ROWS = top_ups(17)
FOLDER = Path("/exports")


@pytest.fixture(autouse=True)
def _every_page_has_its_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiozbilling.export.saver._LONGEST_WAIT_S", 0.0)
    monkeypatch.setattr("aiozbilling.export.saver._FIRST_COST_S", 0.0)


def final(form: str) -> Path:
    return FOLDER / f"t.{form}"


async def run(disk: ForgetfulDisk, form: str, *, overwrite: bool = False) -> ExportReport | None:
    """Export; None if an earlier run had completed the file and all steps after it."""
    job = Job(listing_of(ROWS), final(form), None, Span(), overwrite=overwrite, disk=disk, clock=lambda: 0.0)
    try:
        return await job.run(lambda progress: None)
    except ExportError as error:
        if error.reason.startswith("the file exists and is a complete export: 17 rows") and set(disk.entries) == {
            f"t.{form}",
            f"_t.{form}.manifest.json",
        }:
            return None
        raise


async def whole(form: str) -> tuple[bytes, list[str]]:
    """Export without an interruption, and return the file and the steps."""
    disk = ForgetfulDisk()
    await run(disk, form)
    return disk.content(final(form)) or b"", disk.steps


def check(disk: ForgetfulDisk, form: str, content: bytes) -> None:
    """Check that the same file as without an interruption, its manifest and nothing else are durable."""
    survivor = disk.after_power_cut(random.Random(0))
    assert set(survivor.entries) == {f"t.{form}", f"_t.{form}.manifest.json"}
    assert survivor.content(final(form)) == content
    manifest = json.loads(survivor.content(FOLDER / f"_t.{form}.manifest.json") or b"")
    assert manifest["rows"] == len(ROWS)
    assert manifest["sha256"] == sha256(content).hexdigest()
    assert manifest["sums"]["usd"] == str(sum(row.credit_usd or 0 for row in ROWS)).rstrip("0")


def check_complete_or_absent(disk: ForgetfulDisk, form: str, content: bytes, *others: bytes) -> None:
    """Check that the file has its name only if it is complete."""
    assert disk.content(final(form)) in (None, content, *others)


@pytest.mark.parametrize(
    ("form", "outcomes"),
    [("jsonl", 1), *(pytest.param(form, n, marks=REPEATS) for form, n in OUTCOMES.items())],
)
async def test_a_power_cut_at_any_step_loses_nothing(form: str, outcomes: int) -> None:
    """After a power cut at any step, whichever unsynced bytes survive, the next run completes the same file."""
    content, steps = await whole(form)
    assert len(steps) > 40
    for cut_at in range(len(steps)):
        for luck in range(outcomes):
            disk = ForgetfulDisk()
            disk.cut_at = cut_at
            with pytest.raises(PowerCut):
                await run(disk, form)
            found = disk.after_power_cut(random.Random(luck * 1000 + cut_at))
            check_complete_or_absent(found, form, content)
            await run(found, form)
            check(found, form, content)


@pytest.mark.parametrize("form", SLOW_FORMATS)
@pytest.mark.parametrize("cuts", [pytest.param(60), pytest.param(400, marks=REPEATS)])
async def test_power_cuts_one_after_another_lose_nothing(form: str, cuts: int) -> None:
    """Runs that a power cut ends again and again still complete the same file."""
    content, steps = await whole(form)
    choose = random.Random(form)
    disk = ForgetfulDisk()
    for _ in range(cuts):
        disk.cut_at = choose.randrange(len(steps))
        try:
            await run(disk, form)
        except PowerCut:
            disk = disk.after_power_cut(choose)
            check_complete_or_absent(disk, form, content)
            continue
        check(disk, form, content)
        disk = ForgetfulDisk()
    disk.cut_at = None
    await run(disk, form)
    check(disk, form, content)


@pytest.mark.parametrize("form", SLOW_FORMATS)
@pytest.mark.parametrize("failure", [errno.ENOSPC, *slow(errno.EIO)])
async def test_a_failure_of_any_step_stops_and_loses_nothing(form: str, failure: int) -> None:
    """Each write, fsync, rename and open that fails is reported once, and the next run completes the same file.

    So it does if the power is cut in that next run: after a failed fsync, bytes can be read that are not on the disk.
    """
    content, steps = await whole(form)
    choose = random.Random(failure)
    for fail_at in range(len(steps)):
        disk = ForgetfulDisk()
        disk.fail_at, disk.failure = fail_at, failure
        with pytest.raises(ExportError, match="run the same export again"):
            await run(disk, form)
        check_complete_or_absent(disk, form, content)
        assert not any(name.endswith(".tmp") for name in disk.entries)
        disk.fail_at, disk.cut_at = None, len(disk.steps) + choose.randrange(len(steps))
        try:
            if await run(disk, form) is None:  # all steps were done, but the last removal may not be durable
                disk = disk.after_power_cut(choose)
                await run(disk, form)
        except PowerCut:
            disk = disk.after_power_cut(choose)
            await run(disk, form)
        check(disk, form, content)


@pytest.mark.parametrize("form", FORMATS)
async def test_short_writes_are_continued(form: str) -> None:
    """All bytes are written to a disk that accepts few bytes at a time."""
    content, _ = await whole(form)
    disk = ForgetfulDisk()
    disk.most = 97
    await run(disk, form)
    check(disk, form, content)


@pytest.mark.slow
@pytest.mark.unmeasured
@pytest.mark.parametrize("form", FORMATS)
async def test_a_replaced_file_is_the_old_one_or_the_new_one(form: str) -> None:
    """With overwrite, a power cut at any step leaves the old file or the complete new one, and no wrong manifest."""
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
            check_complete_or_absent(found, form, content, old)
            left = found.content(FOLDER / f"_t.{form}.manifest.json")
            assert left is None or (left == manifest) == (found.content(final(form)) == old)
            await run(found, form, overwrite=True)
            check(found, form, content)
