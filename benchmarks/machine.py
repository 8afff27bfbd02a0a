"""The machine and the versions of a measurement."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

_LIBRARIES = (
    "aiozbilling",
    "aiohttp",
    "attrs",
    "cattrs",
    "msgspec",
    "tenacity",
    "yarl",
    "orjson",
    "httpx2",
    "pydantic",
    "requests",
    "dlt",
    "openai",
    "typer",
    "pyarrow",
)


def described() -> dict[str, str]:
    """Return CPU, cores, Python and the versions of the installed libraries."""
    facts = {
        "cpu": _cpu(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    for name in _LIBRARIES:
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return facts


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
