"""A damaged checkpoint and a damaged part file are refused, whichever bit of them changed."""

from __future__ import annotations

import random
from hashlib import sha256
from pathlib import Path

import pytest

from aiozbilling import CheckpointError
from aiozbilling.export import export
from aiozbilling.export.checkpoint import Checkpoint, Names
from aiozbilling.export.formats import encoding, format_of
from aiozbilling.export.part import PartFile
from aiozbilling.simulator import Simulator
from aiozbilling.tables.table import table_of
from tests.export.export_lists import listing_of, top_ups
from tests.export.forgetful_disk import ForgetfulDisk, Inode
from tests.marks import slow
from tests.simulated import client_of

ROWS = top_ups(9)
SUFFIXES = (".csv", ".jsonl", ".parquet", ".sqlite")
EACH_BIT = (".csv", *(pytest.param(suffix, marks=pytest.mark.slow) for suffix in SUFFIXES[1:]))


async def interrupted(folder: Path, suffix: str) -> Path:
    """Begin an export, and interrupt it after the first page."""

    def stop(progress: object) -> None:
        raise KeyboardInterrupt

    path = folder / f"t{suffix}"
    with pytest.raises(KeyboardInterrupt):
        await export(listing_of(ROWS, page_size=4), path, on_progress=stop)
    return path


@pytest.mark.parametrize("suffix", EACH_BIT)
async def test_every_flipped_bit_of_the_checkpoint_is_found(tmp_path: Path, suffix: str) -> None:
    """A text that differs from a checkpoint in one bit is refused."""
    text = Names(await interrupted(tmp_path, suffix)).checkpoint.read_bytes()
    assert Checkpoint.parse(text, tmp_path).text() == text
    for bit in range(len(text) * 8):
        damaged = bytearray(text)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CheckpointError):
            Checkpoint.parse(bytes(damaged), tmp_path)


@pytest.mark.parametrize("suffix", EACH_BIT)
async def test_a_flipped_bit_of_the_part_file_is_found(tmp_path: Path, suffix: str) -> None:
    """The checkpoint covers every byte of the part file, also of a format that is built at the end."""
    path = await interrupted(tmp_path, suffix)
    names, table = Names(path), table_of("/api/billing/topUp")
    checkpoint = Checkpoint.parse(names.checkpoint.read_bytes(), path)
    disk = ForgetfulDisk()
    inode = disk.entries[names.part.name] = Inode(names.part.read_bytes())
    assert checkpoint.size == len(inode.content) > 500
    for bit in range(0, len(inode.content) * 8, 3):
        inode.content[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CheckpointError, match="was changed"):
            PartFile(disk, names, encoding(format_of(path, None), table)).open(checkpoint)
        inode.content[bit // 8] ^= 1 << bit % 8


def with_a_flipped_bit(content: bytes, choose: random.Random) -> bytes:
    """Return the content with one random bit changed."""
    damaged = bytearray(content)
    damaged[choose.randrange(len(content))] ^= 1 << choose.randrange(8)
    return bytes(damaged)


@pytest.mark.parametrize("suffix", [".parquet", *slow(".csv", ".jsonl", ".sqlite")])
async def test_an_export_with_a_damaged_part_file_stops(tmp_path: Path, suffix: str) -> None:
    """The next run raises, publishes nothing and changes nothing; with the part restored, it completes the file."""
    path = await interrupted(tmp_path, suffix)
    part = Names(path).part
    content, choose = part.read_bytes(), random.Random(suffix)
    for _ in range(4):
        damaged = with_a_flipped_bit(content, choose)
        part.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="was changed"):
            await export(listing_of(ROWS, page_size=4), path)
        assert (part.read_bytes(), path.exists()) == (damaged, False)
    part.write_bytes(content + b"after the checkpoint")
    assert (await export(listing_of(ROWS, page_size=4), path)).rows == len(ROWS)
    await export(listing_of(ROWS), tmp_path / f"whole{suffix}")
    assert path.read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_a_part_file_that_another_program_writes_to_is_found(tmp_path: Path, suffix: str) -> None:
    """Bytes of another program never become a file that its manifest does not describe."""
    path = tmp_path / f"t{suffix}"
    part = Names(path).part

    def write_too(_progress: object) -> None:
        part.write_bytes(b"x" * 100_000)

    async with Simulator(top_ups=9) as simulator, client_of(simulator) as billing:
        with pytest.raises(CheckpointError, match="another program changed the file while it was written"):
            await export(billing.top_ups(page_size=4), path, on_progress=write_too)
        assert not path.exists()
        part.unlink()
        Names(path).checkpoint.unlink()
        assert (await export(billing.top_ups(page_size=4), path)).rows == 9


@pytest.mark.parametrize("suffix", [".jsonl", ".sqlite"])
async def test_an_export_with_a_damaged_checkpoint_stops(tmp_path: Path, suffix: str) -> None:
    """The next run raises, publishes nothing and changes nothing, so that the cause can be found."""
    path = await interrupted(tmp_path, suffix)
    checkpoint = Names(path).checkpoint
    text, choose = checkpoint.read_bytes(), random.Random(suffix)
    for _ in range(8):
        damaged = with_a_flipped_bit(text, choose)
        checkpoint.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"damaged|version"):
            await export(listing_of(ROWS, page_size=4), path)
        assert (checkpoint.read_bytes(), path.exists()) == (damaged, False)
    checkpoint.write_bytes(text)
    assert (await export(listing_of(ROWS, page_size=4), path)).rows == len(ROWS)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"version":1}', b'{"version":99}', b"\0" * 64]
)
def test_other_files_are_refused_as_checkpoints(tmp_path: Path, text: bytes) -> None:
    """Anything else is an error with a hint, also an older version and deep nesting."""
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.parse(text, tmp_path / "t.csv.checkpoint")
    assert caught.value.hint


async def test_an_added_field_is_refused(tmp_path: Path) -> None:
    """A checkpoint with an unknown field is refused, even if its digest is correct."""
    text = Names(await interrupted(tmp_path, ".csv")).checkpoint.read_bytes()
    body = text[text.index(b'"checkpoint":') + 13 : -2].replace(b"{", b'{"more":1,', 1)
    forged = b'{"sha256":"' + sha256(body).hexdigest().encode() + b'","checkpoint":' + body + b"}\n"
    with pytest.raises(CheckpointError):
        Checkpoint.parse(forged, tmp_path)
