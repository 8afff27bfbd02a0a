"""One export, in a process of its own: ``python -m benchmarks.export_one ours|by-hand FORMAT BASE_URL``."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from aiozbilling import AiozBilling
from benchmarks.by_hand import WRITERS
from benchmarks.task import KEYS

PAGE_SIZE = 1000
OURS, BY_HAND = "ours", "by-hand"


async def exported(way: str, format_: str, base_url: str, path: Path) -> int:
    """Export all top-ups to a file, and return the number of rows."""
    async with AiozBilling(
        api_key=KEYS["pinning_api_key"], secret_key=KEYS["pinning_secret_key"], base_url=base_url, rate_limit=None
    ) as billing:
        listing = billing.top_ups(page_size=PAGE_SIZE)
        if way == OURS:
            from aiozbilling.export import export

            return (await export(listing, path)).rows
        with WRITERS[format_](path) as write:
            async for page in listing.pages():
                write(page.items)
        return listing.report.rows


def measured(way: str, format_: str, base_url: str) -> dict[str, object]:
    """Export once to warm up, and then measure an export."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(exported(way, format_, f"{base_url}/warm", Path(folder, f"warm.{format_}")))
        path = Path(folder, f"top-ups.{format_}")
        wall, cpu = time.perf_counter(), time.process_time()
        rows = asyncio.run(exported(way, format_, base_url, path))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"rows": rows, "wall_s": wall, "cpu_s": cpu, "peak_mib": _peak_mib(), "bytes": path.stat().st_size}


def _peak_mib() -> float:
    # ru_maxrss includes the size of the parent process at the start; VmHWM is that of this process only.
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    print(json.dumps(measured(*sys.argv[1:4])))
