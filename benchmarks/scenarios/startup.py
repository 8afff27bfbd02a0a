"""What a process pays before it does anything."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.outcome import Outcome, Samples, bars_of
from benchmarks.setting import Setting

_TIMED = "import time; start = time.process_time(); {}; print(time.process_time() - start)"


def imports(setting: Setting) -> Outcome:
    """CPU of the import statement itself, without the interpreter's own start."""
    statements = ("import aiozbilling", "from aiozbilling import AiozBilling", "import aiohttp")
    samples = _in_turn({statement: lambda s=statement: _import_s(s) for statement in statements}, setting)
    bars = bars_of(samples, ("import aiohttp", "at most", 1.15))
    bars += [
        bar._replace(what=f"{bar.what}, with the client itself")
        for bar in bars_of(samples[1:], ("import aiohttp", "at most", 1.15))
    ]
    return Outcome("import", "import time", "ms of CPU", samples, bars)


def help_text(setting: Setting) -> Outcome:
    """Wall time of a whole process."""
    script = Path(sys.executable).with_name("aiozbilling")
    commands = {
        "aiozbilling --help": [str(script), "--help"],
        "python -c 'import typer'": [sys.executable, "-c", "import typer"],
    }
    samples = _in_turn({name: lambda c=command: _wall_s(c) for name, command in commands.items()}, setting)
    return Outcome(
        "help",
        "the command line's help",
        "ms of wall",
        samples,
        bars_of(samples, ("python -c 'import typer'", "at most", 2.5)),
    )


def _in_turn(work: dict[str, Callable[[], float]], setting: Setting) -> list[Samples]:
    values: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(1 + (1 if setting.quick else 2 * setting.repeat)):
        for name, seconds in work.items():
            measured = seconds() * 1000
            if turn:  # the first one may compile, and fills the file cache
                values[name].append(measured)
    return [Samples(name, times) for name, times in values.items()]


def _import_s(statement: str) -> float:
    command = [sys.executable, "-c", _TIMED.format(statement)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _wall_s(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
