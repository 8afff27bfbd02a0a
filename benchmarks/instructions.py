"""Counts instructions with callgrind: they are the same on a busy machine, where times vary by half.

Each figure is the difference of two runs of different length, so that the start of the process cancels out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.serving import ROOT

__all__ = ["MISSING", "counted", "per_unit"]

MISSING = (
    None if shutil.which("valgrind") else "valgrind is missing: instructions are not counted (apt install valgrind)"
)
_COLLECTED = re.compile(r"Collected : (\d+)")
_BYTE_CODE = Path(tempfile.gettempdir(), "aiozbilling-benchmarks")


def per_unit(arguments: list[str], short: int, long: int) -> float:
    """Return the instructions of one unit of ``repeat_one ARGUMENTS COUNT``."""
    few, many = (counted(["-m", "benchmarks.repeat_one", *arguments, str(count), "--once"]) for count in (short, long))
    return (many - few) / (long - short)


def counted(arguments: list[str]) -> int:
    """Return the instructions of a whole Python process."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, *arguments]
    # Compiled modules are kept aside: to compile them takes more instructions than most of the work.
    environment = os.environ | {"PYTHONHASHSEED": "0", "PYTHONPYCACHEPREFIX": str(_BYTE_CODE)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(command[3:], cwd=ROOT, env=environment, check=True, capture_output=True)  # compiles
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    found = _COLLECTED.search(done.stderr)
    if done.returncode or found is None:
        raise SystemExit(f"{' '.join(arguments)} failed under valgrind:\n{done.stderr[-2000:]}")
    return int(found[1])
