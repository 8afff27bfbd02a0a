"""Files of other programs are neither replaced nor removed, and are found before anything is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aiozbilling import ConfigurationError, ExportError, ExportLockedError
from aiozbilling.export import export
from aiozbilling.export.disk import Disk
from tests.export.export_lists import listing_of, top_ups

ROWS = top_ups(3)


@pytest.mark.parametrize(
    "name", ["t.csv.part", "t.csv.ready", "_t.csv.manifest.json", "t.csv.manifest.json", "t.csv.lock"]
)
async def test_a_foreign_file_stops_the_export(tmp_path: Path, name: str) -> None:
    """A file of another program with a name of the export keeps its content, and the error names it."""
    foreign = tmp_path / name
    foreign.write_text('{"name": "mine"}')
    with pytest.raises(ExportError, match=name):
        await export(listing_of(ROWS), tmp_path / "t.csv", overwrite=True)
    assert foreign.read_text() == '{"name": "mine"}'
    assert {file.name for file in tmp_path.iterdir()} - {"t.csv.lock"} == {name} - {"t.csv.lock"}


async def test_a_manifest_under_its_old_name_is_replaced(tmp_path: Path) -> None:
    """The manifest of an earlier release, which had another name, is replaced by the new one."""
    await export(listing_of(ROWS), tmp_path / "t.csv")
    (tmp_path / "_t.csv.manifest.json").rename(tmp_path / "t.csv.manifest.json")
    await export(listing_of(ROWS), tmp_path / "t.csv", overwrite=True)
    assert {file.name for file in tmp_path.iterdir()} == {"t.csv", "_t.csv.manifest.json"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the owner of a file")
@pytest.mark.parametrize("suffix", [".part", ".checkpoint", ".lock"])
async def test_files_of_another_user_are_not_used(tmp_path: Path, suffix: str) -> None:
    """A part, a checkpoint or a lock that another user put into a shared folder is refused."""

    def stop(progress: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "t.jsonl"
    with pytest.raises(KeyboardInterrupt):
        await export(listing_of(ROWS, page_size=2), path, on_progress=stop)
    prepared = path.with_name(f"{path.name}{suffix}")
    prepared.touch()
    os.chown(prepared, 12345, 12345)
    with pytest.raises(ExportError, match=r"another user"):
        await export(listing_of(ROWS, page_size=2), path)
    assert not path.exists()


async def test_a_link_has_the_lock_of_its_file(tmp_path: Path) -> None:
    """Two exports can't write to a file and to a link to it at the same time."""
    path, link = tmp_path / "t.csv", tmp_path / "link.csv"
    await export(listing_of(ROWS), path)
    link.symlink_to(path)
    with Disk().locked(tmp_path / "t.csv.lock"), pytest.raises(ExportLockedError):
        await export(listing_of(ROWS), link, overwrite=True)


async def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """A name or a label that the manifest could not hold is refused before anything is written."""
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        await export(listing_of(ROWS), tmp_path / os.fsdecode(b"t\xff.csv"))
    with pytest.raises(ConfigurationError, match="label in UTF-8"):
        await export(listing_of(ROWS), tmp_path / "t.csv", account=os.fsdecode(b"\xff"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
async def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    """A pipe and a link to a pipe are refused, even with overwrite, and so are devices."""
    pipe, link = tmp_path / "pipe.csv", tmp_path / "link.csv"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(ConfigurationError, match="is a device, a pipe or a socket"):
            await export(listing_of(ROWS), path, overwrite=True)
    assert pipe.is_fifo()


async def test_a_name_that_is_too_long_is_an_export_error(tmp_path: Path) -> None:
    """A name that the file system refuses is an `ExportError`, like any other failure of the disk."""
    with pytest.raises(ExportError, match="name too long"):
        await export(listing_of(ROWS), tmp_path / f"{'t' * 300}.csv")
