"""A checkpoint that was damaged is refused, whichever bit of it changed."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from aiozbilling import CheckpointError
from aiozbilling.export import export
from aiozbilling.export.checkpoint import Checkpoint, Names
from tests.export.export_lists import listing_of, top_ups

ROWS = top_ups(9)


async def interrupted(folder: Path, suffix: str) -> Path:
    """Leave an export that stopped in the middle."""

    def stop(progress: object) -> None:
        raise KeyboardInterrupt

    path = folder / f"t{suffix}"
    with pytest.raises(KeyboardInterrupt):
        await export(listing_of(ROWS, page_size=4), path, on_progress=stop)
    return path


def stored_text(path: Path, suffix: str) -> bytes:
    """Return the checkpoint, which an export to SQLite keeps in its database."""
    if suffix != ".sqlite":
        return Names(path).checkpoint.read_bytes()
    with closing(sqlite3.connect(Names(path).part)) as database:
        (text,) = database.execute("SELECT checkpoint FROM aiozbilling_export").fetchone()
    return text.encode()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".sqlite"])
async def test_every_flipped_bit_is_found(tmp_path: Path, suffix: str) -> None:
    """No text that differs from a checkpoint in one bit is read as a checkpoint."""
    text = stored_text(await interrupted(tmp_path, suffix), suffix)
    assert Checkpoint.parse(text, tmp_path).text() == text
    for bit in range(len(text) * 8):
        damaged = bytearray(text)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CheckpointError):
            Checkpoint.parse(bytes(damaged), tmp_path)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
async def test_an_export_with_a_damaged_checkpoint_stops(tmp_path: Path, suffix: str) -> None:
    """The next run raises, publishes nothing and changes nothing, so that the cause can be looked at."""
    path = await interrupted(tmp_path, suffix)
    checkpoint = Names(path).checkpoint
    text, choose = checkpoint.read_bytes(), random.Random(suffix)
    for _ in range(8):
        damaged = bytearray(text)
        damaged[choose.randrange(len(text))] ^= 1 << choose.randrange(8)
        checkpoint.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"damaged|version"):
            await export(listing_of(ROWS, page_size=4), path)
        assert (checkpoint.read_bytes(), path.exists()) == (damaged, False)
    checkpoint.write_bytes(text)
    assert (await export(listing_of(ROWS, page_size=4), path)).rows == len(ROWS)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"version":1}', b'{"version":99}', b"\0" * 64]
)
def test_other_files_are_no_checkpoints(tmp_path: Path, text: bytes) -> None:
    """Anything else, an older version and deep nesting included, is an error with a hint."""
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.parse(text, tmp_path / "t.csv.checkpoint")
    assert caught.value.hint


async def test_an_added_field_is_refused(tmp_path: Path) -> None:
    """A checkpoint with a field more is not ours, even where its digest is right."""
    text = stored_text(await interrupted(tmp_path, ".csv"), ".csv")
    body = text[text.index(b'"checkpoint":') + 13 : -2].replace(b"{", b'{"more":1,', 1)
    forged = b'{"sha256":"' + sha256(body).hexdigest().encode() + b'","checkpoint":' + body + b"}\n"
    with pytest.raises(CheckpointError):
        Checkpoint.parse(forged, tmp_path)
