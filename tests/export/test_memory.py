"""The memory that an export takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def peak_mib(rows: int, path: Path) -> float:
    # Coverage needs memory, too, and doubles the time.
    unmeasured = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-m", "tests.export.big_export", str(rows), path]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=unmeasured)
    path.unlink()
    return float(done.stdout)


@pytest.mark.parametrize(
    ("suffix", "few", "many"),
    [
        ("jsonl", 10_000, 30_000),
        *(
            pytest.param(suffix, 100_000, 1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(300)])
            for suffix in ("csv", "jsonl", "parquet", "sqlite")
        ),
    ],
)
def test_memory_is_flat(tmp_path: Path, suffix: str, few: int, many: int) -> None:
    """The peak of memory does not depend on the number of rows, within 8 MiB; the rows themselves would take more."""
    assert peak_mib(many, tmp_path / f"many.{suffix}") <= peak_mib(few, tmp_path / f"few.{suffix}") + 8
